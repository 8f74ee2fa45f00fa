// The map: what runs, as it answered, and the way that each captured message took. Nothing on it is assumed.

import { h, svg } from '../dom.js';
import { plural, verdict } from '../format.js';
import { mayMove } from '../ticker.js';
import { world } from '../world.js';
import { tableDetails } from './figure.js';

const ROW = 50;
const CHIP = 26;
const TOP = 46;
const YOU = { x: 1, y: 6, width: 76, height: 28 };
const TRAVEL_MS = 700;
const STATES = { ready: '', 'not ready': '◌ ', silent: '✕ ' };
const TEXT_PX = 6.1;

/** Draw the map for a width; `numbers` gives each message of this step its number. */
export function map(width, exchanges, numbers) {
  const place = layOut(width);
  const routes = exchanges.map((one) => ({ one, path: route(place, one) })).filter(({ path }) => path);
  const latest = routes.at(-1);
  return h(
    'figure',
    { class: 'figure map', 'data-key': 'map' },
    svg(
      'svg',
      { viewBox: `0 0 ${width} ${place.height}`, width, height: place.height, role: 'img', 'aria-label': sentence(exchanges), id: 'map-drawing' },
      wires(place),
      routes.map(({ one, path }) => svg('path', { 'data-key': `r${one.id}`, class: `route ${one.side}${one === latest?.one ? ' latest' : ''}`, d: path })),
      svg('g', { class: 'you' }, svg('rect', { ...YOU, rx: 6 }), label('you', YOU.x + YOU.width / 2, YOU.y + 18)),
      place.rows.flatMap((row) => [svg('text', { class: 'row-label', x: row.x, y: row.y - 6 }, row.strategy), row.chips.map((chip) => drawChip(chip, exchanges, numbers))]),
      place.stores.map((store) => drawStore(store, exchanges)),
    ),
    h('figcaption', null, sentence(exchanges)),
    tableDetails('map-table', 'The map as a table', {
      caption: 'Servers',
      head: ['Server', 'Strategy', 'State', 'Asks', 'Address', 'Messages here'],
      rows: world.servers.map((one) => [one.name, one.strategy, one.state, one.asks.join(', ') || 'nobody', one.url, String(exchanges.filter((message) => message.server === one.name).length)]),
    }),
  );
}

function sentence(exchanges) {
  if (!world.servers.length) return 'Waiting for the lab to say which servers there are.';
  const ready = world.servers.filter((one) => one.state === 'ready').length;
  const quiet = world.servers.filter((one) => one.state !== 'ready').map((one) => `${one.name} is ${one.state}`);
  const sent = exchanges.length ? ` ${plural(exchanges.length, 'message')} of this step ${exchanges.length === 1 ? 'is' : 'are'} drawn.` : '';
  return `${ready} of ${plural(world.servers.length, 'server')} answered that they are ready${quiet.length ? `; ${quiet.join(', ')}` : ''}.${sent}`;
}

/** Servers of one strategy share a row; the auth server with a private key stands with the one that has its public key. */
const rowOf = (server) => (server.strategy.endsWith('-ed25519') ? 'public keys (Ed25519)' : server.strategy);

function layOut(width) {
  const strategies = [...new Set(world.servers.map(rowOf))];
  const left = 24;
  const storeWidth = width > 340 ? 64 : 54;
  const right = width - storeWidth - 1;
  const room = right - 20 - left;
  const unit = Math.floor((room - 12) / 3);
  const rows = strategies.map((strategy, at) => {
    const y = TOP + at * ROW + 16;
    const servers = world.servers.filter((one) => rowOf(one) === strategy);
    const longest = Math.max(...servers.map((server) => server.name.length)) * TEXT_PX + 12;
    const wide = Math.max(unit, Math.min(longest, (room - 12) / servers.length));
    const chips = servers.map((server, number) => ({ server, x: left + number * (wide + 6), y, width: wide }));
    return { strategy, x: left, y, chips, asks: servers[0].asks, end: Math.max(...chips.map((chip) => chip.x + chip.width)) };
  });
  const height = TOP + Math.max(rows.length, 3) * ROW + 8;
  const stores = ['redis-auth', 'redis-sessions'].map((name, at) => {
    const asking = rows.filter((row) => row.asks.includes(name));
    const middle = asking.length ? asking.reduce((total, row) => total + row.y, 0) / asking.length : TOP + ROW * (1 + at * 4);
    return { name, x: right, width: storeWidth, y: middle - 6, height: 40 };
  });
  return { rows, stores, height, width, busLeft: 10, busRight: right - 10 };
}

