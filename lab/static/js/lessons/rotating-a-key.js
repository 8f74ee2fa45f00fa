import { bearerHeader, stopWatch } from '../act.js';
import { h } from '../dom.js';
import { clock, plural, shortened, sum } from '../format.js';
import { decode } from '../jwt.js';
import { dataTable } from '../views/figure.js';
import { watcher } from '../views/watcher.js';
import { world } from '../world.js';
import { tokens } from './kit.js';

const SERVERS = ['resource-1', 'resource-2', 'resource-3'];
const LOOK_EVERY_MS = 500;
const LOOKS = 60;

const admin = async (act, seen) => {
  if (!seen.tokens('login-root')) await act.login('login-root', 'auth', 'root');
  return seen.tokens('login-root').access;
};
const keys = (seen) => seen.last('keys', (one) => one.status === 200)?.json ?? [];
const kid = (token) => (token ? decode(token).header.kid : null);

function keyTable(seen) {
  const some = keys(seen);
  if (!some.length) return null;
  return dataTable({
    caption: 'Keys, as the auth server tells',
    head: ['Key', 'State', 'Signs from', 'Goes in'],
    rows: some.map((key) => [h('code', null, shortened(key.kid)), key.state, key.signs_from > world.now() / 1000 ? `in ${clock(key.signs_from - world.now() / 1000)}` : 'now or before', key.retires_at ? clock(key.retires_at - world.now() / 1000) : 'stays']),
  });
}

const refused = (watch) => sum(watch.servers.flatMap((one) => Object.entries(one.by_status).map(([status, count]) => (status === '200' ? 0 : count))));
const asked = (watch) => sum(watch.servers.flatMap((one) => Object.values(one.by_status)));

export default {
  title: 'Rotating a key',
  question: 'How do you change the key under everybody’s feet without one refused request?',
  predict: {
    ask: 'The signing key is replaced while callers keep asking with tokens of the old one. How many requests are refused?',
    options: ['Those with old tokens, until their owners log in again', 'A few, in the moment of the change', 'None'],
    right: 2,
  },
  steps: [{
    title: 'The old key',
    say: 'alice logs in; her token names the key that signed it.',
    do: ['Press “Log in and look at the keys”.', 'You see “signing”.'],
    buttons: {
      'Log in and look at the keys': async (act, seen) => {
        await act.login('login-token', 'auth');
        await act.bearer('keys', 'auth', await admin(act, seen), '/admin/keys');
      },
    },
    view: (seen) => keyTable(seen),
    explain: (seen) => seen.tokens() && `Her token was signed with the key ${shortened(kid(seen.tokens().access))}.`,
  }, {
    title: 'Rotate',
    say: 'Three servers are asked all the time with alice’s old token, while root rotates the key.',
    do: ['Press “Rotate while everybody keeps asking”.', 'You see “published”.', 'Wait until you see “The new key signs”.', 'You see “0 refused”.'],
    buttons: {
      'Rotate while everybody keeps asking': async (act, seen, state) => {
        const { access } = await tokens(act, seen);
        const root = await admin(act, seen);
        state.fresh = null;
        await act.watch(SERVERS, bearerHeader(access), { untilRefused: false });
        const rotation = await act.bearer('rotate', 'auth', root, '/admin/keys/rotate', 'POST');
        const fresh = rotation.json?.kid;
        for (let look = 0; look < LOOKS; look += 1) {
          await act.bearer('keys', 'auth', root, '/admin/keys');
          if (keys(seen).some((key) => key.kid === fresh && key.state === 'signing')) break;
          await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
        }
        state.fresh = fresh;
      },
    },
    lanes: false,
    view: (seen, page) => [keyTable(seen), watcher(seen.watch(page.at), null, 0)],
    explain: (seen, page) => {
      const watch = seen.watch(2);
      const signs = keys(seen).find((key) => key.kid === page.state.fresh)?.state === 'signing';
      if (!watch) return null;
      return `${signs ? 'The new key signs. ' : 'Published first, so that every verifier has it before it signs. '}${plural(asked(watch), 'request')} with the old token so far, ${refused(watch)} refused.`;
    },
  }, {
    title: 'The new key',
    say: 'alice logs in again. Both of her tokens are shown to all three servers.',
    do: ['Press “Log in again and use both tokens”.', 'You see “resource-1 answered 200”.', 'You see “resource-3 answered 200”.'],
    buttons: {
      'Log in again and use both tokens': async (act, seen) => {
        await stopWatch();
        const old = (await tokens(act, seen)).access;
        await act.login('login-again', 'auth');
        const fresh = seen.tokens('login-again').access;
        await act.send(SERVERS.flatMap((server) => [{ label: 'old key', server, headers: bearerHeader(old) }, { label: 'new key', server, headers: bearerHeader(fresh) }]));
      },
    },
    explain: (seen) => {
      const [old, fresh] = [kid(seen.tokens()?.access), kid(seen.tokens('login-again')?.access)];
      return old && fresh && `The old token names ${shortened(old)}, the new one ${shortened(fresh)}. The old key goes when the last token that it signed has expired.`;
    },
  }],
  point: 'The order is everything: publish, wait until every verifier has it, sign, wait until the last old token is gone, retire.',
  next: ['In a terminal: authlab keys list', 'Retire the old key at once (authlab keys retire): now old tokens are refused, and that is the emergency brake.'],
};
