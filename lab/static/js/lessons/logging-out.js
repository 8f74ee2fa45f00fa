import { bearerHeader, cookieHeader, stopWatch } from '../act.js';
import { h } from '../dom.js';
import { clock } from '../format.js';
import { watcher } from '../views/watcher.js';
import { world } from '../world.js';
import { FIRST, credentials, loginBoth } from './kit.js';

const SESSIONS = ['session-1', 'session-2'];
const RESOURCES = ['resource-1', 'resource-2', 'resource-3'];

/** When the answer to the last logout of a label was here, on the lab's clock. */
export const outAt = (seen, label) => {
  const one = seen.last(label, (exchange) => exchange.status === 204);
  return one ? one.at + one.ms : null;
};

const forLabel = (seen, step, label) => {
  const watch = seen.watch(step);
  const at = outAt(seen, label);
  const login = seen.last(label.replace('logout', 'login'));
  return watch && watcher(watch, at && login && at > login.at ? at : null, (seen.tokens()?.claims.exp ?? 0) * 1000);
};

export default {
  title: 'Logging out',
  question: 'Who still believes the old credential, and for how long?',
  predict: {
    ask: 'alice logs out at the auth server. How long do the resource servers accept the token she had?',
    options: ['Not at all: it is over', 'A few seconds, until they hear of it', 'Until the token expires, minutes later'],
    right: 2,
  },
  steps: [{
    title: 'Log in',
    say: 'One session, one token.',
    do: ['Press “Log in on both sides”.', 'You see “session-1 answered 200”.', 'You see “auth answered 200”.'],
    buttons: { 'Log in on both sides': (act) => loginBoth(act) },
    explain: (seen) => seen.tokens() && `The token lives ${clock(seen.tokens().from.json.expires_in)} minutes.`,
  }, {
    title: 'End the session',
    say: 'The old cookie is shown to both session servers again and again, before and after the logout.',
    do: ['Press “Log out and watch the cookie”.', 'You see “session-1 refused it”.', 'You see “session-2 refused it”.'],
    buttons: {
      'Log out and watch the cookie': async (act, seen) => {
        const session = await act.login('login-session', FIRST.session).then(() => seen.session());
        await act.watch(SESSIONS, cookieHeader(session.cookie));
        await settled();
        await act.cookie('logout-session', FIRST.session, '/logout', { method: 'POST', csrf: session.csrf });
      },
    },
    view: (seen) => forLabel(seen, 2, 'logout-session'),
    explain: (seen) => outAt(seen, 'logout-session') && 'The session was deleted where it is kept. The next request of anybody who shows that cookie finds nothing.',
  }, {
    title: 'End the token',
    say: 'Now the same with the token, at servers that never ask anybody.',
    do: ['Press “Log out and watch the token”.', 'You see “auth answered 204”.', 'You see “resource-1 still accepts it”.', 'You see “resource-3 still accepts it”.', 'Press “Stop watching”.', 'You see “Still believed by resource-1, resource-2 and resource-3”.'],
    buttons: {
      'Log out and watch the token': async (act, seen) => {
        const { token } = await credentials(act, seen).then(async () => (await act.login('login-token', 'auth'), { token: seen.tokens() }));
        await act.watch(RESOURCES, bearerHeader(token.access));
        await settled();
        await act.bearer('logout-token', 'auth', token.access, '/logout', 'POST');
      },
      'Stop watching': () => stopWatch(),
    },
    view: (seen) => forLabel(seen, 3, 'logout-token'),
    explain: (seen) => {
      const at = outAt(seen, 'logout-token');
      const expires = (seen.tokens()?.claims.exp ?? 0) * 1000;
      return at && expires > at && `The auth server answered 204, and nobody told the resource servers. They accept the token for up to ${clock((expires - at) / 1000)} more: until it expires.`;
    },
  }, {
    title: 'And the refresh token?',
    say: 'A logout at least ends the source of new tokens.',
    do: ['Press “Try to refresh”.', 'You see “auth answered 400”.'],
    buttons: {
      'Try to refresh': async (act, seen) => {
        if (!seen.last('logout-token')) {
          const { token } = await credentials(act, seen);
          await act.bearer('logout-token', 'auth', token.access, '/logout', 'POST');
        }
        await act.refresh('refresh-after', seen.tokens().refresh);
      },
    },
    explain: () => 'invalid_grant: the login is over at the auth server, so the access token will be the last one.',
  }],
  point: 'A session is ended where it is kept. A plain JWT is kept nowhere but with its bearer: nobody can end it, so it must not live long.',
  next: ['Leave the watch of step 3 running and come back in five minutes.', 'In lesson 7, buy revocation back.'],
  aside: () => (world.servers.length ? h('p', { class: 'note' }, 'In a terminal: authlab tour --lesson 6') : null),
};

/** Let the watch ask once or twice before the logout, so that it shows a difference. */
export const settled = () => new Promise((resolve) => setTimeout(resolve, 400));
