// One message in full: why it went as it did, what it says, the bytes as they were, and a line for a terminal.

import { h, paint } from '../dom.js';
import { commandsIn, ms, shortened, storeCommands, timeOfDay, verdict } from '../format.js';
import { decode, meaning } from '../jwt.js';
import { world } from '../world.js';
import { badge, dataTable } from './figure.js';

const dialog = document.getElementById('message');

/** Show a message; the learner asked for it. */
export function openMessage(one) {
  paint(dialog, ...content(one));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function content(one) {
  return [
    h(
      'header',
      { class: 'message-head' },
      h('h2', { id: 'message-title', tabindex: '-1' }, h('code', null, one.title)),
      h('button', { class: 'quiet', on: { click: () => dialog.close() } }, 'Close'),
    ),
    h(
      'p',
      { class: 'facts' },
      badge(verdict(one.status), one.answer ? ` · ${one.status} ${one.answer.reason}` : ''),
      ` ${one.server}${one.dealt ? `, dealt from “${one.dealt}”` : ''} · ${timeOfDay(one.at)} · ${ms(one.ms)} · `,
      one.by === 'lab' ? 'sent by the lab as shown' : 'sent by your browser, through the lab',
    ),
    section('Why', why(one)),
    section('What it says', decoded(one)),
    section('On the wire', wire(one)),
    section('In a terminal', curlBlock(one)),
  ];
}

const section = (title, ...children) => h('section', { 'data-key': title }, h('h3', null, title), children);

function why(one) {
  const parts = [];
  if (!one.answer) parts.push(h('p', null, `Nobody answered: ${one.failure}.`));
  if (one.checks.length) {
    parts.push(
      h(
        'ol',
        { class: 'checks' },
        one.checks.map(([check, outcome], at) => {
          const decides = outcome === 'fail' || (at === one.checks.length - 1 && one.status < 400);
          return h(
            'li',
            { class: outcome === 'ok' ? 'ok' : 'bad' },
            h('span', { 'aria-hidden': 'true' }, outcome === 'ok' ? '✓ ' : '✕ '),
            check,
            h('span', { class: 'visually-hidden' }, outcome === 'ok' ? ' passed' : ' refused'),
            decides && h('span', { class: 'decides' }, outcome === 'ok' ? ' the last one' : ' decided'),
          );
        }),
      ),
      h('p', { class: 'note' }, one.refusedBy ? `The server asks in this order; “${one.refusedBy}” said no, and nothing after it was asked. The answer tells the caller none of this.` : 'The server asked these in this order, and all held.'),
    );
  } else if (one.answer) {
    parts.push(h('p', { class: 'note' }, one.status === 401 ? 'No credential was shown, so there was nothing to check.' : 'This request is not one that a credential is checked for here.'));
  }
  const took = Object.entries(one.timing).map(([name, value]) => `${name} ${ms(value)}`);
  if (took.length) parts.push(h('p', { class: 'note' }, `Inside the server: ${took.join(', ')} of ${ms(one.ms)} in all.`));
  parts.push(h('p', { class: 'note' }, storeSentence(one)));
  return parts;
}

function storeSentence(one) {
  const told = Object.entries(one.stores)
    .filter(([, commands]) => Object.keys(commands).length)
    .map(([store, commands]) => `${store}: ${Object.entries(commands).map(([name, count]) => `${count} × ${name.toUpperCase()}`).join(', ')}`);
  if (!told.length) return 'No store executed a command meanwhile.';
  const shared = one.alone ? '' : ' Other requests ran at the same time, so some of these are theirs.';
  return `${storeCommands(commandsIn(one.stores))} meanwhile. ${told.join('; ')}.${shared}`;
}

function decoded(one) {
  const parts = [];
  const token = one.requestHeader('authorization')?.replace(/^bearer /i, '');
  if (token) parts.push(...tokenTables(token));
  const cookies = one.requestHeader('cookie');
  if (cookies) {
    parts.push(
      h('h4', null, 'Cookies that went along'),
      dataTable({ caption: 'Cookies', head: ['Name', 'Value', 'What it says'], rows: cookies.split('; ').map((pair) => {
        const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
        return [h('code', null, name), h('code', null, shortened(value)), 'nothing: random bits that name a place in a store'];
      }) }),
    );
  }
  const set = one.header('set-cookie');
  if (set) parts.push(h('h4', null, 'The cookie it sets'), cookieTable(set));
  const body = one.json;
  if (body?.access_token?.includes('.')) parts.push(h('h4', null, 'The token in the answer'), ...tokenTables(body.access_token));
  if (body) parts.push(h('h4', null, 'The answer'), h('pre', { tabindex: '0' }, JSON.stringify(body, null, 2)));
  return parts.length ? parts : [h('p', { class: 'note' }, 'Nothing to decode.')];
}

/** A token's header and claims, with what each means. */
export function tokenTables(token) {
  const { header, claims, problems } = decode(token);
  const rows = (members) => Object.entries(members).map(([name, value]) => [h('code', null, name), h('code', null, JSON.stringify(value)), meaning(name, value)]);
  if (!token.includes('.')) return [h('p', { class: 'note' }, 'An opaque token: random bits. Only the auth server knows what it stands for.')];
  return [
    h('h4', null, 'Token: header'),
    dataTable({ caption: 'Header of the token', head: ['Member', 'Value', 'Means'], rows: rows(header) }),
    h('h4', null, 'Token: claims'),
    dataTable({ caption: 'Claims of the token', head: ['Claim', 'Value', 'Means'], rows: rows(claims) }),
    problems.length ? h('p', { class: 'note' }, `Not a whole token: ${problems.join('; ')}.`) : null,
  ];
}

const ATTRIBUTES = {
  httponly: 'scripts of the page cannot read it',
  samesite: 'not sent along when another site asks',
  path: 'sent to every path',
  secure: 'sent over HTTPS only',
  'max-age': 'seconds until the browser drops it',
};

function cookieTable(set) {
  const [pair, ...attributes] = set.split('; ');
  const name = pair.slice(0, pair.indexOf('='));
  const rows = [
    [h('code', null, name), shortened(pair.slice(name.length + 1)) || '(empty)', 'the session id; the server keeps only its SHA-256'],
    ...attributes.map((one) => [h('code', null, one.split('=')[0]), one.split('=')[1] ?? 'yes', ATTRIBUTES[one.split('=')[0].toLowerCase()] ?? '']),
  ];
  return dataTable({ caption: 'Set-Cookie', head: ['Part', 'Value', 'Means'], rows });
}

function wire(one) {
  const lines = (first, headers, body) => [first, ...headers.map(([name, value]) => `${name}: ${value}`), '', ...(body ? [body] : [])].join('\n');
  return [
    h('h4', null, `Request, ${one.request.bytes} bytes`),
    h('pre', { tabindex: '0' }, lines(`${one.title} HTTP/1.1`, one.request.headers, one.request.body)),
    h('h4', null, one.answer ? `Answer, ${one.answer.bytes} bytes` : 'No answer'),
    one.answer && h('pre', { tabindex: '0' }, lines(`HTTP/1.1 ${one.answer.status} ${one.answer.reason}`, one.answer.headers, one.answer.body)),
  ];
}

const NEEDED = new Set(['authorization', 'cookie', 'content-type', 'x-csrf-token']);
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The command that sends the same request to the same server. */
function curlLine(one) {
  const url = `${world.server(one.server)?.url ?? ''}${one.request.target}`;
  const headers = one.request.headers.filter(([name]) => NEEDED.has(name.toLowerCase())).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const method = one.request.method === 'GET' ? '' : `-X ${one.request.method}`;
  const body = one.request.body ? `--data-raw ${quoted(one.request.body)}` : '';
  return ['curl -i', method, ...headers, body, quoted(url)].filter(Boolean).join(' ');
}

function curlBlock(one) {
  return copyBlock(curlLine(one));
}

/** A line to be copied into a terminal. */
export function copyBlock(line) {
  const copy = (event) => {
    const button = event.currentTarget;
    navigator.clipboard.writeText(line).then(
      () => (button.textContent = 'Copied'),
      () => (button.textContent = 'Select it and copy'),
    );
    setTimeout(() => (button.textContent = 'Copy'), 2000);
  };
  return h('div', { class: 'copy', 'data-key': line }, h('pre', { tabindex: '0' }, line), h('button', { class: 'quiet', on: { click: copy } }, 'Copy'));
}
