// Where the curves cross: a session pays a look into the store each time, a token pays a refresh once in its life.

import { svg } from '../dom.js';
import { ms } from '../format.js';
import { MARGIN, drawing, frame, linear, ticksUpTo } from './chart.js';
import { figure } from './figure.js';

const HEIGHT = 280;
const LEAST_REQUESTS = 10;

/** What a caller waits for: `session` and `token` are ms per request, `refresh` ms per token life. */
export function crossingAt({ session, token, refresh }) {
  return session > token ? refresh / (session - token) : null;
}

/** Draw waiting time over the number of requests in one token's life. */
export function crossing(width, measured) {
  const { session, token, refresh, roundTrip } = measured;
  const at = crossingAt(measured);
  const most = Math.max(LEAST_REQUESTS, Math.ceil((at ?? LEAST_REQUESTS) * 2));
  const top = Math.max(session * most, refresh + token * most);
  const x = linear(most, MARGIN.left, width - MARGIN.right);
  const y = linear(top, HEIGHT - MARGIN.bottom, MARGIN.top);
  const words = sentence(at, measured);
  const line = (side, from, to) => svg('line', { class: `curve ${side}`, x1: x(0), y1: y(from), x2: x(most), y2: y(to) });
  const body = drawing(
    width,
    HEIGHT,
    words,
    frame({ width, height: HEIGHT, x, y, xTicks: ticksUpTo(most), yTicks: ticksUpTo(top, 4), xLabel: 'requests in one token’s life', yLabel: 'ms waited in all', format: (value) => String(value) }),
    line('session', 0, session * most),
    line('token', refresh, refresh + token * most),
    svg('text', { class: 'curve-label session', x: x(most) - 4, y: y(session * most) + 16, 'text-anchor': 'end' }, 'session'),
    svg('text', { class: 'curve-label token', x: x(most) - 4, y: y(refresh + token * most) - 7, 'text-anchor': 'end' }, 'token'),
    at && svg('circle', { class: 'cross', cx: x(at), cy: y(session * at), r: 5 }),
    at && svg('text', { class: 'curve-label', x: x(at) - 9, y: y(session * at) - 9, 'text-anchor': 'end' }, at.toFixed(1)),
  );
  const steps = [...new Set([0, 1, 2, 5, 10, Math.round(at ?? 0), most])].filter((one) => one <= most).sort((a, b) => a - b);
  return figure(`crossing-${roundTrip}`, words, body, {
    caption: 'Milliseconds waited for authentication and answer',
    head: ['Requests', 'Session', 'Token'],
    rows: steps.map((count) => [String(count), ms(session * count), ms(refresh + token * count)]),
  });
}

function sentence(at, { session, token, refresh, roundTrip }) {
  const measured = `With ${roundTrip} ms to the stores a session request takes ${ms(session)}, a token request ${ms(token)} and a refresh ${ms(refresh)}.`;
  if (at === null) return `${measured} Here the session request is not slower than the token request, so the curves do not cross.`;
  return `${measured} From ${Math.ceil(at)} requests in one token’s life on, the token is the faster one.`;
}
