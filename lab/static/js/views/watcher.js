// After a logout: which server still believes the old credential, for how long, and for how long at most.

import { h } from '../dom.js';
import { clock, list, ms, plural } from '../format.js';
import { world } from '../world.js';
import { figure } from './figure.js';

/** Draw the servers of a watch after the logout that was answered at `outAt` (lab clock, ms). */
export function watcher(watch, outAt, expiresAtMs) {
  if (!watch) return null;
  const rows = watch.servers.map((one) => describe(one, outAt, expiresAtMs, watch.over));
  const longest = Math.max(1, ...rows.map((row) => row.bound ?? 0), ...rows.map((row) => row.elapsed));
  const body = h(
    'ol',
    { class: 'watch' },
    rows.map((row) =>
      h(
        'li',
        { 'data-key': row.server, class: row.tone },
        h('span', { class: 'watch-name' }, row.server),
        h('span', { class: 'watch-track', 'aria-hidden': 'true', style: { '--wide': `${(row.elapsed / longest) * 100}%`, '--bound': `${((row.bound ?? 0) / longest) * 100}%` } }, h('span', { class: 'watch-bar' })),
        h('span', { class: 'watch-word' }, h('span', { class: `glyph ${row.tone}`, 'aria-hidden': 'true' }, `${row.glyph} `), `${row.server} ${row.words}`),
      ),
    ),
  );
  const table = {
    caption: 'The old credential after the logout',
    head: ['Server', 'Strategy', 'State', 'Last 200 after the logout', 'At most', 'Asked'],
    rows: rows.map((row) => [row.server, row.strategy, row.state, row.lagText, row.boundText, row.asked]),
  };
  return figure('watcher', sentence(rows, outAt), body, table);
}

function describe(one, outAt, expiresAtMs, over) {
  const server = world.server(one.server);
  const promised = server?.promise?.revoked_within_s;
  const bound = outAt ? (promised === null || promised === undefined ? Math.max(0, (expiresAtMs - outAt) / 1000) : promised) : null;
  const accepted = one.status === 200;
  const lag = outAt && one.last_accepted ? Math.max(0, one.last_accepted - outAt) : 0;
  const elapsed = outAt ? (accepted && !over ? Math.max(0, world.now() - outAt) : lag) / 1000 : 0;
  const boundText = bound === null ? '–' : bound >= 5 ? clock(bound) : bound > 0 ? `${bound} s` : 'next request';
  const asked = Object.entries(one.by_status).map(([status, count]) => `${count} × ${status === '0' ? 'no answer' : status}`).join(', ');
  const common = { server: one.server, strategy: server?.strategy ?? '', bound, elapsed, boundText, asked };
  if (!outAt) return { ...common, tone: accepted ? 'ok' : 'bad', glyph: accepted ? '✓' : '✕', state: accepted ? 'accepts' : 'refuses', words: accepted ? 'accepts it' : 'does not accept it', lagText: '–' };
  if (accepted) return { ...common, tone: 'ok', glyph: '●', state: 'still accepts', words: `still accepts it: ${clock(elapsed)} of at most ${boundText}`, lagText: `${clock(elapsed)} so far` };
  if (one.status === 401) {
    const words = lag < 1 ? 'refused it at once' : `refused it ${ms(lag)} after the logout`;
    return { ...common, tone: 'bad', glyph: '✕', state: 'refuses', words, lagText: lag < 1 ? 'none' : ms(lag) };
  }
  return { ...common, tone: 'off', glyph: '◌', state: 'cannot tell', words: one.status ? `cannot tell: ${one.status}` : 'does not answer', lagText: ms(lag) };
}

function sentence(rows, outAt) {
  if (!outAt) return `${plural(rows.length, 'server')} asked again and again with the same credential.`;
  const still = rows.filter((row) => row.state === 'still accepts').map((row) => row.server);
  const gone = rows.filter((row) => row.state === 'refuses').map((row) => row.server);
  return [still.length ? `Still believed by ${list(still)}.` : 'Believed by nobody any more.', gone.length ? ` Refused by ${list(gone)}.` : ''].join('');
}
