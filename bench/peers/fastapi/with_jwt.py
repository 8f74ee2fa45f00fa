"""FastAPI with PyJWT, as its documentation has it."""

import base64
import os
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer

from bench.peers.fastapi.me import Me, from_claims

SECRET = base64.urlsafe_b64decode(os.environ["JWT_SECRET"] + "==")
ISSUER, AUDIENCE = os.environ["JWT_ISSUER"], os.environ["JWT_AUDIENCE"]

app = FastAPI(openapi_url=None)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


async def current_claims(token: Annotated[str, Depends(oauth2_scheme)]) -> dict[str, Any]:
    """Return what the token says; refuse it with 401."""
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE)
    except jwt.InvalidTokenError as error:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"}) from error


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    """Answer the question that every server is asked before it is measured."""
    return {"status": "ready"}


@app.get("/me")
async def me(claims: Annotated[dict[str, Any], Depends(current_claims)]) -> Me:
    """Answer about the caller."""
    return from_claims(claims)
