// The tamper bench: Decode, Edit, Sign and Send, each by itself and each with its own status.

import { Act, leak } from '../act.js';
import { h } from '../dom.js';
import { plural } from '../format.js';
import { base64url, bytesOf, decode, fromBase64url, meaning, signHs256 } from '../jwt.js';
import { world } from '../world.js';
import { tableDetails } from './figure.js';
import { openMessage } from './message.js';

const KEEP = 'keep the old signature';
const NONE = 'no signature';
const GUESSED = 'the secret below';
const LEAKED = 'the leaked secret';
const PUBLIC = 'a public key used as secret';
const WAYS = [KEEP, NONE, GUESSED, LEAKED, PUBLIC];
const MINUTE = 60;

/** What each preset does to a token's header and claims, and how it signs. */
export const PRESETS = {
  'as it was issued': { way: KEEP },
  'a payload byte flipped': { way: KEEP, flip: true },
  'roles changed to admin': { way: KEEP, claims: () => ({ roles: ['admin'] }) },
  'alg none': { way: NONE, header: { alg: 'none' } },
  'alg none, with the old signature': { way: KEEP, header: { alg: 'none' } },
  'signed with a guessed secret': { way: GUESSED, claims: () => ({ roles: ['admin'] }) },
  'public key as HMAC secret': { way: PUBLIC, server: 'public' },
  'unknown kid': { way: KEEP, header: { kid: 'mine' } },
  'wrong audience': { way: LEAKED, claims: () => ({ aud: 'billing-api' }) },
  expired: { way: LEAKED, claims: (now) => ({ iat: now - 10 * MINUTE, exp: now - 5 * MINUTE }) },
  'not yet valid': { way: LEAKED, claims: (now) => ({ nbf: now + 5 * MINUTE, exp: now + 10 * MINUTE }) },
  'no expiry': { way: LEAKED, claims: () => ({ exp: undefined }) },
  '5 KB of claims': { way: LEAKED, claims: () => ({ padding: 'x'.repeat(5000) }) },
};

export class TamperBench {
  constructor(where, repaint) {
    this.where = where; // lesson and step, for the names of messages
    this.repaint = repaint;
    this.token = '';
    this.header = '';
    this.claims = '';
    this.way = KEEP;
    this.secret = 'secret';
    this.server = 'resource-1';
    this.preset = 'as it was issued';
    this.signed = '';
    this.said = { decode: '', edit: '', sign: '', send: '' };
    this.sent = null;
  }

  /** Put a token on the bench. */
  take(token) {
    this.original = token;
    return this.apply(this.preset);
  }

