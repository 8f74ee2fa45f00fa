// A figure never stands alone: a sentence says what it shows, and the same data are there as a table.

import { h } from '../dom.js';

/** Draw a figure. `table` is `{head: [...], rows: [[...]]}`. */
export function figure(key, sentence, body, table, { title } = {}) {
  return h(
    'figure',
    { class: 'figure', 'data-key': key },
    title && h('h3', null, title),
    body,
    h('figcaption', null, sentence),
    table?.rows.length ? tableDetails(`${key}-table`, 'The same as a table', table) : null,
  );
}

export function tableDetails(key, summary, table) {
  return h('details', { class: 'as-table', 'data-key': key }, h('summary', null, summary), dataTable(table));
}

export function dataTable({ head, rows, caption }) {
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption ?? 'Table' },
    h(
      'table',
      null,
      caption && h('caption', null, caption),
      h('thead', null, h('tr', null, head.map((one) => h('th', { scope: 'col' }, one)))),
      h('tbody', null, rows.map((row) => h('tr', null, row.map((cell, at) => (at ? h('td', null, cell) : h('th', { scope: 'row' }, cell)))))),
    ),
  );
}

/** A status that does not rest on colour: glyph and word. */
export const badge = ({ tone, glyph, word }, more = '') =>
  h('span', { class: `badge ${tone}` }, h('span', { 'aria-hidden': 'true' }, `${glyph} `), word, more);
