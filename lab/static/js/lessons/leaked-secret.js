import { bearerHeader, leak } from '../act.js';
import { h } from '../dom.js';
import { base64url, fromBase64url, signHs256 } from '../jwt.js';
import { dataTable } from '../views/figure.js';
import { shortened } from '../format.js';
import { world } from '../world.js';
import { tokens } from './kit.js';

const SERVERS = ['resource-1', 'resource-2', 'resource-3'];

/** Claims like those of a real token, but for root. */
const asRoot = (claims, now) => ({ ...claims, sub: 'root', name: 'Root', roles: ['admin', 'user'], jti: `forged-${now}`, sid: undefined, iat: now, exp: now + 120 });

export default {
  title: 'A leaked secret',
  question: 'Somebody breaks into one resource server. What can they do with what they find there?',
  predict: {
    ask: 'A thief has the key that resource-1 verifies tokens with (HS256). What can the thief do?',
    options: ['Read tokens, nothing more', 'Make tokens for anybody, at every server of this API', 'Make tokens that only resource-1 accepts'],
    right: 1,
  },
  steps: [{
    title: 'The leak',
    say: 'This is the file that every resource server reads its key from.',
    do: ['Press “Leak the secret”.', 'You see “HS256”.'],
    buttons: { 'Leak the secret': () => leak() },
    alwaysExplain: true,
    before: () => (world.servers.length && !world.canLeak ? h('p', { class: 'note' }, 'This lab was not told where the resource servers keep their keys.') : null),
    view: () =>
      world.leak &&
      dataTable({ caption: world.leak.file, head: ['Key', 'Algorithm', 'Secret'], rows: world.leak.keys.keys.map((key) => [h('code', null, shortened(key.kid)), key.alg, h('code', null, key.k)]) }),
    explain: () => world.leak && 'With HS256 the key that checks a token is the key that makes it. Verifying and minting are the same power.',
  }, {
    title: 'Become root',
    say: 'The page signs a token for root with that key, without asking anybody, and shows it to all three servers.',
    do: ['Press “Sign a token for root and use it”.', 'You see “resource-1 answered 200”.', 'You see “resource-2 answered 200”.', 'You see “resource-3 answered 200”.'],
    buttons: {
      'Sign a token for root and use it': async (act, seen) => {
        const mine = await tokens(act, seen);
        const { keys } = await leak();
        const now = Math.floor(world.now() / 1000);
        const header = { alg: 'HS256', kid: keys[0].kid, typ: 'at+jwt' };
        const forged = await signHs256(JSON.stringify(header), JSON.stringify(asRoot(mine.claims, now)), fromBase64url(keys[0].k));
        await act.send(SERVERS.map((server) => ({ label: 'forged', server, target: '/admin/audit', headers: bearerHeader(forged) })));
      },
    },
    explain: (seen) => seen.last('forged')?.status === 200 && 'Nobody logged in as root, and three servers showed the audit log. Every check held, because the MAC is right.',
  }, {
    title: 'Public keys',
    say: 'A second auth server signs with a private key (Ed25519). Its resource server, “public”, holds public keys only. Here is all that a thief finds there.',
    needs: ['auth-public', 'public'],
    do: ['Press “Leak the public key and forge”.', 'You see “public answered 401”.'],
    buttons: {
      'Leak the public key and forge': async (act) => {
        const login = await act.login('login-public', 'auth-public');
        const { access_token: honest } = login.json;
        const set = await act.call('jwks', 'auth-public', 'GET', '/.well-known/jwks.json');
        const [key] = set.json.keys;
        const [, payload] = honest.split('.');
        const claims = asRoot(JSON.parse(new TextDecoder().decode(fromBase64url(payload))), Math.floor(world.now() / 1000));
        const header = { alg: key.alg ?? 'Ed25519', kid: key.kid, typ: 'at+jwt' };
        const guess = crypto.getRandomValues(new Uint8Array(64));
        const unsigned = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}.${base64url(guess)}`;
        const confused = await signHs256(JSON.stringify({ ...header, alg: 'HS256' }), JSON.stringify(claims), fromBase64url(key.x));
        await act.send([
          { label: 'honest', server: 'public', headers: bearerHeader(honest) },
          { label: 'guessed', server: 'public', target: '/admin/audit', headers: bearerHeader(unsigned) },
          { label: 'confused', server: 'public', target: '/admin/audit', headers: bearerHeader(confused) },
        ]);
      },
    },
    explain: (seen) => {
      const [guessed, confused] = [seen.last('guessed'), seen.last('confused')];
      return guessed && confused && `A made-up signature fails at “${guessed.refusedBy}”; the public key used as an HMAC secret fails at “${confused.refusedBy}”. What verifies cannot sign, so this leak is worth nothing.`;
    },
  }],
  point: 'With a shared secret every verifier can mint. One key per audience keeps the damage to one API; public keys keep it to nothing, for a slower signature check.',
  next: ['Open the honest message of step 3 and compare its checks with those of step 2: “signature” instead of “mac”.', 'Rotate the key (lesson 12): how long does the forged token live on?'],
};
