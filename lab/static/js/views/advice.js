// The advice calculator: a few questions, and what the measured figures say to the answers.

import { h } from '../dom.js';
import { ms, us } from '../format.js';
import { world } from '../world.js';
import { dataTable } from './figure.js';
import { points } from './frontier.js';
import { chooser, field } from './tamper.js';

const REVOKE = { 'at the next request': 0, 'within a second': 1, 'within the life of a token': Infinity };
const STRATEGIES = ['plain-jwt', 'denylisted-jwt', 'pushed-jwt', 'introspected-token', 'redis-session', 'tracked-session', 'memory-session'];
const PAID_IN_ROUND_TRIPS = { 'denylisted-jwt': 1, 'introspected-token': 2, 'redis-session': 1 };
const BOUNDS_S = { 'plain-jwt': Infinity, 'pushed-jwt': 1, 'tracked-session': 1 };
const RIDES_OUT_STORE = new Set(['plain-jwt']);

export const questions = () => ({ revoke: 'at the next request', servers: '3', roundTrip: '1', rate: '1000', store: 'yes' });

/** Draw the questions and the ranking that answers them. */
export function advice(answers, result, repaint) {
  const change = (name) => (value) => repaint((answers[name] = value));
  const ranking = rank(answers, result);
  const best = ranking.find((one) => !one.ruledOut);
  return h(
    'div',
    { class: 'advice', 'data-key': 'advice' },
    h(
      'div',
      { class: 'fields' },
      chooser('A logout must be heard', Object.keys(REVOKE), answers.revoke, change('revoke')),
      field('Servers that must agree', answers.servers, change('servers'), { type: 'number', min: 1, max: 1000 }),
      field('Round trip to the store, ms', answers.roundTrip, change('roundTrip'), { type: 'number', min: 0, max: 500, step: 0.1 }),
      field('Requests per second', answers.rate, change('rate'), { type: 'number', min: 1, max: 10000000 }),
      chooser('May everything stop when the store does', ['yes', 'no'], answers.store, change('store')),
    ),
    h('p', { class: 'explain', role: 'status' }, best ? `Advice: ${best.strategy}. ${best.why}` : 'Nothing here meets all of this. Loosen one answer.'),
    dataTable({
      caption: 'All strategies, best first',
      head: ['Strategy', 'Fits', 'Waiting added', 'CPU added', 'Cores for it', 'Why'],
      rows: ranking.map((one) => [one.strategy, one.ruledOut ? '✕ no' : '✓ yes', ms(one.addedMs), one.cpu === null ? 'not measured' : us(one.cpu), one.cores === null ? '–' : one.cores.toFixed(2), one.ruledOut ?? one.why]),
    }),
  );
}

/** Order the strategies: those that fit first, then by how long a request waits, then by CPU. */
function rank(answers, result) {
  const measured = new Map(points(result).map((one) => [one.name, one]));
  const [roundTrip, rate] = [Number(answers.roundTrip) || 0, Number(answers.rate) || 0];
  return STRATEGIES.map((strategy) => {
    const cpu = measured.get(strategy)?.cost.median ?? null;
    const trips = PAID_IN_ROUND_TRIPS[strategy] ?? 0;
    const addedMs = trips * roundTrip + (cpu ?? 0) / 1000;
    return { strategy, cpu, addedMs, cores: cpu === null ? null : (cpu * rate) / 1e6, ruledOut: ruledOut(strategy, answers), why: reason(strategy, trips, roundTrip) };
  }).sort((one, other) => Boolean(one.ruledOut) - Boolean(other.ruledOut) || one.addedMs - other.addedMs);
}

function ruledOut(strategy, answers) {
  const bound = BOUNDS_S[strategy] ?? 0;
  if (bound > REVOKE[answers.revoke]) return bound === Infinity ? 'a logout is not heard before the token expires' : 'a logout is heard within milliseconds, not at the next request';
  if (strategy === 'memory-session' && Number(answers.servers) > 1) return 'the second server would not know the session';
  if (answers.store === 'no' && !RIDES_OUT_STORE.has(strategy) && strategy !== 'memory-session') return 'it stops, at once or after seconds, when its store does';
  return null;
}

function reason(strategy, trips, roundTrip) {
  const promise = world.servers.find((one) => one.strategy === strategy)?.promise;
  const paid = trips ? `It pays ${trips === 1 ? 'a round trip' : `${trips} round trips`} of ${ms(roundTrip)} for each request.` : 'It asks nobody while a request waits.';
  return promise ? `${paid} ${promise.teaches[0].toUpperCase()}${promise.teaches.slice(1)}.` : paid;
}
