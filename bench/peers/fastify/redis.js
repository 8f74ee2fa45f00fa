// Fastify with sessions kept by hand: an identifier in a cookie, the session in Redis, one GET per request.
'use strict'
const { randomBytes } = require('node:crypto')
const { createClient } = require('redis')
const { application, describe, schema, serve } = require('./application')

const THIRTY_MINUTES_S = 30 * 60
const client = createClient({ url: process.env.REDIS_URL })

const app = application()
app.register(require('@fastify/cookie'))
app.decorateRequest('user', null)

async function authenticate(request, reply) {
  const id = request.cookies.session
  const found = id && (await client.get(`session:${id}`))
  if (!found) return reply.code(401).send({ error: 'unauthorized' })
  request.user = JSON.parse(found)
}

app.post('/login', async (request, reply) => {
  const { username, password } = request.body
  if (password !== process.env.LOGIN_PASSWORD) return reply.code(401).send({ error: 'unauthorized' })
  const id = randomBytes(32).toString('base64url')
  const user = {
    sub: username,
    name: username.toUpperCase(),
    roles: ['user'],
    scope: 'orders:read orders:write',
    issued_at: Date.now() / 1000
  }
  await client.set(`session:${id}`, JSON.stringify(user), { EX: THIRTY_MINUTES_S })
  reply.setCookie('session', id, { httpOnly: true, sameSite: 'lax', path: '/' })
  return {}
})

app.post('/logout', { onRequest: authenticate }, async (request, reply) => {
  await client.del(`session:${request.cookies.session}`)
  return reply.code(204).send()
})

app.get('/me', { schema, onRequest: authenticate }, async (request) =>
  describe(request.user, request.user.issued_at)
)

client.connect().then(() => serve(app))
