import { bearerHeader, cookieHeader } from '../act.js';
import { storeCommands, sum } from '../format.js';
import { matrix, matrixRequests } from '../views/matrix.js';
import { FIRST, credentials, tokens } from './kit.js';

const SERVERS = ['resource-1', 'resource-2', 'resource-3'];
const total = (exchanges) => storeCommands(sum(exchanges.map((one) => one.commands)));

export default {
  title: 'One token, three servers',
  question: 'Can a server recognise you that has never seen you and asks nobody?',
  predict: {
    ask: 'Three servers that share nothing but a secret are shown the same token. How many store commands does that take?',
    options: ['None', 'One, at the first server', 'Three, one for each'],
    right: 0,
  },
  steps: [{
    title: 'Get a token',
    say: 'Only the auth server sees the password. The three resource servers have never heard of you.',
    do: ['Press “Log in”.', 'You see “auth answered 200”.'],
    buttons: { 'Log in': (act) => act.login('login-token', 'auth') },
    explain: (seen) => seen.tokens() && 'The auth server signed a token. From now on it is out of the picture.',
  }, {
    title: 'Show it around',
    say: 'Watch the count of store commands behind each answer: Redis itself counts them.',
    do: ['Press “Show it to three servers”.', 'You see “resource-1 answered 200”.', 'You see “resource-2 answered 200”.', 'You see “resource-3 answered 200”.', 'You see “0 store commands”.'],
    buttons: {
      'Show it to three servers': async (act, seen) => {
        const { access } = await tokens(act, seen);
        for (const server of SERVERS) await act.bearer('show', server, access);
      },
    },
    explain: (seen) => `Three servers, ${total(seen.all.filter((one) => one.label === 'show').slice(-3))}. Each computed one MAC over the token and compared: open a message and see the checks.`,
  }, {
    title: 'Now a session',
    say: 'Two session servers share one Redis. The cookie goes to both.',
    do: ['Press “Do the same with a session”.', 'You see “session-1 answered 200”.', 'You see “session-2 answered 200”.', 'You see “1 store command”.'],
    buttons: {
      'Do the same with a session': async (act) => {
        await act.login('login-session', FIRST.session);
        await act.cookie('show-session', 'session-1');
        await act.cookie('show-session', 'session-2');
      },
    },
    explain: (seen) => `Both know you, because both asked the same store: ${total(seen.all.filter((one) => one.label === 'show-session').slice(-2))} for two requests.`,
  }, {
    title: 'Who accepts what',
    say: 'Every credential you hold, shown to every server that runs.',
    do: ['Press “Ask every server”.', 'You see “accepted”.', 'You see “refused”.'],
    buttons: {
      'Ask every server': async (act, seen) => {
        const { session, token } = await credentials(act, seen);
        await act.send(matrixRequests({ 'the token': bearerHeader(token.access), 'the session cookie': cookieHeader(session.cookie) }));
      },
    },
    lanes: false,
    view: (seen) => matrix(seen.step(4)),
    explain: () => 'A token opens every server of its audience; a cookie opens the servers that share its store. Nobody else takes either.',
  }],
  point: 'A signature proves itself: whoever holds the key can check it, without asking. That is all that “stateless” means, and lesson 6 shows its price.',
  next: ['Stop a resource server in a terminal and look at the map: the others do not notice.', 'In the free bench, fill the matrix after a logout.'],
};
