// The free bench: every control of all lessons, and requests of your own.

import { Act, PASSWORDS, bearerHeader, cookieHeader, leak, setFault } from './act.js';
import { h } from './dom.js';
import { Seen, world } from './world.js';
import { numbersOf } from './lesson.js';
import { faultPanel } from './views/faults.js';
import { lanes } from './views/lanes.js';
import { matrix, matrixRequests } from './views/matrix.js';
import { copyBlock } from './views/message.js';
import { meter } from './views/meter.js';
import { TamperBench, chooser, field } from './views/tamper.js';
import { watcher } from './views/watcher.js';
import { settled } from './lessons/logging-out.js';

const NAME = 'bench';
const state = { user: 'alice', target: '/me', method: 'GET', server: 'resource-1', session: 'session-1', faults: {}, error: null, roundTrip: 0 };
const seen = new Seen(NAME);
const OVER = { evenOver: true };
let tamper = null;

const act = (section, repaint) => new Act(NAME, section, repaint);
const held = () => ({
  ...(seen.tokens() ? { 'the token': bearerHeader(seen.tokens().access) } : {}),
  ...Object.fromEntries(['session', 'memory', 'tracked'].filter((group) => seen.session(`login ${group}`, OVER)).map((group) => [`the ${group} cookie`, cookieHeader(seen.session(`login ${group}`, OVER).cookie)])),
});

/** The page of the free bench, which looks to the rest like a lesson with one step. */
export function bench(repaint) {
  tamper ??= new TamperBench([NAME, 'tamper'], repaint);
  return { last: 0, seen: { step: () => latest() }, left: () => {}, draw: (_at, width) => draw(width, repaint) };
}

const latest = () => {
  const last = seen.all.findLast((one) => !one.label.startsWith('cell ') && !one.label.endsWith(':watched'));
  return last ? seen.all.filter((one) => one.run === last.run && !one.label.startsWith('cell ')) : [];
};

function draw(width, repaint) {
  const press = (label, run, more = {}) =>
    h('button', { ...more, on: { click: async () => {
      state.error = null;
      try {
        await run();
      } catch (error) {
        state.error = error.message;
      }
      repaint();
    } } }, label);
  const shown = latest();
  return h(
    'article',
    { class: 'lesson', 'data-key': 'bench' },
    h('header', null, h('h1', { tabindex: '-1', class: 'step-title' }, 'Free bench'), h('p', { class: 'question' }, 'Every control of all lessons. Every message can be opened, and run again in a terminal.')),
    h('section', { class: 'panel' },
      actions(press, repaint),
      state.error && h('p', { class: 'error', role: 'alert' }, state.error),
      h('div', { class: 'seen', 'data-key': 'seen' }, lanes(shown, { numbers: numbersOf(shown) })),
      part('Who accepts what', true, press('Ask every server', () => act('matrix', repaint).send(matrixRequests(held())), {}), matrix(seen.step('matrix'))),
      part('Log out and watch', false, watchPart(press, repaint)),
      part('Break something', false, faultPanel(state.faults, repaint)),
      part('Tamper with a token', false, press('Put my token on the bench', () => tamper.take(need('token').access)), tamper.draw()),
      part('What a request costs', false, costPart(press, repaint)),
      part('Keys', false, keysPart(press, repaint)),
      part('In a terminal', false, terminal()),
    ),
  );
}

const part = (title, open, ...children) => h('details', { class: 'bench-section', 'data-key': title, open }, h('summary', null, h('strong', null, title)), h('div', { class: 'seen' }, children));

function need(kind) {
  const found = kind === 'token' ? seen.tokens() : seen.session(`login ${kind}`);
  if (!found) throw new Error('Log in first: both sides, above.');
  return found;
}

function actions(press, repaint) {
  const groups = ['session', 'memory', 'tracked'].filter((group) => world.server(`${group}-1`));
  return [
    h(
      'div',
      { class: 'fields' },
      chooser('User', Object.keys(PASSWORDS), state.user, (value) => repaint((state.user = value))),
      chooser('Method', ['GET', 'POST', 'DELETE'], state.method, (value) => repaint((state.method = value))),
      field('Path', state.target, (value) => (state.target = value)),
      chooser('Server', ['resource', ...groups, ...world.servers.map((one) => one.name)], state.server, (value) => repaint((state.server = value))),
    ),
    h(
      'p',
      { class: 'buttons' },
      press('Log in on both sides', async () => {
        const one = act('login', repaint);
        for (const group of groups) await one.login(`login ${group}`, `${group}-1`, state.user);
        await one.login('login-token', 'auth', state.user);
      }, { class: 'primary' }),
      press('Send this request', () => sendOne(repaint)),
      press('Log out on both sides', async () => {
        const one = act('logout', repaint);
        for (const group of groups) if (seen.session(`login ${group}`)) await one.cookie(`logout ${group}`, `${group}-1`, '/logout', { method: 'POST', csrf: need(group).csrf });
        await one.bearer('logout-token', 'auth', need('token').access, '/logout', 'POST');
      }),
      press('Log out everywhere', async () => {
        const one = act('logout', repaint);
        await one.cookie('logout-everywhere session', 'session-1', '/logout-everywhere', { method: 'POST', csrf: need('session').csrf });
        await one.bearer('logout-everywhere', 'auth', need('token').access, '/logout-everywhere', 'POST');
      }),
      press('Refresh', () => act('refresh', repaint).refresh('login-token', need('token').refresh)),
      press('Race calls against the logout', () => race(repaint)),
    ),
  ];
}

