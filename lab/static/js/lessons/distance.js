import { bearerHeader, cookieHeader, setFault } from '../act.js';
import { h } from '../dom.js';
import { ms } from '../format.js';
import { crossing, crossingAt } from '../views/crossing.js';
import { meter } from '../views/meter.js';
import { world } from '../world.js';
import { credentials } from './kit.js';

const STORES = ['redis-sessions', 'redis-auth'];
const MOST_MS = 20;
const ENOUGH = 220;
const FEW = 60;
const REFRESHES = 5;

async function setDistance(roundTrip) {
  for (const store of STORES) await setFault(store, roundTrip ? 'slow' : 'none', roundTrip ? { delay_ms: roundTrip } : {});
}

const SERVERS = {
  'plain-jwt': 'resource-1', 'redis-session': 'session-1', 'denylisted-jwt': 'denylisted', 'pushed-jwt': 'pushed', 'tracked-session': 'tracked-1',
};

async function measure(act, seen, state, strategies, requests) {
  await setDistance(0);
  const have = await credentials(act, seen);
  const headers = { session: cookieHeader(have.session.cookie), token: bearerHeader(have.token.access) };
  if (strategies.includes('tracked-session')) await act.login('login-tracked', 'tracked-1');
  await setDistance(state.roundTrip);
  for (const strategy of strategies.filter((one) => world.server(SERVERS[one]))) {
    const own = strategy === 'tracked-session' ? cookieHeader(seen.session('login-tracked').cookie) : headers[strategy.endsWith('session') ? 'session' : 'token'];
    await act.cost(SERVERS[strategy], own, requests, state.roundTrip);
  }
}

/** What a refresh makes its caller wait: the middle one of a few. */
async function refreshMs(act, seen) {
  let token = (await credentials(act, seen)).token.refresh;
  const took = [];
  for (let at = 0; at < REFRESHES; at += 1) {
    const one = await act.refresh('refresh', token);
    if (one.status !== 200) throw new Error('The refresh token was used up. Press Reset and begin again.');
    token = one.json.refresh_token;
    took.push(one.ms);
  }
  return took.sort((a, b) => a - b)[Math.floor(REFRESHES / 2)];
}

function slider(state, repaint) {
  const id = 'round-trip';
  return h(
    'div',
    { class: 'slider', 'data-key': 'slider' },
    h('label', { for: id }, 'Round trip to the stores, in ms'),
    h('input', { type: 'range', id, min: 0, max: MOST_MS, step: 1, value: String(state.roundTrip), on: { input: (event) => repaint((state.roundTrip = Number(event.target.value))) } }),
    h('output', { for: id }, `${state.roundTrip} ms`),
  );
}

const prepare = (state, roundTrip) => (state.roundTrip ??= roundTrip);

const measuredIn = (seen, step) => seen.costs(step).filter((one) => one.over);

export default {
  title: 'Distance',
  question: 'Where do the curves cross when the store is far away?',
  predict: {
    ask: 'The store moves from next door to 20 ms away. What happens to a session request and to a token request?',
    options: ['Both become 20 ms slower', 'Only the session request does', 'Neither: both are cached'],
    right: 1,
  },
  steps: [{
    title: 'Next door',
    say: 'Every request is measured above the same handler without authentication, one at a time, now and here.',
    do: ['Press “Measure both”.', 'Wait until you see “Half of the requests took less than”.'],
    buttons: {
      'Measure both': (act, seen, state) => {
        state.roundTrip = 0;
        return measure(act, seen, state, ['plain-jwt', 'redis-session'], ENOUGH);
      },
    },
    lanes: false,
    view: (seen) => meter(seen.costs(1)),
    explain: (seen) => measuredIn(seen, 1).length >= 2 && 'On one machine a lookup is a fraction of a millisecond. Most published comparisons stop here.',
  }, {
    title: 'Far away',
    say: 'The slider holds back every byte to and from both stores, in a real proxy. No figure is computed.',
    do: ['Set “Round trip to the stores, in ms” to “20”.', 'Press “Measure at this distance”.', 'Wait until you see “Half of the requests took less than”.'],
    before: (_seen, { state, repaint }) => (prepare(state, 5), slider(state, repaint)),
    buttons: {
      'Measure at this distance': async (act, seen, state) => {
        try {
          await measure(act, seen, state, Object.keys(SERVERS), state.roundTrip > 4 ? FEW : ENOUGH);
        } finally {
          await setDistance(0);
        }
      },
    },
    lanes: false,
    view: (seen) => meter(seen.costs(2)),
    explain: (seen) => {
      const done = Object.fromEntries(measuredIn(seen, 2).map((one) => [one.strategy, one]));
      const [session, token] = [done['redis-session'], done['plain-jwt']];
      return session && token && `With ${session.round_trip_ms} ms to the store a session request takes ${ms(session.guarded.p50_ms)} and a token request ${ms(token.guarded.p50_ms)}: who asks, pays the distance; who is told, or asks nobody, does not.`;
    },
  }, {
    title: 'The crossing point',
    say: 'A token has a bill of its own: a refresh in each of its lives, and that asks the store several times. So how many requests must a token serve to be the faster one?',
    do: ['Set “Round trip to the stores, in ms” to “10”.', 'Press “Find the crossing point”.', 'Wait until you see “requests in one token’s life on, the token is the faster one”.'],
    before: (_seen, { state, repaint }) => (prepare(state, 2), slider(state, repaint)),
    buttons: {
      'Find the crossing point': async (act, seen, state) => {
        try {
          await measure(act, seen, state, ['plain-jwt', 'redis-session'], FEW);
          await refreshMs(act, seen);
        } finally {
          await setDistance(0);
        }
      },
    },
    lanes: false,
    view: (seen, { width }) => {
      const measured = crossingMeasured(seen);
      return measured && crossing(Math.min(width - 50, 640), measured);
    },
    explain: (seen) => {
      const measured = crossingMeasured(seen);
      const at = measured && crossingAt(measured);
      return at && `Below ${at.toFixed(1)} requests a session is the shorter wait, above it the token. Move the slider and measure again: distance makes both bills larger, and the crossing hardly moves.`;
    },
  }],
  point: 'Distance multiplies whatever is asked per request. A session asks once each time, a token several times once in its life; a few requests per token life decide.',
  next: ['Measure at 0 ms: where does the crossing go when the store is next door?', 'Lesson 15 puts measured cost beside measured staleness.'],
};

/** The latest figures of step 3: both sides, and the middle refresh of the same run. */
function crossingMeasured(seen) {
  const done = Object.fromEntries(measuredIn(seen, 3).map((one) => [one.strategy, one]));
  const refreshes = seen.step(3).filter((one) => one.label === 'refresh').map((one) => one.ms).sort((a, b) => a - b);
  const [session, token] = [done['redis-session'], done['plain-jwt']];
  if (!session || !token || refreshes.length < REFRESHES) return null;
  return { session: session.guarded.p50_ms, token: token.guarded.p50_ms, refresh: refreshes[Math.floor(refreshes.length / 2)], roundTrip: session.round_trip_ms };
}
