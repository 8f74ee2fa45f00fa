// Take tokens apart and put them together, in the open. A JWT is signed, not encrypted: reading needs no key.

const text = new TextDecoder('utf-8', { fatal: true });
const utf8 = new TextEncoder();

export function base64url(data) {
  const raw = typeof data === 'string' ? utf8.encode(data) : new Uint8Array(data);
  return btoa(String.fromCharCode(...raw)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Decode as far as it goes; throws for what is not base64url at all. */
export function fromBase64url(part) {
  const clean = part.replaceAll('=', '');
  const whole = clean.length % 4 === 1 ? clean.slice(0, -1) : clean;
  return Uint8Array.from(atob(whole.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
}

/** What can be read of a text that may be a token, quoted, partial or broken. It never throws. */
export function decode(given) {
  const token = String(given ?? '').replace(/["'`\s]+/g, ' ').replace(/^ ?(authorization: )?bearer /i, '').replaceAll(' ', '');
  const [head, payload, signature] = token.split('.');
  const parts = [part('header', head), part('payload', payload)];
  return {
    token,
    header: parts[0].members ?? {},
    claims: parts[1].members ?? {},
    parts,
    signature: signature ?? null,
    problems: [
      ...parts.filter((one) => one.problem).map((one) => `${one.name}: ${one.problem}`),
      ...(token.split('.').length === 3 ? [] : [`three parts are needed, here ${token.split('.').length === 1 ? 'is one' : `are ${token.split('.').length}`}`]),
      ...(signature === '' ? ['the signature is empty'] : []),
    ],
  };
}

function part(name, written) {
  if (!written) return { name, problem: 'missing' };
  try {
    const json = text.decode(fromBase64url(written));
    const members = JSON.parse(json);
    return typeof members === 'object' && members ? { name, json, members } : { name, json, problem: 'not a JSON object' };
  } catch {
    return { name, json: readable(written), problem: 'cannot be read to its end' };
  }
}

function readable(written) {
  try {
    return new TextDecoder().decode(fromBase64url(written));
  } catch {
    return null;
  }
}

/** Sign with HMAC-SHA256; `secret` is bytes. */
export async function signHs256(header, claims, secret) {
  const input = `${base64url(header)}.${base64url(claims)}`;
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return `${input}.${base64url(await crypto.subtle.sign('HMAC', key, utf8.encode(input)))}`;
}

export const bytesOf = (secret) => utf8.encode(secret);

const MEANINGS = {
  alg: 'how it is signed; a verifier already knows what it takes and is never told by the token',
  typ: 'what kind of token this is; at+jwt is an access token (RFC 9068)',
  kid: 'which key signed it: a name to look up among keys already trusted',
  iss: 'issuer: who made it',
  sub: 'subject: who it speaks about',
  aud: 'audience: which API it is meant for',
  exp: 'expiry: not accepted from this moment on',
  nbf: 'not before this moment',
  iat: 'issued at',
  jti: 'its own number; what a denylist keeps',
  client_id: 'the application it was given to',
  scope: 'what it allows',
  sid: 'the login it belongs to; what a logout ends',
  name: 'a name to show',
  roles: 'roles when it was made: a later change does not reach it',
};
const TIMES = new Set(['exp', 'nbf', 'iat']);

/** What a header member or claim means, a time also as a time of day. */
export function meaning(name, value) {
  const said = MEANINGS[name] ?? 'means what its issuer says';
  if (!TIMES.has(name) || typeof value !== 'number') return said;
  return `${said} (${new Date(value * 1000).toLocaleTimeString([], { hour12: false })})`;
}