function wires(place) {
  const last = place.rows.at(-1);
  if (!last) return [];
  return [
    svg('path', { class: 'wire', d: `M${place.busLeft},${YOU.y + YOU.height} V${last.y + CHIP / 2}` }),
    place.rows.map((row) => svg('path', { class: 'wire', d: `M${place.busLeft},${row.y + CHIP / 2} H${row.end}` })),
    place.rows.flatMap((row) => row.asks.map((name) => place.stores.find((store) => store.name === name)).filter(Boolean).map((store) => svg('path', { class: 'wire', d: toStore(place, row, store) }))),
  ];
}

function toStore(place, row, store) {
  const from = row.y + CHIP / 2;
  return `M${row.end},${from} H${place.busRight} V${store.y + store.height / 2} H${store.x}`;
}

/** The way of one message: from you to its server, and on to the stores that executed commands for it. */
function route(place, one) {
  const row = place.rows.find((some) => some.chips.some((chip) => chip.server.name === one.server));
  if (!row) return null;
  const chip = row.chips.find((some) => some.server.name === one.server);
  const middle = row.y + CHIP / 2;
  let path = `M${place.busLeft},${YOU.y + YOU.height} V${middle} H${chip.x}`;
  if (one.alone) {
    for (const store of place.stores) {
      if (Object.keys(one.stores[store.name] ?? {}).length) path += ` M${chip.x + chip.width},${middle} H${place.busRight} V${store.y + store.height / 2} H${store.x}`;
    }
  }
  return path;
}

const label = (text, x, y, more = {}) => svg('text', { x, y, 'text-anchor': 'middle', ...more }, text);

function drawChip(chip, exchanges, numbers) {
  const { server, x, y, width } = chip;
  const here = exchanges.filter((one) => one.server === server.name);
  const last = here.at(-1);
  return svg(
    'g',
    { class: `chip ${server.side} ${server.state.replace(' ', '-')}`, 'data-key': server.name },
    svg('title', null, `${server.name}, ${server.strategy}: ${server.state}`),
    svg('rect', { x, y, width, height: CHIP, rx: 5 }),
    label(STATES[server.state] + server.name, x + width / 2, y + 17, { class: 'name' }),
    last && svg('g', { class: `count ${verdict(last.status).tone}` }, svg('rect', { x: x + width - countWidth(here, numbers) + 4, y: y + 18, width: countWidth(here, numbers), height: 17, rx: 8.5 }), label(countText(here, numbers), x + width - countWidth(here, numbers) / 2 + 4, y + 30)),
  );
}

const countText = (here, numbers) => {
  const [first, last] = [numbers.get(here[0].id), numbers.get(here.at(-1).id)];
  return here.length > 1 ? `${first}…${last}` : String(first);
};
const countWidth = (here, numbers) => Math.max(17, countText(here, numbers).length * 7 + 10);

function drawStore(store, exchanges) {
  const [first, second] = store.name.split('-');
  const commands = exchanges.reduce((total, one) => total + Object.values(one.stores[store.name] ?? {}).reduce((some, count) => some + count, 0), 0);
  const broken = world.faults.filter((fault) => fault.target === store.name);
  return svg(
    'g',
    { class: `store${broken.length ? ' broken' : ''}`, 'data-key': store.name },
    svg('title', null, `${store.name}${broken.length ? `: ${broken.map((one) => one.kind).join(', ')}` : ''}`),
    svg('rect', { x: store.x, y: store.y, width: store.width, height: store.height, rx: 5 }),
    label(first, store.x + store.width / 2, store.y + 16),
    label(second, store.x + store.width / 2, store.y + 30),
    label(broken.length ? broken[0].kind : commands ? `${commands} cmd` : '', store.x + store.width / 2, store.y + store.height + 14, { class: 'store-count' }),
  );
}

/** Let a dot travel the way of a message that was captured just now. */
export function travel(one) {
  const drawing = document.getElementById('map-drawing');
  const path = drawing?.querySelector(`[data-key="r${one.id}"]`);
  if (!path || !mayMove()) return;
  const dot = svg('circle', { r: 5, class: `dot ${one.side}` });
  dot.style.setProperty('offset-path', `path("${path.getAttribute('d').split(' M')[0]}")`);
  drawing.append(dot);
  dot.animate([{ offsetDistance: '0%' }, { offsetDistance: '100%' }], { duration: TRAVEL_MS, easing: 'ease-in-out' }).finished.finally(() => dot.remove());
}
