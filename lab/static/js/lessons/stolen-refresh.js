import { refreshRequest } from '../act.js';
import { h } from '../dom.js';
import { world } from '../world.js';
import { tokens } from './kit.js';

const GRACE_MS = 10000;
const MARGIN_MS = 600;

const stolen = async (act, seen) => (await tokens(act, seen)).refresh;
const firstUse = (seen) => {
  const login = seen.last('login-token', (one) => one.status === 200);
  return seen.all.find((one) => (one.label === 'refresh-client' || one.label === 'tab-1') && one.status === 200 && one.at > (login?.at ?? 0));
};
const leftMs = (seen) => {
  const used = firstUse(seen);
  return used ? Math.max(0, used.at + used.ms + GRACE_MS + MARGIN_MS - world.now()) : null;
};

export default {
  title: 'A stolen refresh token',
  question: 'Two hold the same refresh token. Who gets the next access token?',
  predict: {
    ask: 'A thief uses a refresh token that its owner used a minute ago. What happens?',
    options: ['The thief gets a new access token', 'The thief is refused; the owner notices nothing', 'Both are out: the whole family of tokens ends'],
    right: 2,
  },
  steps: [{
    title: 'Log in',
    say: 'alice’s client gets an access token for minutes and a refresh token for weeks. A thief copies the refresh token from a backup.',
    do: ['Press “Log in”.', 'You see “auth answered 200”.'],
    buttons: { 'Log in': (act) => act.login('login-token', 'auth') },
    explain: () => 'A refresh token is opaque and used once. The server stores only its hash, so the thief had to find it at the client.',
  }, {
    title: 'Two tabs at once',
    say: 'First something innocent: two tabs of the same client refresh in the same moment.',
    do: ['Press “Refresh in two tabs at once”.', 'You see “the same refresh token: yes”.'],
    buttons: {
      'Refresh in two tabs at once': async (act, seen) => {
        const token = await stolen(act, seen);
        await act.send([refreshRequest('tab-1', token), refreshRequest('tab-2', token)], { together: true });
      },
    },
    explain: (seen) => {
      const [one, other] = [seen.last('tab-1')?.json, seen.last('tab-2')?.json];
      return one && other && `Both got an answer, and the same refresh token: ${one.refresh_token && one.refresh_token === other.refresh_token ? 'yes' : 'no'}. A lost answer or a second tab must not log anybody out, so a retry within 10 s gets the same successor.`;
    },
  }, {
    title: 'The thief',
    say: 'After 10 seconds nobody retries any more. Whoever comes now with the old token can only hold a copy.',
    do: ['Wait until you see “the old token is dead”.', 'Press “Refresh as the thief”.', 'You see “auth answered 400”.'],
    before: (seen) => {
      const left = leftMs(seen);
      const words = left === null ? 'The refresh token was not used yet: step 2 uses it.' : left > 0 ? `${Math.ceil(left / 1000)} s left in which a retry is taken for one.` : 'The time for retries is over: the old token is dead.';
      return h('p', { class: 'status', 'data-key': 'grace', 'data-ticks': left ? 'yes' : null }, words);
    },
    buttons: {
      'Refresh as the thief': async (act, seen) => {
        await act.send([refreshRequest('thief', await stolen(act, seen))]);
      },
    },
    explain: (seen) => {
      const theft = seen.last('thief');
      if (theft?.status === 200) return 'That was within 10 s of its use, so it was taken for a retry. Wait until the time is over and try again.';
      return theft && `${theft.json?.error}: the thief is refused, and the reuse gave the theft away.`;
    },
  }, {
    title: 'And alice?',
    say: 'alice’s client uses the refresh token that it got in step 2, which nobody else has.',
    do: ['Press “Refresh as alice”.', 'You see “auth answered 400”.'],
    buttons: {
      'Refresh as alice': async (act, seen) => {
        const mine = seen.last('tab-1', (one) => one.status === 200)?.json.refresh_token ?? (await stolen(act, seen));
        await act.send([refreshRequest('alice', mine)]);
      },
    },
    explain: (seen) => seen.last('alice')?.status === 400 && 'alice is out, too: the server cannot tell the thief from alice, so it ends the family. alice logs in again; the thief cannot.',
  }],
  point: 'Rotation turns theft into an alarm: a token that is used twice ends the family. Nobody can tell the thief from the owner, so both are out, and only one of them has a password.',
  next: ['Show the access token of step 1 to a resource server: it still works until it expires.', 'Open a refresh and count the store commands: rotation is one atomic call.'],
};
