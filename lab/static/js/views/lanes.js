// Two lanes, one clock: what was sent on either side, drawn to one scale from captured times.

import { h } from '../dom.js';
import { commandsIn, ms, plural, storeCommands, sum, verdict } from '../format.js';
import { dataTable } from './figure.js';
import { openMessage } from './message.js';

const SIDES = { session: 'Session', token: 'Token' };
const LEAST_SHARE = 0.6;

/** Draw messages in two lanes. Each lane's clock starts with its first message; both are drawn to one scale. */
export function lanes(exchanges, { numbers }) {
  if (!exchanges.length) return null;
  const sides = Object.keys(SIDES).map((side) => laneOf(side, exchanges));
  const scale = Math.max(...sides.map((lane) => lane.length), 1);
  const ticks = niceTicks(scale);
  return h(
    'figure',
    { class: 'figure lanes', 'data-key': 'lanes' },
    h('div', { class: 'lane-pair' }, sides.filter((lane) => lane.rows.length).map((lane) => drawLane(lane, scale, ticks, numbers))),
    h('figcaption', null, sentence(sides)),
    h(
      'details',
      { class: 'as-table', 'data-key': 'lanes-table' },
      h('summary', null, 'The same as a table'),
      dataTable({
        caption: 'Messages in their order',
        head: ['Message', 'Side', 'Request', 'Answer', 'Began at', 'Took', 'Store commands'],
        rows: sides.flatMap((lane) =>
          lane.rows.map(({ one, at }) => [String(numbers.get(one.id)), SIDES[one.side], one.title, one.summary, ms(at), ms(one.ms), String(one.commands)]),
        ),
      }),
    ),
  );
}

function laneOf(side, exchanges) {
  const some = exchanges.filter((one) => one.side === side);
  const zero = some[0]?.at ?? 0;
  const rows = some.map((one) => ({ one, at: one.at - zero }));
  return { side, rows, length: Math.max(0, ...rows.map(({ one, at }) => at + one.ms)) };
}

function drawLane(lane, scale, ticks, numbers) {
  return h(
    'section',
    { class: `lane ${lane.side}`, 'data-key': lane.side, 'aria-label': `${SIDES[lane.side]} side` },
    h('h3', null, SIDES[lane.side], h('span', { class: 'lane-total' }, ` ${ms(lane.length)}`)),
    h('ol', { class: 'messages' }, lane.rows.map((row) => drawRow(row, scale, numbers))),
    h(
      'div',
      { class: 'axis', 'aria-hidden': 'true' },
      ticks.map((tick) => h('span', { style: { '--at': `${(tick / scale) * 100}%` } }, tick === 0 ? '0' : ms(tick).replace('.00', '').replace(/\.0 /, ' '))),
    ),
  );
}

function drawRow({ one, at }, scale, numbers) {
  const { tone, glyph } = verdict(one.status);
  const width = Math.max(LEAST_SHARE, (one.ms / scale) * 100);
  return h(
    'li',
    { 'data-key': `m${one.id}` },
    h(
      'button',
      { class: `message ${tone}`, on: { click: () => openMessage(one) } },
      h('span', { class: 'what' }, h('span', { class: 'number' }, String(numbers.get(one.id))), h('code', null, one.title), tags(one)),
      h('span', { class: 'came' }, h('span', { class: `glyph ${tone}`, 'aria-hidden': 'true' }, glyph), ` ${one.summary}`),
      h('span', { class: 'cost' }, `${ms(one.ms)} · ${one.alone ? storeCommands(one.commands) : 'store shared'}`),
      h('span', { class: 'track', 'aria-hidden': 'true', style: { '--at': `${(at / scale) * 100}%`, '--wide': `${width}%` } }, h('span', { class: 'bar' })),
    ),
  );
}

/** What a reader must know about where a message came from. */
const tags = (one) => [
  one.by === 'lab' && h('span', { class: 'tag', title: 'Sent by the lab, exactly as shown; your browser would not send it' }, 'sent by the lab'),
  one.restored && h('span', { class: 'tag', title: 'Captured before this page was loaded' }, 'captured earlier'),
];

function sentence(sides) {
  const told = sides
    .filter((lane) => lane.rows.length)
    .map((lane) => {
      const commands = sum(lane.rows.map(({ one }) => commandsIn(one.stores)));
      return `${lane.side} side: ${plural(lane.rows.length, 'message')} in ${ms(lane.length)}, ${storeCommands(commands)}`;
    });
  const words = told.join('; ');
  return `${words[0].toUpperCase()}${words.slice(1)}. Each lane’s clock starts with its first message; both have one scale.`;
}

function niceTicks(scale) {
  const step = [1, 2, 5].map((one) => one * 10 ** Math.floor(Math.log10(scale / 2))).findLast((one) => scale / one >= 2) ?? scale;
  const ticks = [];
  for (let tick = 0; tick <= scale * 0.93; tick += step) ticks.push(Number(tick.toPrecision(6)));
  return ticks;
}