/** Send what is written above, with whatever this side carries. */
function sendOne(repaint) {
  const side = world.server(state.server)?.side ?? (state.server === 'resource' ? 'token' : 'session');
  const one = act('send', repaint);
  if (side === 'session') {
    const group = state.server.split('-')[0];
    return one.cookie('sent', state.server, state.target, { method: state.method, csrf: state.method === 'GET' ? null : seen.session(`login ${group}`)?.csrf });
  }
  return one.bearer('sent', state.server, need('token').access, state.target, state.method);
}

/** A logout and calls at the same moment, then one more call: no session may come back from the dead. */
async function race(repaint) {
  const one = act('race', repaint);
  await one.login('login session', 'session-1', state.user);
  const { cookie, csrf } = need('session');
  const call = (label) => ({ label, server: 'session-1', headers: cookieHeader(cookie) });
  const logout = { label: 'logout', server: 'session-2', method: 'POST', target: '/logout', headers: [...cookieHeader(cookie), ['X-CSRF-Token', csrf]] };
  await one.send([call('race'), call('race'), logout, call('race'), call('race'), call('race')], { together: true });
  await one.send([call('after')]);
}

function watchPart(press, repaint) {
  const servers = world.servers.filter((one) => one.promise && one.side === 'token' && one.name !== 'public').map((one) => one.name);
  const out = seen.last('watched-logout', (one) => one.status === 204);
  return [
    press('Log out and watch the token', async () => {
      const one = act('watch', repaint);
      await one.login('login-token', 'auth', state.user);
      const { access } = need('token');
      await one.watch(servers, bearerHeader(access));
      await settled();
      await one.bearer('watched-logout', 'auth', access, '/logout', 'POST');
    }),
    watcher(seen.watch('watch'), out ? out.at + out.ms : null, (seen.tokens()?.claims.exp ?? 0) * 1000),
  ];
}

function costPart(press, repaint) {
  return [
    field('Round trip to the stores, ms', String(state.roundTrip), (value) => (state.roundTrip = Number(value) || 0), { type: 'number', min: 0, max: 500 }),
    press('Measure every strategy', async () => {
      const one = act('cost', repaint);
      const stores = world.canBreak.filter((target) => target.startsWith('redis-'));
      try {
        for (const store of stores) await setFault(store, state.roundTrip ? 'slow' : 'none', state.roundTrip ? { delay_ms: state.roundTrip } : {});
        for (const strategy of new Set(world.servers.filter((some) => some.promise && some.name !== 'public').map((some) => some.strategy))) {
          const server = world.servers.find((some) => some.strategy === strategy);
          const headers = server.side === 'session' ? cookieHeader(need(server.group).cookie) : bearerHeader(need('token').access);
          await one.cost(server.name, headers, state.roundTrip > 4 ? 60 : 220, state.roundTrip);
        }
      } finally {
        for (const store of stores) await setFault(store, 'none');
      }
    }),
    meter(seen.costs('cost')),
  ];
}

function keysPart(press, repaint) {
  const asRoot = async (label, method, path) => {
    const one = act('keys', repaint);
    await one.login('login-root', 'auth', 'root');
    await one.bearer(label, 'auth', seen.tokens('login-root').access, path, method);
  };
  return [
    h('p', { class: 'buttons' }, press('List the keys', () => asRoot('keys', 'GET', '/admin/keys')), press('Rotate the key', () => asRoot('rotate', 'POST', '/admin/keys/rotate')), world.canLeak && press('Leak the shared secret', leak)),
    world.leak && h('pre', { tabindex: '0' }, JSON.stringify(world.leak.keys, null, 2)),
  ];
}

const terminal = () => ['authlab tour', 'authlab login alice', 'authlab call resource-1/me', 'authlab keys list', 'authlab fault redis-auth off', 'authlab fault redis-auth heal', 'authlab status'].map(copyBlock);
