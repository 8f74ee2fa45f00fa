import { PASSWORDS, bearerHeader, cookieHeader, loginRequest } from '../act.js';
import { world } from '../world.js';

const AUDIT = '/admin/audit';
const name = () => `dora-${world.slug}`;
const json = [['Content-Type', 'application/json']];

/** An admin of this learner's own, made anew: whoever else is here has another one. */
async function makeAdmin(act, state) {
  const [login] = await act.send([loginRequest('login-root', 'auth', 'root', PASSWORDS.root)]);
  const root = bearerHeader(login.json.access_token);
  const password = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(15))));
  const admin = (label, target, body) => ({ label, server: 'auth', method: 'POST', target, headers: [...root, ...json], body: JSON.stringify(body) });
  const roles = { roles: ['admin', 'user'] };
  const [added] = await act.send([admin('add', '/admin/accounts', { username: name(), name: 'Dora', password, ...roles })]);
  if (added.status === 409) {
    await act.send([admin('password', `/admin/accounts/${name()}/password`, { password }), admin('promote', `/admin/accounts/${name()}/roles`, roles)]);
  }
  state.password = password;
  await act.send([loginRequest('login-session', 'session-1', name(), password), loginRequest('login-token', 'auth', name(), password)]);
}

const ask = (seen, when) => [
  { label: `session ${when}`, server: 'session-1', target: AUDIT, headers: cookieHeader(seen.session().cookie) },
  ...['resource-1', 'denylisted', 'introspected'].filter((server) => world.server(server)).map((server) => ({ label: `${server} ${when}`, server, target: AUDIT, headers: bearerHeader(seen.tokens().access) })),
];

const needDora = (seen) => {
  if (!seen.session() || !seen.tokens()) throw new Error('Step 1 makes dora; run it first.');
};

/** The password that dora was made with, from the message that made it. */
const passwordOf = (seen) => JSON.parse(seen.last('login-token').request.body).password;

export default {
  title: 'Stale claims',
  question: 'An admin is demoted. When do the servers notice?',
  predict: {
    ask: 'dora’s token says “admin”. Her role is taken away. What does a resource server answer when she asks for the audit log with that token?',
    options: ['200: the token still says admin', '403: she is no admin', '401: her token was taken back'],
    right: 0,
  },
  steps: [{
    title: 'An admin',
    say: 'root makes an account for dora, who is an admin on both sides.',
    do: ['Press “Make dora an admin and let her look”.', 'You see “session-1 answered 200”.', 'You see “resource-1 answered 200”.'],
    buttons: {
      'Make dora an admin and let her look': async (act, seen, state) => {
        await makeAdmin(act, state);
        await act.send(ask(seen, 'before'));
      },
    },
    explain: (seen) => seen.last('session before')?.status === 200 && 'Both sides let her read the audit log.',
  }, {
    title: 'Demoted',
    say: 'root takes the role away. The auth server ends her logins; the session servers are told to end her sessions.',
    do: ['Press “Take the role away”.', 'You see “auth answered 200”.', 'You see “session-1 answered 204”.'],
    buttons: {
      'Take the role away': async (act, seen) => {
        needDora(seen);
        const [login] = await act.send([loginRequest('login-root', 'auth', 'root', PASSWORDS.root)]);
        await act.send([{ label: 'demote', server: 'auth', method: 'POST', target: `/admin/accounts/${name()}/roles`, headers: [...bearerHeader(login.json.access_token), ...json], body: '{"roles":["user"]}' }]);
        const [root] = await act.send([loginRequest('login-root-session', 'session-1', 'root', PASSWORDS.root)]);
        await act.send([{ label: 'end-sessions', server: 'session-1', method: 'POST', target: `/admin/accounts/${name()}/end-sessions`, headers: [...cookieHeader(root.cookie), ['X-CSRF-Token', root.json.csrf_token]] }]);
      },
    },
    explain: (seen) => seen.last('demote')?.status === 200 && 'The account is changed. What was handed out before is not.',
  }, {
    title: 'Who still believes it',
    say: 'dora asks again with what she had.',
    do: ['Press “Ask for the audit log again”.', 'You see “session-1 answered 401”.', 'You see “resource-1 answered 200”.'],
    buttons: {
      'Ask for the audit log again': async (act, seen) => {
        needDora(seen);
        await act.send(ask(seen, 'after'));
      },
    },
    explain: (seen) => {
      const still = seen.step(3).filter((one) => one.status === 200).map((one) => one.server);
      return still.length > 0 && `${still.join(', ')} still shows it: the claim was true when the token was made, and nobody looks again. Her session is over, and so is her token at every server that asks.`;
    },
  }, {
    title: 'A new token',
    say: 'What a new login gets tells the truth of now.',
    do: ['Press “Log in again and ask”.', 'You see “resource-1 answered 403”.'],
    buttons: {
      'Log in again and ask': async (act, seen) => {
        needDora(seen);
        const [login] = await act.send([loginRequest('login-fresh', 'auth', name(), passwordOf(seen))]);
        await act.send([{ label: 'fresh', server: 'resource-1', target: AUDIT, headers: bearerHeader(login.json.access_token) }]);
      },
    },
    explain: (seen) => seen.last('fresh')?.status === 403 && '403: she is known, and she is no admin. How stale a claim may be is the lifetime of a token, or the price of a lookup.',
  }],
  point: 'What a token says was true when it was made. A short life, or a lookup, bounds how long ago that was.',
  next: ['Which of your own permissions may be five minutes old? Which may not?', 'In lesson 15, answer that question in the advice calculator.'],
};
