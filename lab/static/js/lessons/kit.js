// What several lessons do: log in on both sides, call on both sides, and find out what the browser holds.

export const FIRST = { token: 'resource-1', session: 'session-1' };

/** Log in on both sides with the browser's own requests. */
export async function loginBoth(act, user = 'alice') {
  const session = await act.login('login-session', FIRST.session, user);
  const token = await act.login('login-token', 'auth', user);
  return { session, token };
}

/** Return the credentials of this lesson, logging in on a side that has none yet. */
export async function credentials(act, seen) {
  if (!seen.session()) sure(await act.login('login-session', FIRST.session));
  if (!seen.tokens()) sure(await act.login('login-token', 'auth'));
  return { session: seen.session(), token: seen.tokens() };
}

/** Go on only with a credential. */
function sure(login) {
  if (login.status !== 200) throw new Error(`${login.summary}, so there is no credential to go on with.`);
}

/** Return the tokens of this lesson, logging in first if there are none. */
export async function tokens(act, seen, label = 'login-token', more = {}) {
  if (!seen.tokens(label)) sure(await act.login(label, 'auth', 'alice', more));
  return seen.tokens(label);
}

/** Show one credential on each side to a path. */
export async function callBoth(act, { session, token }, path = '/me') {
  const [one] = await act.send([{ label: 'call-session', server: FIRST.session, target: path, headers: [['Cookie', session.cookie]] }]);
  const other = await act.bearer('call-token', FIRST.token, token.access, path);
  return [one, other];
}
