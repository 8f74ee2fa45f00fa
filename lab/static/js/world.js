// What this page knows: the events it was told, and nothing else.

import { commandsIn } from './format.js';
import { decode } from './jwt.js';

const KEPT = 2000;
const ANSWER_WITHIN_MS = 20000;

/** One captured message. */
class Exchange {
  constructor(data, world) {
    Object.assign(this, data);
    [this.lesson, this.step, this.run, this.label] = (this.action || '///').split('/');
    this.restored = this.at < world.openedAt;
    this.status = this.answer?.status ?? null;
    this.side = world.sideOf(this.server);
    this.commands = commandsIn(this.stores);
    this.title = `${this.request.method} ${this.request.target}`;
    this.summary = this.answer ? `${this.server} answered ${this.status}` : `${this.server} gave no answer`;
  }

  get json() {
    try {
      return JSON.parse(this.answer?.body ?? '');
    } catch {
      return null;
    }
  }

  header(name) {
    return this.answer?.headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? null;
  }

  requestHeader(name) {
    return this.request.headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? null;
  }

  /** The check that refused, if the server told. */
  get refusedBy() {
    return this.checks.find(([, outcome]) => outcome === 'fail')?.[0] ?? null;
  }

  /** The cookie that the answer set, as `name=value`. */
  get cookie() {
    return this.header('set-cookie')?.split(';')[0] ?? null;
  }
}

class World {
  servers = [];
  stores = [];
  faults = [];
  canBreak = [];
  canEmpty = [];
  supervised = false;
  canLeak = false;
  link = 'connecting';
  slug = '';
  lost = false;
  openedAt = Date.now();
  clockAhead = 0;
  exchanges = [];
  watches = new Map();
  costs = [];
  revocations = [];
  leak = null;
  #byId = new Map();
  #waiting = new Map();
  #listeners = new Set();

  /** Call `listener(kind, data)` for everything that happens. */
  listen(listener) {
    this.#listeners.add(listener);
  }

  /** The lab's clock in ms. */
  now() {
    return Date.now() + this.clockAhead;
  }

  take(kind, data) {
    const one = this[`on_${kind}`]?.(data) ?? data;
    for (const listener of this.#listeners) listener(kind, one);
  }

  setLink(state) {
    this.link = state;
    for (const listener of this.#listeners) listener('link', state);
  }

  on_hello(data) {
    if (!this.servers.length) this.openedAt = data.now;
    this.clockAhead = data.now - Date.now();
    this.slug = data.learner;
    this.lost = data.lost && this.exchanges.length > 0;
    this.stores = data.stores;
    this.canBreak = data.can_break;
    this.canEmpty = data.can_empty;
    this.supervised = data.supervised;
    this.canLeak = data.can_leak;
    this.faults = data.faults;
    this.servers = data.servers;
  }

  on_servers(data) {
    this.servers = data.servers;
  }

  on_faults(data) {
    this.faults = data.active;
  }

  on_exchange(data) {
    const one = new Exchange(data, this);
    this.exchanges.push(one);
    this.#byId.set(one.id, one);
    if (this.exchanges.length > KEPT) this.#byId.delete(this.exchanges.shift().id);
    this.#waiting.get(one.id)?.(one);
    this.#waiting.delete(one.id);
    return one;
  }

  on_watch(data) {
    this.watches.set(data.action, data);
  }

  on_cost(data) {
    const index = this.costs.findIndex((one) => one.action === data.action && one.server === data.server && !one.over);
    if (index >= 0) this.costs.splice(index, 1);
    this.costs.push(data);
    if (this.costs.length > KEPT) this.costs.shift();
  }

  on_revocation(data) {
    this.revocations.push({ ...data, heard: this.now() });
    if (this.revocations.length > 100) this.revocations.shift();
  }

  on_leak(data) {
    this.leak = data;
  }

  on_reset() {
    this.exchanges = [];
    this.#byId.clear();
    this.watches.clear();
    this.costs = [];
    this.revocations = [];
    this.leak = null;
  }

  /** Return the captured message of this number, once the stream has told it. */
  exchange(id) {
    if (this.#byId.has(id)) return Promise.resolve(this.#byId.get(id));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error('The stream of events is cut. What was captured appears here when it is back.'));
      }, ANSWER_WITHIN_MS);
      this.#waiting.set(id, (one) => {
        clearTimeout(timer);
        resolve(one);
      });
    });
  }

  server(name) {
    return this.servers.find((one) => one.name === name);
  }

  sideOf(name) {
    const side = this.server(name)?.side;
    return side === 'session' ? 'session' : 'token';
  }
}

export const world = new World();

/** What was captured in one lesson. */
export class Seen {
  constructor(lesson) {
    this.lesson = String(lesson);
  }

  get all() {
    return world.exchanges.filter((one) => one.lesson === this.lesson);
  }

  /** The messages of the latest run of a step. */
  step(number) {
    const some = this.all.filter((one) => one.step === String(number));
    const latest = some.at(-1)?.run;
    return some.filter((one) => one.run === latest);
  }

  /** The last message with this label. */
  last(label, test = () => true) {
    return this.all.findLast((one) => one.label === label && test(one)) ?? null;
  }

  /** The latest tokens that were issued under a label. */
  tokens(label = 'login-token') {
    const one = this.last(label, (exchange) => exchange.status === 200);
    const body = one?.json;
    return body ? { access: body.access_token, refresh: body.refresh_token, claims: decode(body.access_token).claims, from: one } : null;
  }

  /** The latest session that was opened under a label; none when the browser's cookie is another one by now. */
  session(label = 'login-session', { evenOver = false } = {}) {
    const one = this.last(label, (exchange) => exchange.status === 200);
    const name = one?.cookie?.split('=')[0];
    const replaced = one?.by === 'browser' && world.exchanges.some((other) => other.at > one.at && other.by === 'browser' && other.cookie?.startsWith(`${name}=`));
    return one && (evenOver || !replaced) ? { cookie: one.cookie, csrf: one.json?.csrf_token, from: one } : null;
  }

  /** The last watch of a step. */
  watch(step) {
    return [...world.watches.values()].findLast((one) => one.action.startsWith(`${this.lesson}/${step}/`)) ?? null;
  }

  /** The finished and unfinished measurements of a step's latest run. */
  costs(step) {
    return world.costs.filter((one) => one.action.startsWith(`${this.lesson}/${step}/`));
  }
}
