// The acceptance matrix: every credential at every server, each cell asked for real.

import { h } from '../dom.js';
import { verdict } from '../format.js';
import { world } from '../world.js';
import { badge } from './figure.js';
import { openMessage } from './message.js';

/** The requests that fill the matrix. `credentials` maps a name to header pairs. */
export function matrixRequests(credentials) {
  return guardedServers().flatMap((server) =>
    Object.entries(credentials).map(([name, headers]) => ({ label: `cell ${server.name} ${name}`, server: server.name, target: '/me', headers })),
  );
}

const guardedServers = () => world.servers.filter((one) => one.promise);

/** Draw the matrix from what was captured. */
export function matrix(exchanges) {
  const cells = new Map(exchanges.filter((one) => one.label.startsWith('cell ')).map((one) => [one.label, one]));
  if (!cells.size) return null;
  const credentials = [...new Set([...cells.keys()].map((label) => label.split(' ').slice(2).join(' ')))];
  const accepted = [...cells.values()].filter((one) => one.status === 200).length;
  return h(
    'figure',
    { class: 'figure', 'data-key': 'matrix' },
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Acceptance matrix' },
      h(
        'table',
        { class: 'matrix' },
        h('caption', null, 'Which server accepts which credential'),
        h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Server'), credentials.map((one) => h('th', { scope: 'col' }, one)))),
        h('tbody', null, guardedServers().map((server) => h('tr', { 'data-key': server.name }, h('th', { scope: 'row' }, server.name), credentials.map((name) => cell(cells.get(`cell ${server.name} ${name}`)))))),
      ),
    ),
    h('figcaption', null, `${accepted} of ${cells.size} pairs were accepted. Each cell is a request that was sent; press one to see it.`),
  );
}

function cell(one) {
  if (!one) return h('td', null, '–');
  const reason = one.status === 200 ? one.json?.sub : (one.refusedBy ?? one.failure ?? one.json?.code);
  return h('td', null, h('button', { class: 'cell', on: { click: () => openMessage(one) } }, badge(verdict(one.status)), h('span', { class: 'reason' }, reason)));
}
