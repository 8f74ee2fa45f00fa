// Fastify without authentication: the control of the two applications beside it.
'use strict'
const { application, describe, schema, serve } = require('./application')

const guest = { sub: 'guest', name: 'Guest', roles: ['user'], scope: 'orders:read orders:write' }

const app = application()
app.get('/unguarded', { schema }, async () => describe(guest, 1767225600.123))
serve(app)
