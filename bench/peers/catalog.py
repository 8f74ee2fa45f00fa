"""Every peer: what it is made of, how it is started, and which application is the same without authentication."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bench.arms import BARE, Credential

Runtime = Literal["Node.js", "Python"]


@dataclass(frozen=True, slots=True)
class Peer:
    """One application. Its arguments are those of `node` or of the peers' own Python, but for {host} and {port}."""

    name: str
    made_of: str
    runtime: Runtime
    arguments: tuple[str, ...]
    control: str | None = None
    """The arm that is the same application without authentication; None: this is one."""
    credential: Credential = "none"
    environment: Mapping[str, str] = field(default_factory=dict)
    forks: bool = False
    """Whether it serves from processes that it starts itself."""


def _uvicorn(module: str) -> tuple[str, ...]:
    options = "--loop uvloop --http httptools --no-access-log --log-level warning --host {host} --port {port}"
    return ("-m", "uvicorn", f"bench.peers.fastapi.{module}:app", *options.split())


def _gunicorn(module: str) -> tuple[str, ...]:
    # Threads, because its plain workers close each connection; one process, because there is one core.
    options = "--worker-class gthread --workers 1 --threads 4 --keep-alive 75 --log-level warning --bind {host}:{port}"
    return ("-m", "gunicorn", f"bench.peers.flask.{module}:app", *options.split())


PEERS: tuple[Peer, ...] = (
    Peer("peer-fastify", "Fastify", "Node.js", ("fastify/bare.js",)),
    Peer("peer-express", "Express", "Node.js", ("express/bare.js",)),
    Peer("peer-fastapi", "FastAPI, uvicorn", "Python", _uvicorn("bare")),
    Peer("peer-flask", "Flask, gunicorn", "Python", _gunicorn("bare"), forks=True),
    Peer(
        "peer-fastify-jwt-cached", "Fastify, @fastify/jwt with its cache", "Node.js", ("fastify/jwt.js",),
        control="peer-fastify", credential="HS256", environment={"JWT_CACHE": "10000"},
    ),
    Peer(
        "peer-fastify-jwt", "Fastify, @fastify/jwt", "Node.js", ("fastify/jwt.js",),
        control="peer-fastify", credential="HS256",
    ),
    Peer(
        "peer-express-jwt-keyobject", "Express, express-jwt, secret as a KeyObject", "Node.js", ("express/jwt.js",),
        control="peer-express", credential="HS256", environment={"JWT_KEY_OBJECT": "1"},
    ),
    Peer(
        "peer-express-jwt", "Express, express-jwt", "Node.js", ("express/jwt.js",),
        control="peer-express", credential="HS256",
    ),
    Peer(
        "peer-fastapi-jwt", "FastAPI, PyJWT", "Python", _uvicorn("with_jwt"),
        control="peer-fastapi", credential="HS256",
    ),
    Peer(
        "peer-flask-jwt", "Flask-JWT-Extended, gunicorn", "Python", _gunicorn("with_jwt"),
        control="peer-flask", credential="HS256", forks=True,
    ),
    Peer(
        "peer-aiohttp-jwt", "aiohttp, jwt.decode in the handler", "Python", ("-m", "bench.peers.aiohttp.with_jwt"),
        control=BARE.name, credential="HS256",
    ),
    Peer(
        "peer-fastify-redis", "Fastify, node-redis GET", "Node.js", ("fastify/redis.js",),
        control="peer-fastify", credential="session",
    ),
    Peer(
        "peer-express-session", "Express, express-session, connect-redis", "Node.js", ("express/session.js",),
        control="peer-express", credential="session",
    ),
    Peer(
        "peer-fastapi-redis", "FastAPI, redis-py GET", "Python", _uvicorn("with_redis"),
        control="peer-fastapi", credential="session",
    ),
    Peer(
        "peer-aiohttp-redis", "aiohttp, redis-py GET", "Python", ("-m", "bench.peers.aiohttp.with_redis"),
        control=BARE.name, credential="session",
    ),
    Peer(
        "peer-aiohttp-session", "aiohttp-session, Redis storage", "Python", ("-m", "bench.peers.aiohttp.with_session"),
        control=BARE.name, credential="session",
    ),
)  # fmt: skip
"""Controls first, then tokens, then sessions."""

BY_NAME: Mapping[str, Peer] = {peer.name: peer for peer in PEERS}
