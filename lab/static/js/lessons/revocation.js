import { bearerHeader, cookieHeader, setFault, stopWatch } from '../act.js';
import { h } from '../dom.js';
import { storeCommands } from '../format.js';
import { watcher } from '../views/watcher.js';
import { world } from '../world.js';
import { outAt, settled } from './logging-out.js';

const STRATEGIES = {
  'denylisted-jwt': { servers: ['denylisted'], how: 'verify the token, then ask the store whether it was taken back' },
  'pushed-jwt': { servers: ['pushed'], how: 'every revocation is sent to every server, which looks in its own memory' },
  'introspected-token': { servers: ['introspected'], how: 'the token is opaque; the auth server is asked each time' },
  'tracked-session': { servers: ['tracked-1', 'tracked-2'], how: 'Redis tells each server which sessions changed; the others it remembers' },
};
const WARM = 3;

async function logOutAndWatch(act, seen, strategy) {
  const { servers } = STRATEGIES[strategy];
  if (strategy === 'tracked-session') {
    await act.login('login-tracked', servers[0]);
    const session = seen.session('login-tracked');
    for (let at = 0; at < WARM; at += 1) await act.cookie(`price ${strategy}`, servers[0]);
    await act.watch(servers, cookieHeader(session.cookie));
    await settled();
    await act.cookie(`logout ${strategy}`, servers[0], '/logout', { method: 'POST', csrf: session.csrf });
    return;
  }
  await act.login('login-token', 'auth', 'alice', strategy === 'introspected-token' ? { token_format: 'opaque' } : {});
  const { access } = seen.tokens();
  for (let at = 0; at < WARM; at += 1) await act.bearer(`price ${strategy}`, servers[0], access);
  await act.watch(servers, bearerHeader(access));
  await settled();
  await act.bearer(`logout ${strategy}`, 'auth', access, '/logout', 'POST');
}

const step = (strategy, title, say, see, explain) => ({
  title,
  say,
  needs: STRATEGIES[strategy].servers,
  do: [`Press “Log out and watch ${strategy}”.`, ...see.map((one) => `You see “${one}”.`)],
  buttons: { [`Log out and watch ${strategy}`]: (act, seen) => logOutAndWatch(act, seen, strategy) },
  view: (seen, page) => watcher(seen.watch(page.at), outAt(seen, `logout ${strategy}`), Infinity),
  explain: (seen) => {
    const price = seen.last(`price ${strategy}`);
    return price && outAt(seen, `logout ${strategy}`) && `${explain} The price: ${strategy === 'introspected-token' ? 'a call to the auth server, and its own look into the store,' : storeCommands(price.commands)} for each request.`;
  },
});

export default {
  title: 'Buying revocation back',
  question: 'Can servers that hold no sessions hear of a logout, and what does it cost?',
  needs: ['denylisted', 'pushed', 'introspected', 'tracked-1'],
  predict: {
    ask: 'A server shall refuse a token the moment after its logout. What does that cost at least?',
    options: ['Nothing, with the right library', 'A question for each request, or news sent to every server', 'A shorter token life, nothing else'],
    right: 1,
  },
  steps: [
    step('denylisted-jwt', 'Ask a list', 'The server verifies the token and then asks Redis whether it was taken back.', ['denylisted refused it'], 'The window is closed: the next request is refused.'),
    step('pushed-jwt', 'Be told', 'Every revocation is pushed to every server; requests look into the server’s own memory.', ['pushed refused it', '0 store commands'], 'The window is milliseconds, and no request waits for a store.'),
    step('introspected-token', 'Ask the issuer', 'The token is random bits. Only the auth server knows what it means, so it is asked each time.', ['introspected refused it'], 'The window is closed: there is one truth, and it is asked.'),
    step('tracked-session', 'Sessions, told', 'A session server remembers sessions, and Redis tells it which ones changed.', ['tracked-1 refused it', 'tracked-2 refused it'], 'Sessions can have it both ways, too: no lookup in the steady state, and news within milliseconds.'),
    {
      title: 'Cut the feed',
      say: 'The pushed server hears nothing any more, and alice logs out. It goes on for 5 seconds at most, then it refuses to guess.',
      needs: ['pushed'],
      do: ['Press “Cut the feed, log out and watch”.', 'You see “pushed still accepts it”.', 'Wait until you see “pushed cannot tell: 503”.', 'Press “Heal the feed”.', 'Wait until you see “pushed refused it”.'],
      buttons: {
        'Cut the feed, log out and watch': async (act, seen) => {
          await act.login('login-token', 'auth');
          const { access } = seen.tokens();
          await act.watch(['pushed'], bearerHeader(access), { untilRefused: false });
          await settled();
          await setFault('feed', 'hung');
          await act.bearer('logout cut', 'auth', access, '/logout', 'POST');
        },
        'Heal the feed': () => setFault('feed', 'none'),
        'Stop watching': () => stopWatch(),
      },
      before: () => (world.servers.length && !world.canBreak.includes('feed') ? h('p', { class: 'note' }, 'No fault proxy stands before the feed here, so it cannot be cut.') : null),
      view: (seen, page) => watcher(seen.watch(page.at), outAt(seen, 'logout cut'), Infinity),
      explain: (seen) => outAt(seen, 'logout cut') && 'Old news is served for a bounded time and then not at all. When the feed is back, the server catches up before it answers: the gap is closed, nothing is lost.',
    },
  ],
  point: 'Whoever wants revocation pays: with a question for each request, or with news to every server and a bound on how old the news may be.',
  next: ['Compare the store commands of “price” calls: that is the bill.', 'Lesson 14 asks what the question costs when the store is far away.'],
};
