import { setFault } from '../act.js';
import { ms, verdict } from '../format.js';
import { callBoth, credentials, loginBoth } from './kit.js';

const STORE = 'redis-sessions';

const both = async (act, seen) => callBoth(act, await credentials(act, seen));
const breakAnd = (kind) => async (act, seen) => {
  const have = await credentials(act, seen);
  await setFault(STORE, kind);
  await callBoth(act, have);
};
const told = (seen, step) => {
  const [session, token] = seen.step(step).filter((one) => one.label.startsWith('call-'));
  return session && token && `The session side: ${verdict(session.status).word} after ${ms(session.ms)}. The token side: ${verdict(token.status).word} after ${ms(token.ms)}.`;
};

export default {
  title: 'Kill the store',
  question: 'Redis goes away. Who still knows you, who refuses, and how fast?',
  predict: {
    ask: 'The session store is switched off. What does a session server answer to a good cookie?',
    options: ['401: it does not know you any more', '503: it cannot tell, come back later', '200: it trusts the cookie for a while'],
    right: 1,
  },
  steps: [{
    title: 'All is well',
    say: 'Log in on both sides and call, as a baseline.',
    do: ['Press “Log in and call”.', 'You see “session-1 answered 200”.', 'You see “resource-1 answered 200”.'],
    buttons: {
      'Log in and call': async (act, seen) => {
        await setFault(STORE, 'none');
        await loginBoth(act);
        await both(act, seen);
      },
    },
    explain: (seen) => told(seen, 1),
  }, {
    title: 'Off',
    say: 'The store’s connections are reset and new ones refused, through a real proxy in front of it. It heals by itself after two minutes.',
    do: ['Press “Switch redis-sessions off and call”.', 'You see “session-1 answered 503”.', 'You see “resource-1 answered 200”.'],
    buttons: { 'Switch redis-sessions off and call': breakAnd('off') },
    explain: (seen) => told(seen, 2) && `${told(seen, 2)} 503 is the honest answer: 401 would tell a good caller to log in again.`,
  }, {
    title: 'Hung',
    say: 'Worse than off: it takes connections and says nothing. Who waits, and how long?',
    do: ['Press “Let redis-sessions hang and call”.', 'You see “session-1 answered 503”.', 'You see “resource-1 answered 200”.'],
    buttons: { 'Let redis-sessions hang and call': breakAnd('hung') },
    explain: (seen) => told(seen, 3) && `${told(seen, 3)} A deadline of 200 ms bounds the wait; after a few failures a circuit answers at once without trying.`,
  }, {
    title: 'Heal',
    say: 'The store is back with everything in it.',
    do: ['Press “Heal and call”.', 'Wait until you see “session-1 answered 200”.', 'You see “resource-1 answered 200”.'],
    buttons: {
      'Heal and call': async (act, seen) => {
        const have = await credentials(act, seen);
        await setFault(STORE, 'none');
        await untilWell(act, have);
      },
    },
    explain: (seen) => seen.step(4).some((one) => one.server === 'session-1' && one.status === 200) && 'Nobody had to log in again: the sessions were never gone, only out of reach.',
  }, {
    title: 'Emptied',
    say: 'And if the store forgets everything? Redis without a disk that restarts is like that.',
    do: ['Press “Empty redis-sessions and call”.', 'You see “session-1 answered 401”.', 'You see “resource-1 answered 200”.'],
    buttons: { 'Empty redis-sessions and call': breakAnd('emptied') },
    explain: (seen) => told(seen, 5) && `${told(seen, 5)} Now 401 is right: the session is gone, and everybody logs in again. The token does not notice.`,
  }],
  point: 'A session is as available as its store: off or hung means 503 for everybody, forgotten means 401 for everybody. A plain JWT never asks, so it never notices.',
  next: ['In the free bench, make the store slow and watch the lanes.', 'Break redis-auth instead: who needs that one, and when?'],
};

/** Call until the session side answers again, a bounded number of times: its circuit tries again after a moment. */
async function untilWell(act, have) {
  for (let tries = 0; tries < 20; tries += 1) {
    const [session] = await callBoth(act, have);
    if (session.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