  #read(token) {
    const found = decode(token);
    this.token = token;
    this.decoded = found;
    const readable = found.parts.map((one) => (one.members ? JSON.stringify(one.members, null, 2) : (one.json ?? '')));
    [this.header, this.claims] = readable;
    this.said.decode = found.problems.length
      ? `Read as far as it goes: ${found.problems.join('; ')}.`
      : 'Three parts, read without any key. It is signed, not encrypted.';
    this.#checkEdit();
  }

  #checkEdit() {
    const broken = [['header', this.header], ['payload', this.claims]].filter(([, text]) => !isObject(text)).map(([name]) => name);
    this.said.edit = broken.length ? `The ${broken.join(' and the ')} is not a JSON object; it would be sent as it is written.` : 'Both are JSON objects.';
  }

  async apply(preset) {
    const wanted = PRESETS[preset];
    this.preset = preset;
    this.sent = null;
    this.said.send = '';
    if (!this.original) return this.repaint();
    this.#read(this.original);
    this.way = wanted.way;
    this.server = wanted.server && world.server(wanted.server) ? wanted.server : 'resource-1';
    const now = Math.floor(world.now() / 1000);
    if (wanted.header) this.header = JSON.stringify({ ...this.decoded.header, ...wanted.header }, null, 2);
    if (wanted.claims) this.claims = JSON.stringify({ ...this.decoded.claims, ...wanted.claims(now) }, null, 2);
    this.signed = this.original;
    if (wanted.flip) {
      const [head, payload, signature] = this.original.split('.');
      const at = Math.floor(payload.length / 2);
      this.signed = [head, payload.slice(0, at) + (payload[at] === 'A' ? 'B' : 'A') + payload.slice(at + 1), signature].join('.');
      this.#read(this.signed);
      this.said.sign = 'One character of the payload is another; the signature is the old one.';
    } else await this.sign();
    this.#checkEdit();
    this.repaint();
  }

  async sign() {
    const [head, payload] = [compact(this.header), compact(this.claims)];
    const unsigned = `${base64url(head)}.${base64url(payload)}`;
    const untouched = this.decoded && head === compact(JSON.stringify(this.decoded.header)) && payload === compact(JSON.stringify(this.decoded.claims));
    try {
      if (this.way === KEEP) {
        this.signed = untouched ? this.token : `${unsigned}.${this.decoded?.signature ?? ''}`;
        this.said.sign = untouched ? 'Nothing was changed; the signature is the one it came with.' : 'Header or payload are new, the signature is the old one.';
      } else if (this.way === NONE) {
        this.signed = `${unsigned}.`;
        this.said.sign = 'There is no signature behind the second dot.';
      } else await this.#signWith(payload);
    } catch (error) {
      this.said.sign = error.message;
    }
    this.repaint();
  }

  async #signWith(payload) {
    const secret = await this.#secret(); // may name its key in the header
    this.signed = await signHs256(compact(this.header), payload, secret.bytes);
    this.said.sign = `Signed with HMAC-SHA256 under ${secret.name}, ${plural(secret.bytes.length, 'byte')} long.`;
  }

  async #secret() {
    if (this.way === GUESSED) return { name: `“${this.secret}”`, bytes: bytesOf(this.secret) };
    if (this.way === LEAKED) {
      const { keys } = await leak();
      const key = keys.find((one) => one.kid === this.decoded?.header.kid) ?? keys[0];
      return { name: 'the secret that the resource servers hold', bytes: fromBase64url(key.k) };
    }
    if (!world.server('auth-public')) throw new Error('No server here has a public key. Start them: authlab up --all');
    const set = await new Act(...this.where).call('jwks', 'auth-public', 'GET', '/.well-known/jwks.json');
    const [key] = set.json.keys;
    this.header = JSON.stringify({ ...JSON.parse(this.header), alg: 'HS256', kid: key.kid }, null, 2);
    return { name: `the public key ${key.kid}`, bytes: fromBase64url(key.x) };
  }

  async send() {
    const act = new Act(...this.where);
    try {
      if (!this.signed) throw new Error('There is no token on the bench yet.');
      [this.sent] = await act.send([{ label: `tampered ${this.preset}`, server: this.server, target: '/me', headers: [['Authorization', `Bearer ${this.signed}`]] }]);
      this.said.send = outcome(this.sent);
    } catch (error) {
      this.said.send = error.message;
    }
    this.repaint();
  }

  draw() {
    return h(
      'div',
      { class: 'bench-steps', 'data-key': 'tamper' },
      chooser('Preset', Object.keys(PRESETS), this.preset, (value) => this.apply(value)),
      stage(
        '1 Decode',
        this.said.decode,
        area('Token', this.signed, 4, (value) => {
          this.original ||= value;
          this.signed = value;
          this.#read(value);
          this.repaint();
        }),
        this.decoded && tableDetails('claims-table', 'The claims, and what each means', { caption: 'Claims', head: ['Claim', 'Value', 'Means'], rows: Object.entries(this.decoded.claims).map(([name, value]) => [h('code', null, name), h('code', null, shown(value)), meaning(name, value)]) }),
      ),
      stage('2 Edit', this.said.edit, area('Header', this.header, 5, (value) => this.#edit('header', value)), area('Payload', this.claims, 9, (value) => this.#edit('claims', value))),
      stage(
        '3 Sign',
        this.said.sign,
        chooser('Sign with', WAYS, this.way, (value) => {
          this.way = value;
          this.repaint();
        }),
        this.way === GUESSED && field('Secret', this.secret, (value) => (this.secret = value)),
        h('button', { on: { click: () => this.sign() } }, 'Sign'),
      ),
      stage(
        '4 Send',
        this.said.send,
        chooser('Send to', world.servers.filter((one) => one.side === 'token' && one.promise).map((one) => one.name), this.server, (value) => {
          this.server = value;
          this.repaint();
        }),
        h('button', { class: 'primary', on: { click: () => this.send() } }, 'Send'),
        this.sent && h('button', { class: 'quiet', on: { click: () => openMessage(this.sent) } }, 'Show the message'),
      ),
    );
  }

  #edit(part, value) {
    this[part] = value;
    this.#checkEdit();
    this.repaint();
  }
}

/** What a server made of a token, in one line. */
export function outcome(one) {
  if (one.status === 200) return `${one.server} accepted it: it takes you for ${one.json?.sub}.`;
  if (one.refusedBy) return `${one.server} refused it at the check: ${one.refusedBy}`;
  return one.summary;
}

const shown = (value) => {
  const text = JSON.stringify(value) ?? '';
  return text.length > 80 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
};

function isObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** JSON without a space to spare; other text as it is. */
function compact(text) {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

const stage = (title, status, ...children) =>
  h('fieldset', { 'data-key': title }, h('legend', null, title), children, h('p', { class: 'status', role: 'status' }, status));

const area = (name, value, rows, change) =>
  h('label', { class: 'field' }, name, h('textarea', { rows, spellcheck: 'false', autocomplete: 'off', value, on: { input: (event) => change(event.target.value) } }));

export const field = (name, value, change, more = {}) =>
  h('label', { class: 'field' }, name, h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value, ...more, on: { input: (event) => change(event.target.value) } }));

export const chooser = (name, options, value, change) =>
  h('label', { class: 'field', 'data-key': `choose-${name}` }, name, select(options, value, change));

function select(options, value, change) {
  const element = h('select', { on: { change: (event) => change(event.target.value) } }, options.map((one) => h('option', { value: one }, one)));
  element.value = value;
  return element;
}
