import { bearerHeader, loginRequest, PASSWORDS, refreshRequest, setFault } from '../act.js';
import { herd } from '../views/herd.js';
import { world } from '../world.js';

const CLIENTS = 8;
const AUTH = 'auth';

/** The newest refresh token of each client: of its last good refresh, else of its login. */
const refreshTokens = (seen) =>
  Array.from({ length: CLIENTS }, (_, at) => (seen.last(`refresh-${at}`, (one) => one.status === 200) ?? seen.last(`client-${at}`, (one) => one.status === 200))?.json?.refresh_token).filter(Boolean);

async function refreshAll(act, seen) {
  return act.send(refreshTokens(seen).map((token, at) => refreshRequest(`refresh-${at}`, token)), { together: true });
}

const login = (label) => loginRequest(label, AUTH, 'alice', PASSWORDS.alice);
const loginAll = (act) => act.send(Array.from({ length: CLIENTS }, (_, at) => login(`client-${at}`)));

async function ensureClients(act, seen) {
  if (refreshTokens(seen).length < CLIENTS) await loginAll(act);
}

const refreshes = (seen, step) => seen.step(step).filter((one) => one.label.startsWith('refresh-'));

export default {
  title: 'Kill the auth server',
  question: 'The only server that can make tokens is gone. What goes on, and what happens when it is back?',
  predict: {
    ask: 'The auth server is switched off. What do resource servers answer to tokens that were issued before?',
    options: ['200: they can verify them alone', '503: they cannot ask', '401: the issuer is unknown'],
    right: 0,
  },
  steps: [{
    title: 'Eight clients',
    say: 'Eight clients log in; each gets an access token and a refresh token.',
    do: ['Press “Log in eight clients”.', 'You see “auth answered 200”.'],
    buttons: {
      'Log in eight clients': async (act) => {
        await setFault(AUTH, 'none');
        await loginAll(act);
      },
    },
    explain: (seen) => refreshTokens(seen).length === CLIENTS && 'Eight logins. Each cost a password hash, which is slow on purpose.',
  }, {
    title: 'Off',
    say: 'The auth server is switched off. The resource servers are asked as before.',
    do: ['Press “Switch the auth server off and call”.', 'You see “resource-1 answered 200”.', 'You see “auth gave no answer”.'],
    buttons: {
      'Switch the auth server off and call': async (act, seen) => {
        await ensureClients(act, seen);
        await setFault(AUTH, 'off');
        const headers = bearerHeader(seen.last('client-0').json.access_token);
        const servers = ['resource-1', 'resource-2', ...(world.server('introspected') ? ['introspected'] : [])];
        await act.send([...servers.map((server) => ({ label: 'call', server, headers })), login('login-while-off')]);
      },
    },
    explain: (seen) => {
      const asked = seen.step(2).find((one) => one.server === 'introspected');
      return `Tokens that exist go on working: their proof is in them. Nobody can log in.${asked ? ` The server that asks the auth server each time answered ${asked.status}.` : ''}`;
    },
  }, {
    title: 'Refreshes fail',
    say: 'Minutes later the access tokens run out, and every client wants a new one.',
    do: ['Press “Refresh all eight”.', 'You see “None of 8 refreshes succeeded”.'],
    buttons: {
      'Refresh all eight': async (act, seen) => {
        await ensureClients(act, seen);
        await setFault(AUTH, 'off');
        await refreshAll(act, seen);
      },
    },
    lanes: false,
    view: (seen) => herd(refreshes(seen, 3), 'herd-off', 'Refreshes while it is off'),
    explain: (seen) => seen.step(3).some((one) => one.label.startsWith('refresh-')) && 'An outage shorter than a token’s life is not seen by callers; a longer one is seen by all of them.',
  }, {
    title: 'The herd',
    say: 'The auth server comes back, and everybody who waited comes at once.',
    do: ['Press “Heal, and refresh all eight at once”.', 'You see “8 of 8 refreshes succeeded”.'],
    buttons: {
      'Heal, and refresh all eight at once': async (act, seen) => {
        await setFault(AUTH, 'none');
        await ensureClients(act, seen);
        await refreshAll(act, seen);
      },
    },
    lanes: false,
    view: (seen) => herd(refreshes(seen, 4), 'herd-back', 'Refreshes at the moment it is back'),
    explain: (seen) => seen.step(4).some((one) => one.status === 200) && 'All were served, one behind the other. With a million clients that queue is the second outage: retries must be spread out, and logins must wait behind refreshes.',
  }],
  point: 'Tokens make the auth server absent from every request, and present again at every expiry. How long it may be away is the lifetime of an access token.',
  next: ['In lesson 7, the introspected token shows the other end: it needs the auth server for each request.', 'Compare with lesson 8: which outage would you rather explain?'],
};
