// All lessons in their order. A new one is a file beside this and a line below.

import whoAreYou from './who-are-you.js';
import oneToken from './one-token.js';
import secondServer from './second-server.js';
import insideAToken from './inside-a-token.js';
import tampering from './tampering.js';
import loggingOut from './logging-out.js';
import revocation from './revocation.js';
import killTheStore from './kill-the-store.js';
import killTheAuthServer from './kill-the-auth-server.js';
import stolenRefresh from './stolen-refresh.js';
import leakedSecret from './leaked-secret.js';
import rotatingAKey from './rotating-a-key.js';
import staleClaims from './stale-claims.js';
import distance from './distance.js';
import whichOne from './which-one.js';

export const LESSONS = [
  whoAreYou, oneToken, secondServer, insideAToken, tampering, loggingOut, revocation, killTheStore, killTheAuthServer, stolenRefresh,
  leakedSecret, rotatingAKey, staleClaims, distance, whichOne,
].map((lesson, at) => ({ ...lesson, number: at + 1 }));
