// What the three Express applications share: the settings of a production service, and the body of /me.
'use strict'
const express = require('express')

exports.application = () => {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag') // answers about a caller are not cached; the hash would only be counted against Express
  app.get('/readyz', (request, response) => response.json({ status: 'ready' }))
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

exports.serve = (app) => {
  app.use((error, request, response, next) => response.status(error.status || 500).json({ error: error.message }))
  app.listen(Number(process.env.PORT), process.env.HOST)
}
