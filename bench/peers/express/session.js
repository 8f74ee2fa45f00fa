// Express with express-session and its sessions in Redis (connect-redis), as their READMEs have it.
'use strict'
const express = require('express')
const session = require('express-session')
const { RedisStore } = require('connect-redis')
const { createClient } = require('redis')
const { application, describe, serve } = require('./application')

const THIRTY_MINUTES_MS = 30 * 60 * 1000
const client = createClient({ url: process.env.REDIS_URL })

const app = application()
app.use(
  session({
    name: 'session',
    store: new RedisStore({ client }),
    secret: process.env.SESSION_SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', maxAge: THIRTY_MINUTES_MS }
  })
)

app.post('/login', express.json(), (request, response, next) => {
  const { username, password } = request.body
  if (password !== process.env.LOGIN_PASSWORD) return response.sendStatus(401)
  request.session.regenerate((error) => {
    if (error) return next(error)
    request.session.user = {
      sub: username,
      name: username.toUpperCase(),
      roles: ['user'],
      scope: 'orders:read orders:write',
      issued_at: Date.now() / 1000
    }
    response.json({})
  })
})

app.post('/logout', (request, response, next) => {
  request.session.destroy((error) => (error ? next(error) : response.sendStatus(204)))
})

app.get('/me', (request, response) => {
  const user = request.session.user
  if (!user) return response.status(401).json({ error: 'unauthorized' })
  response.json(describe(user, user.issued_at))
})

client.connect().then(() => serve(app))
