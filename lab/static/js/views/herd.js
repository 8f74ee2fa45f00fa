// Many clients at once: who was answered when, on one clock.

import { h } from '../dom.js';
import { ms, plural, verdict } from '../format.js';
import { figure } from './figure.js';
import { openMessage } from './message.js';

/** Draw requests that left at the same moment. */
export function herd(exchanges, key, title) {
  if (!exchanges.length) return null;
  const zero = Math.min(...exchanges.map((one) => one.at));
  const scale = Math.max(...exchanges.map((one) => one.at + one.ms - zero));
  const good = exchanges.filter((one) => one.status === 200);
  const words = good.length
    ? `${good.length} of ${plural(exchanges.length, 'refresh', 'refreshes')} succeeded; the first was answered after ${ms(Math.min(...good.map((one) => one.ms)))}, the last after ${ms(Math.max(...good.map((one) => one.ms)))}.`
    : `None of ${plural(exchanges.length, 'refresh', 'refreshes')} succeeded.`;
  const body = h(
    'ol',
    { class: 'herd' },
    exchanges.map((one, at) => {
      const { tone, glyph, word } = verdict(one.status);
      return h(
        'li',
        { 'data-key': `h${one.id}` },
        h(
          'button',
          { class: `message token ${tone}`, on: { click: () => openMessage(one) } },
          h('span', { class: 'herd-name' }, `client ${at + 1}`),
          h('span', { class: 'track', 'aria-hidden': 'true', style: { '--at': `${((one.at - zero) / scale) * 100}%`, '--wide': `${Math.max(0.6, (one.ms / scale) * 100)}%` } }, h('span', { class: 'bar' })),
          h('span', { class: 'came' }, h('span', { class: `glyph ${tone}`, 'aria-hidden': 'true' }, `${glyph} `), `${word} ${ms(one.ms)}`),
        ),
      );
    }),
  );
  return figure(key, words, body, { caption: 'Refreshes', head: ['Client', 'Left at', 'Took', 'Answer'], rows: exchanges.map((one, at) => [String(at + 1), ms(one.at - zero), ms(one.ms), one.summary]) }, { title });
}
