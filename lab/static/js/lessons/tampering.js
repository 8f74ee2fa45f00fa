import { h } from '../dom.js';
import { PRESETS, TamperBench, outcome } from '../views/tamper.js';
import { dataTable, badge } from '../views/figure.js';
import { verdict } from '../format.js';
import { world } from '../world.js';
import { openMessage } from '../views/message.js';
import { tokens } from './kit.js';

const bench = (state, page) => (state.bench ??= new TamperBench([page.lesson, page.at], page.repaint));

const preset = (title, name, say, check, more = {}) => ({
  title,
  say,
  do: ['Press “Put a token on the bench”.', `Choose “${name}” under “Preset”.`, 'Press “Send”.', `You see “${check}”.`],
  buttons: {
    'Put a token on the bench': async (act, seen, state) => {
      const { access } = await tokens(act, seen);
      await state.bench.take(access);
    },
  },
  view: (_seen, page) => bench(page.state, page).draw(),
  lanes: false,
  ...more,
});

export default {
  title: 'Tampering',
  question: 'What if alice writes “admin” into her own token?',
  predict: {
    ask: 'alice decodes her token, changes her roles to admin, encodes it again and sends it. What does a resource server answer?',
    options: ['200: it is well-formed', '401: the MAC does not fit these bytes', '403: alice is no admin'],
    right: 1,
  },
  steps: [
    preset('Change it', 'roles changed to admin', 'Four things, each by itself: decode, edit, sign, send. Nothing but the sending involves a server.', 'resource-1 refused it at the check: mac', {
      explain: (seen) => seen.last('tampered roles changed to admin') && 'The MAC covers every byte of header and payload. Whoever cannot compute it cannot change one.',
    }),
    preset('Ask for no signature', 'alg none', 'The header says how a token is signed. What if it says “not at all”?', 'resource-1 refused it at the check:', {
      explain: (seen) => seen.last('tampered alg none') && 'The server knows which algorithm its key is for and never lets the token choose.',
    }),
    preset('Sign it rightly, say wrong things', 'expired', 'With the real secret (lesson 11 is about how one gets it) the MAC fits, and the later checks get their turn.', 'resource-1 refused it at the check: time', {
      explain: (seen) => seen.last('tampered expired') && 'A right signature is not enough: issuer, audience and times are checked behind it, in this order.',
    }),
    {
      title: 'All of them',
      say: 'Every preset in turn, each sent for real.',
      do: ['Press “Send every preset”.', 'You see “audience”.', 'You see “13 tokens were sent”.'],
      buttons: {
        'Send every preset': async (act, seen, state) => {
          const { access } = await tokens(act, seen);
          const one = new TamperBench([5, 4], () => {});
          await one.take(access);
          const requests = [];
          for (const name of Object.keys(PRESETS)) {
            await one.apply(name);
            requests.push({ label: `tampered ${name}`, server: one.server, headers: [['Authorization', `Bearer ${one.signed}`]] });
          }
          await act.send(requests);
          state.sent = true;
        },
      },
      lanes: false,
      view: (seen) => allPresets(seen.step(4).filter((one) => one.label.startsWith('tampered '))),
      explain: (seen) => {
        const some = seen.step(4).filter((one) => one.label.startsWith('tampered '));
        const bodies = new Set(some.filter((one) => one.status === 401).map((one) => one.answer.body)).size;
        return some.length > 0 && `${some.length} tokens were sent; ${some.filter((one) => one.status === 200).length} was accepted, the untouched one. To a forger all refusals look alike: ${bodies} different answer(s) to all of them.`;
      },
    },
  ],
  point: 'A forger learns only that it did not work. Which check it was, the server’s log knows, and this lab may ask.',
  next: ['Put half a token, or one in quotes, on the bench: it still decodes.', 'Sign with “a public key used as secret” where the servers of “authlab up --all” run.'],
};

function allPresets(some) {
  if (!some.length) return null;
  return h(
    'div',
    { class: 'figure', 'data-key': 'presets' },
    dataTable({
      caption: 'Every preset and the check that decided',
      head: ['Preset', 'Answer', 'Decided by'],
      rows: some.map((one) => [one.label.replace('tampered ', ''), h('button', { class: 'cell', on: { click: () => openMessage(one) } }, badge(verdict(one.status))), one.refusedBy ?? (one.status === 200 ? 'all checks held' : outcome(one))]),
    }),
    world.server('public') ? null : h('p', { class: 'note' }, 'No server here holds public keys, so that preset was signed as far as it goes.'),
  );
}
