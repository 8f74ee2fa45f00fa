// The picture that matters: what a request costs, against how long an ended credential is still believed.

import { h, svg } from '../dom.js';
import { list, ms, us } from '../format.js';
import { MARGIN, drawing, frame, logarithmic } from './chart.js';
import { figure } from './figure.js';
import { copyBlock } from './message.js';

const HEIGHT = 380;
const LEAST_COST_US = 1;
const LEAST_LAG_MS = 1;
const UNTIL_EXPIRY_MS = 300000;
const POWERS = [1, 10, 100, 1000, 10000, 100000];
const LETTER_PX = 8;
const LABEL_ROW_PX = 16;

/** The strategies of a result that a point can be drawn for. */
export function points(result) {
  return Object.entries(result?.arms ?? {})
    .filter(([name, arm]) => arm.strategy && arm.margin_cpu_us && !name.startsWith('peer-'))
    .map(([name, arm]) => {
      const lag = arm.revocation_lag_ms;
      const known = typeof lag?.p50 === 'number';
      const never = !known || lag.bound === 'until expiry';
      return { name, strategy: arm.strategy, cost: arm.margin_cpu_us, lag: never ? UNTIL_EXPIRY_MS : lag.p50, most: never ? UNTIL_EXPIRY_MS : lag.max, never, known, arm };
    });
}

/** Draw the frontier, or say how to make a result. */
export function frontier(width, result) {
  if (!result) return h('p', { 'data-key': 'no-result' }, 'Asking for the last benchmark result …');
  const drawn = points(result).filter((one) => one.known && one.name === one.strategy);
  if (!drawn.length) {
    return h('div', { class: 'note-box', 'data-key': 'no-result' }, h('p', null, 'There is no benchmark result here yet. This makes one in a few minutes; then reload the page:'), copyBlock('make bench'));
  }
  const most = Math.max(...drawn.map((one) => one.cost.high), 10) * 1.5;
  const x = logarithmic(LEAST_COST_US, most, MARGIN.left, width - MARGIN.right);
  const y = logarithmic(LEAST_LAG_MS, UNTIL_EXPIRY_MS * 2, HEIGHT - MARGIN.bottom, MARGIN.top);
  const best = pareto(drawn);
  const words = `${list(best.map((one) => one.name))} ${best.length === 1 ? 'is' : 'are'} on the frontier: nothing measured is both cheaper and quicker to forget.`;
  const body = drawing(
    width,
    HEIGHT,
    words,
    frame({
      width, height: HEIGHT, x, y, xTicks: POWERS.filter((one) => one <= most), yTicks: [...POWERS, UNTIL_EXPIRY_MS],
      xLabel: width < 500 ? 'server CPU above the control, µs' : 'server CPU per request above the control, µs', yLabel: 'still believed after logout',
      formatY: (value) => (value === UNTIL_EXPIRY_MS ? 'expiry' : value >= 1000 ? `${value / 1000} s` : `${value === LEAST_LAG_MS ? '≤ ' : ''}${value} ms`),
    }),
    svg('path', { class: 'frontier-line', d: best.map((one, at) => `${at ? 'L' : 'M'}${x(one.cost.median)},${y(one.lag)}`).join(' ') }),
    labelled(drawn, x, y, width).map(({ one, cx, cy, labelY, from }) =>
      svg(
        'g',
        { class: `point ${sideOf(one)}` },
        svg('path', { class: 'leader', d: `M${cx},${cy} V${labelY - 4}` }),
        svg('line', { class: 'error', x1: x(one.cost.low), x2: x(one.cost.high), y1: cy, y2: cy }),
        one.most > one.lag && svg('line', { class: 'error', x1: cx, x2: cx, y1: cy, y2: y(one.most) }),
        sideOf(one) === 'session' ? svg('rect', { x: cx - 5, y: cy - 5, width: 10, height: 10 }) : svg('circle', { cx, cy, r: 5.5 }),
        svg('text', { x: from, y: labelY }, one.name),
      ),
    ),
  );
  const table = {
    caption: 'Cost and staleness',
    head: ['Strategy', 'CPU above control (95 %)', 'Still believed, p50', 'At most seen', 'Store commands', 'Bytes up'],
    rows: drawn.map((one) => [one.name, `${us(one.cost.median)} (${one.cost.low.toFixed(1)} to ${one.cost.high.toFixed(1)})`, one.never ? 'until it expires' : ms(one.lag), one.never ? 'until it expires' : ms(one.most), String(one.arm.store_commands_per_request ?? '–'), String(one.arm.bytes_up ?? '–')]),
  };
  return h('div', { 'data-key': 'frontier' }, figure('frontier', words, body, table), h('p', { class: 'note' }, source(result)));
}

const sideOf = (one) => (one.strategy.endsWith('session') ? 'session' : 'token');

/** Points that no other beats on both axes, cheapest first. */
function pareto(drawn) {
  const cheapFirst = [...drawn].sort((one, other) => one.cost.median - other.cost.median || one.lag - other.lag);
  let least = Infinity;
  return cheapFirst.filter((one) => one.lag < least && ((least = one.lag), true));
}

/** Give each point a label above it. From right to left they rise, so that no leader crosses a label. */
function labelled(drawn, x, y, width) {
  const placed = [];
  for (const one of [...drawn].sort((a, b) => b.cost.median - a.cost.median)) {
    const [cx, cy, long] = [x(one.cost.median), y(one.lag), one.name.length * LETTER_PX];
    const from = Math.min(cx + 5, width - long);
    const to = from + long;
    let labelY = cy - 12;
    while (placed.some((other) => other.labelY > labelY - LABEL_ROW_PX && other.labelY < labelY + LABEL_ROW_PX && other.from < to && from < other.to)) labelY -= 1;
    placed.push({ one, cx, cy, labelY, from, to });
  }
  return placed;
}

function source(result) {
  const when = result.started_at ? `, run ${String(result.started_at).slice(0, 16).replace('T', ' ')}` : '';
  const machine = result.machine?.cpu ? ` on ${result.machine.cpu}` : '';
  return `From the benchmark ${result.file}${when}${machine}${result.quick ? '. A quick run: good for a look, not for publication.' : '.'}`;
}
