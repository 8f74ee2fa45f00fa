// Everything the page can do. Each request names what it is for, so that its captured message is found again.

import { world } from './world.js';

const PAGE_TOKEN = document.querySelector('meta[name="authlab-page"]').content;
export const PASSWORDS = { alice: 'alice-demo-password', bob: 'bob-demo-password', root: 'root-demo-password' };
const WEB_CLIENT = 'authlab-web';

/** The lab itself, not a server behind it, said no. */
class LabSaysNo extends Error {}

async function lab(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { 'Authlab-Page': PAGE_TOKEN, ...(body ? { 'Content-Type': 'application/json' } : {}) },
    body: body && JSON.stringify(body),
    cache: 'no-store',
  }).catch(() => {
    throw new LabSaysNo('The lab does not answer.');
  });
  if (!answer.ok) throw new LabSaysNo((await answer.json().catch(() => ({}))).detail ?? `The lab answered ${answer.status}.`);
  return answer.status === 204 ? null : answer.json();
}

export const setFault = (target, kind, more) => lab('POST', '/lab/faults', { target, kind, ...more });
export const restart = (server, offset = 0) => lab('POST', '/lab/processes', { server, offset_s: offset });
export const reset = () => lab('POST', '/lab/reset');
export const leak = () => lab('POST', '/lab/leak');
export const lastResult = () => lab('GET', '/lab/result');
export const stopWatch = () => lab('DELETE', '/lab/watch');

let runs = 0;

/** One press of one button: its requests belong together. */
export class Act {
  constructor(lesson, step, progress = () => {}) {
    this.prefix = `${lesson}/${step}/${Date.now().toString(36)}${runs++}`;
    this.progress = progress;
  }

  /** Let the browser itself send a request, with its own cookies. */
  async call(label, server, method, path, { headers = {}, json, form } = {}) {
    const sent = { ...headers, 'Authlab-Page': PAGE_TOKEN, 'Authlab-Action': `${this.prefix}/${label}` };
    if (json) sent['Content-Type'] = 'application/json';
    const answer = await fetch(`/s/${server}${path}`, {
      method,
      headers: sent,
      body: json ? JSON.stringify(json) : form ? new URLSearchParams(form) : undefined,
      cache: 'no-store',
    }).catch(() => {
      throw new LabSaysNo('The lab does not answer.');
    });
    return this.#captured(answer.headers.get('Authlab-Event'), answer);
  }

  /** Let the lab send requests that a browser would not, as they are written. */
  async send(requests, { together = false } = {}) {
    const written = requests.map(({ label, ...one }) => ({ ...one, action: `${this.prefix}/${label}` }));
    const { events } = await lab('POST', '/lab/send', { requests: written, together });
    const found = await Promise.all(events.map((id) => world.exchange(id)));
    this.progress();
    return found;
  }

  async #captured(id, answer) {
    if (!id) throw new LabSaysNo((await answer.json().catch(() => ({}))).detail ?? `The lab answered ${answer.status}.`);
    const one = await world.exchange(Number(id));
    this.progress();
    return one;
  }

  login(label, server, user = 'alice', more = {}) {
    return this.call(label, server, 'POST', '/login', { json: { username: user, password: PASSWORDS[user], ...more } });
  }

  /** Ask with a bearer token. */
  bearer(label, server, token, path = '/me', method = 'GET') {
    return this.call(label, server, method, path, { headers: { Authorization: `Bearer ${token}` } });
  }

  /** Ask with whatever cookie the browser has. */
  cookie(label, server, path = '/me', { method = 'GET', csrf } = {}) {
    return this.call(label, server, method, path, csrf ? { headers: { 'X-CSRF-Token': csrf } } : {});
  }

  refresh(label, token, server = 'auth') {
    return this.call(label, server, 'POST', '/oauth/token', { form: refreshForm(token) });
  }

  watch(servers, headers, { untilRefused = true, target = '/me' } = {}) {
    return lab('POST', '/lab/watch', { servers, headers, target, until_refused: untilRefused, action: `${this.prefix}/watch` });
  }

  async cost(server, headers, requests, roundTripMs) {
    await lab('POST', '/lab/cost', { server, headers, requests, round_trip_ms: roundTripMs, action: `${this.prefix}/cost` });
    this.progress();
  }
}

const refreshForm = (token) => ({ grant_type: 'refresh_token', refresh_token: token, client_id: WEB_CLIENT });

export const bearerHeader = (token) => [['Authorization', `Bearer ${token}`]];
export const cookieHeader = (cookie) => [['Cookie', cookie]];

/** The request that uses a refresh token, for the lab to send. */
export const refreshRequest = (label, token) => ({
  label,
  server: 'auth',
  method: 'POST',
  target: '/oauth/token',
  headers: [['Content-Type', 'application/x-www-form-urlencoded']],
  body: new URLSearchParams(refreshForm(token)).toString(),
});

/** The request that logs in, for the lab to send: the browser keeps its own cookies. */
export const loginRequest = (label, server, username, password, more = {}) => ({
  label,
  server,
  method: 'POST',
  target: '/login',
  headers: [['Content-Type', 'application/json']],
  body: JSON.stringify({ username, password, ...more }),
});
