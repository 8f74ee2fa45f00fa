import { FIRST, credentials, loginBoth } from './kit.js';

export default {
  title: 'Who are you?',
  question: 'What has to travel before a server believes that you are alice?',
  predict: {
    ask: 'A request arrives that carries no credential at all. What do both sides answer?',
    options: ['200, with an empty name', '401: they do not know who is asking', '403: they know, and it is not allowed'],
    right: 1,
  },
  steps: [{
    title: 'Ask as nobody',
    say: 'The same question goes to a server of each side, and nothing goes with it.',
    do: ['Press “Ask without a credential”.', 'You see “session-1 answered 401”.', 'You see “resource-1 answered 401”.'],
    buttons: { 'Ask without a credential': (act) => act.send([{ label: 'nobody-session', server: FIRST.session }, { label: 'nobody-token', server: FIRST.token }]) },
    explain: (seen) => `401 means “I do not know who you are”. The token side also says what it wants: ${seen.last('nobody-token')?.header('www-authenticate') ?? ''}.`,
  }, {
    title: 'Log in',
    say: 'User name and password go to one server on each side, once. What comes back is the credential.',
    do: ['Press “Log in on both sides”.', 'You see “session-1 answered 200”.', 'You see “auth answered 200”.'],
    buttons: { 'Log in on both sides': (act) => loginBoth(act) },
    explain: (seen) => {
      const [session, token] = [seen.session(), seen.tokens()];
      return session && token && `A cookie of ${session.cookie.length} bytes names a place where “alice” is written down; a token of ${token.access.length} bytes says “alice” itself, signed. Open a message to read both.`;
    },
  }, {
    title: 'Call',
    say: 'Now the credential goes along, and the password never again. The browser adds the cookie by itself; the page adds the token.',
    do: ['Press “Call /me on both sides”.', 'You see “session-1 answered 200”.', 'You see “resource-1 answered 200”.'],
    buttons: {
      'Call /me on both sides': async (act, seen) => {
        const { token } = await credentials(act, seen);
        await act.cookie('call-session', FIRST.session);
        await act.bearer('call-token', FIRST.token, token.access);
      },
    },
    explain: (seen) => {
      const [session, token] = [seen.last('call-session'), seen.last('call-token')];
      return session && token && `Both answered ${session.json?.name ?? '?'}. To know it, the session side executed ${session.commands} store command(s), the token side ${token.commands}.`;
    },
  }, {
    title: 'May you?',
    say: 'Who you are is one question, what you may do another. alice is no admin.',
    do: ['Press “Ask for the audit log”.', 'You see “session-1 answered 403”.', 'You see “resource-1 answered 403”.'],
    buttons: {
      'Ask for the audit log': async (act, seen) => {
        const { token } = await credentials(act, seen);
        await act.cookie('audit-session', FIRST.session, '/admin/audit');
        await act.bearer('audit-token', FIRST.token, token.access, '/admin/audit');
      },
    },
    explain: () => '401 asks “who are you?”, 403 says “I know, and no”. Authentication and authorization never mix: what authorizes never sees a credential.',
  }],
  point: 'Both sides turn a password into something to carry, and that into a subject. A token says who you are; a cookie only names a place where it is written down.',
  next: ['Open “POST /login” in both lanes and compare what came back.', 'Copy the curl line of a message and run it in a terminal: it is answered the same.'],
};
