"""aiohttp with `jwt.decode` in the handler."""

import base64
import os

import jwt
from aiohttp import web

from bench.peers.aiohttp.serving import describe, serve

SECRET = base64.urlsafe_b64decode(os.environ["JWT_SECRET"] + "==")
ISSUER, AUDIENCE = os.environ["JWT_ISSUER"], os.environ["JWT_AUDIENCE"]


async def me(request: web.Request) -> web.Response:
    """Answer about the caller."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        raise web.HTTPUnauthorized
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE)
    except jwt.InvalidTokenError as error:
        raise web.HTTPUnauthorized from error
    return describe(claims, claims["iat"])


if __name__ == "__main__":
    app = web.Application()
    app.router.add_get("/me", me)
    serve(app)
