// What the three Fastify applications share: the settings of a production service, and the body of /me with its schema.
'use strict'
const fastify = require('fastify')

const me = {
  type: 'object',
  properties: {
    sub: { type: 'string' },
    name: { type: 'string' },
    roles: { type: 'array', items: { type: 'string' } },
    scope: { type: 'string' },
    server: { type: 'string' },
    strategy: { type: 'string' },
    issued_at: { type: 'number' }
  }
}

exports.schema = { response: { 200: me } }

exports.application = () => {
  const app = fastify({ logger: false })
  app.get('/readyz', async () => ({ status: 'ready' }))
  return app
}

exports.describe = (user, issuedAt) => ({
  sub: user.sub,
  name: user.name,
  roles: user.roles,
  scope: user.scope,
  server: process.env.NAME,
  strategy: process.env.STRATEGY,
  issued_at: issuedAt
})

exports.serve = (app) => app.listen({ host: process.env.HOST, port: Number(process.env.PORT) })
