import { h } from '../dom.js';
import { shortened } from '../format.js';
import { tokenTables } from '../views/message.js';
import { FIRST, credentials, loginBoth, tokens } from './kit.js';

export default {
  title: 'What is inside a token',
  question: 'Signed, not encrypted: who can read it, and who can make it?',
  predict: {
    ask: 'Who can read the name and the roles inside your token?',
    options: ['Only the auth server', 'Only servers that hold the key', 'Anyone who gets hold of the token'],
    right: 2,
  },
  steps: [{
    title: 'Get both',
    say: 'A token and a session id, for the same alice.',
    do: ['Press “Log in on both sides”.', 'You see “session-1 answered 200”.', 'You see “auth answered 200”.'],
    buttons: { 'Log in on both sides': (act) => loginBoth(act) },
    explain: (seen) => seen.session() && seen.tokens() && `The session id is ${shortened(seen.session().cookie.split('=')[1])}: random bits, and nothing else. The token is ${seen.tokens().access.length} characters of text.`,
  }, {
    title: 'Read it',
    say: 'This page has no key. It only turns base64url back into text.',
    do: ['Press “Decode the token here”.', 'You see “subject: who it speaks about”.', 'You see “"alice"”.'],
    buttons: {
      'Decode the token here': async (act, seen, state) => {
        state.token = (await tokens(act, seen)).access;
      },
    },
    alwaysExplain: true,
    view: (_seen, { state }) => state.token && h('div', { class: 'figure', 'data-key': 'inside' }, tokenTables(state.token)),
    explain: (_seen, { state }) => state.token && 'No key was needed and no server was asked: a token is signed, not encrypted. Whatever is in it, its bearer can read.',
  }, {
    title: 'Weigh it',
    say: 'What is carried is carried with every request.',
    do: ['Press “Send the same request with each”.', 'You see “session-1 answered 200”.', 'You see “resource-1 answered 200”.'],
    buttons: {
      'Send the same request with each': async (act, seen) => {
        const { session, token } = await credentials(act, seen);
        await act.send([
          { label: 'weigh-session', server: FIRST.session, headers: [['Cookie', session.cookie]] },
          { label: 'weigh-token', server: FIRST.token, headers: [['Authorization', `Bearer ${token.access}`]] },
        ]);
      },
    },
    explain: (seen) => {
      const [session, token] = [seen.last('weigh-session'), seen.last('weigh-token')];
      return session && token && `The request is ${session.request.bytes} bytes with the cookie and ${token.request.bytes} bytes with the token.`;
    },
  }],
  point: 'A JWT is signed, not encrypted: anyone can read it, only a holder of the key can make one. Put nothing in it that its bearer may not read, and nothing that you do not want to send each time.',
  next: ['Run “authlab explain” with a token in a terminal: it shows the exact bytes that are signed.', 'In lesson 5, change what you have just read.'],
};
