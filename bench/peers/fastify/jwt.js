// Fastify with @fastify/jwt, with its cache of verified tokens or without it.
'use strict'
const { application, describe, schema, serve } = require('./application')

const app = application()
app.register(require('@fastify/jwt'), {
  secret: Buffer.from(process.env.JWT_SECRET, 'base64url'),
  verify: {
    algorithms: ['HS256'],
    allowedIss: process.env.JWT_ISSUER,
    allowedAud: process.env.JWT_AUDIENCE,
    cache: Number(process.env.JWT_CACHE) || false
  }
})
app.after(() => {
  app.get('/me', { schema, onRequest: (request) => request.jwtVerify() }, async (request) =>
    describe(request.user, request.user.iat)
  )
})
serve(app)
