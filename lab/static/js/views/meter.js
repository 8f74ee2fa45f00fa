// The cost meter: what one request costs, measured now, above the same handler without authentication.

import { h } from '../dom.js';
import { bytes, ms, plural, sum, us } from '../format.js';
import { figure } from './figure.js';

const ENOUGH = 200; // fewer say nothing of a p99, nor of CPU time that is counted in ticks

/** Draw the last measurement of each strategy. */
export function meter(costs, key = 'meter') {
  if (!costs.length) return null;
  const latest = [...new Map(costs.map((one) => [one.strategy, one])).values()];
  const most = Math.max(...latest.map((one) => one.guarded.p50_ms ?? 0), 0.001);
  const body = h(
    'ol',
    { class: 'meter' },
    latest.map((one) =>
      h(
        'li',
        { 'data-key': one.strategy },
        h('span', { class: 'meter-name' }, one.strategy),
        h('span', { class: 'track', 'aria-hidden': 'true', style: { '--at': '0%', '--wide': `${((one.guarded.p50_ms ?? 0) / most) * 100}%` } }, h('span', { class: 'bar' })),
        h('span', { class: 'meter-word' }, `${ms(one.guarded.p50_ms)} · ${us(margin(one))} CPU · ${lookups(one)} · n = ${one.guarded.n}`),
      ),
    ),
  );
  const table = {
    caption: 'Cost of one request',
    head: ['Strategy', 'Round trip set', 'CPU above control', 'CPU of control', 'Lookups', 'Bytes up', 'p50', 'p99', 'n'],
    rows: latest.map((one) => [
      one.strategy, ms(one.round_trip_ms), us(margin(one)), us(one.control.cpu_us), lookups(one), bytes(one.guarded.bytes_up), ms(one.guarded.p50_ms),
      one.guarded.n >= ENOUGH ? ms(one.guarded.p99_ms) : `from n = ${ENOUGH}`, String(one.guarded.n),
    ]),
  };
  return figure(key, sentence(latest), body, table);
}

const lookups = (one) => (one.over ? plural(sum(Object.values(one.guarded.lookups)), 'lookup') : '–');

/** The CPU time that authentication costs: above the control of the same run. */
function margin(one) {
  if (one.guarded.n < ENOUGH || one.guarded.cpu_us === null || one.control.cpu_us === null) return null;
  return one.guarded.cpu_us - one.control.cpu_us;
}

function sentence(latest) {
  if (!latest.every((one) => one.over)) return 'Measuring …';
  const sorted = [...latest].sort((one, other) => (one.guarded.p50_ms ?? 0) - (other.guarded.p50_ms ?? 0));
  const [best, worst] = [sorted[0], sorted.at(-1)];
  if (best === worst) return `${best.strategy}: half of ${best.guarded.n} requests took less than ${ms(best.guarded.p50_ms)}. One request in flight, on this machine, now.`;
  return `Half of the requests took less than ${ms(best.guarded.p50_ms)} with ${best.strategy} and ${ms(worst.guarded.p50_ms)} with ${worst.strategy}. One request in flight, on this machine, now.`;
}
