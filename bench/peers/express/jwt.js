// Express with express-jwt, as its README has it.
'use strict'
const { createSecretKey } = require('node:crypto')
const { expressjwt } = require('express-jwt')
const { application, describe, serve } = require('./application')

const bytes = Buffer.from(process.env.JWT_SECRET, 'base64url')
// The README passes the secret itself; jsonwebtoken then tries to read it as a public key for each request. A key object
// spares it that, for those who know.
const secret = process.env.JWT_KEY_OBJECT ? createSecretKey(bytes) : bytes
const authenticated = expressjwt({
  secret,
  algorithms: ['HS256'],
  issuer: process.env.JWT_ISSUER,
  audience: process.env.JWT_AUDIENCE
})

const app = application()
app.get('/me', authenticated, (request, response) => response.json(describe(request.auth, request.auth.iat)))
serve(app)
