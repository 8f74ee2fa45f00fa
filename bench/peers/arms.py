"""The peers as arms: set up beside ours on the same ground, and given the same tokens and the same store."""

import json
import secrets
from collections.abc import Mapping
from functools import partial

from bench.accounts import PASSWORD
from bench.arms import ARMS, Arm, choose_arms
from bench.ground import AUDIENCE, Ground
from bench.peers.catalog import PEERS, Peer
from lab.processes import ServerProcess

ISSUER = "http://127.0.0.1:8471"  # what AUTH_ISSUER is by default, and so on every ground
OURS = (
    "bare", "control", "control-again", "plain-jwt", "plain-jwt-uncached", "pushed-jwt", "denylisted-jwt",
    "redis-session", "tracked-session",
)  # fmt: skip
"""Those of our arms that stand beside the peers."""


def peer_server(ground: Ground, name: str, environment: Mapping[str, str], *, peer: Peer) -> ServerProcess:
    """Start a peer on a ground."""
    settings = {
        "PEER": peer.name,
        "CORES": ",".join(map(str, ground.placement.servers)),
        "STRATEGY": "redis-session" if peer.credential == "session" else "plain-jwt",
        "JWT_SECRET": shared_secret(ground),
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "REDIS_URL": ground.store_urls["sessions"],
        "SESSION_SECRET": secrets.token_urlsafe(32),
        "LOGIN_PASSWORD": PASSWORD,
    }
    return ground.server(name, "bench.peers.launch", {**settings, **peer.environment, **environment})


def shared_secret(ground: Ground) -> str:
    """Return the secret that our resource servers verify with, as base64url text."""
    key_set = json.loads(ground.secret_file.read_text(encoding="utf-8"))
    return str(key_set["keys"][0]["k"])


def arm_of(peer: Peer) -> Arm:
    """Return a peer as an arm. It has no strategy of ours, and so no promise that it would be held to."""
    path = "/me" if peer.control else "/unguarded"
    return Arm(peer.name, partial(peer_server, peer=peer), credential=peer.credential, path=path)


PEER_ARMS: tuple[Arm, ...] = tuple(map(arm_of, PEERS))
OUR_ARMS: tuple[Arm, ...] = tuple(arm for arm in ARMS if arm.name in OURS)


def with_their_controls(names: tuple[str, ...]) -> tuple[str, ...]:
    """Add the control of each peer named, without which its margin could not be told."""
    controls = [peer.control for peer in PEERS if peer.name in names and peer.control]
    return (*names, *controls)


def choose(names: tuple[str, ...], peers: tuple[Arm, ...] = PEER_ARMS) -> tuple[Arm, ...]:
    """Return our arms and the peers named, all where none is; raise KeyError for an unknown name."""
    return choose_arms(with_their_controls(names), (*OUR_ARMS, *peers))
