"""Every arm there is: what is measured, under which name. A new arm is one entry here, or in a file that adds to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from bench.ground import Ground
from bench.servers import bare_server, resource_server, session_server
from bench.without import CHOICES
from lab.processes import ServerProcess
from resource_server.strategies import STRATEGIES as TOKEN_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES

Credential = Literal["none", "HS256", "Ed25519", "ES256", "RS256", "opaque", "session"]
"""What a caller of the arm carries: nothing, a token signed in this way, an opaque token, or a session cookie."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One thing to measure: how to start its server, what to ask it, and with which credential."""

    name: str
    start: Callable[[Ground, str, Mapping[str, str]], ServerProcess]
    """From the ground, a name for the process and further settings."""
    credential: Credential = "none"
    strategy: str | None = None
    path: str = "/me"
    token_cache: bool | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    asks_the_auth_server: bool = False
    """Whether each request costs the auth server something, too; its CPU time is charged to the arm."""

    def launch(self, ground: Ground, name: str = "", environment: Mapping[str, str] | None = None) -> ServerProcess:
        """Start a server of this arm; further settings override its own."""
        return self.start(ground, name or self.name, {**self.environment, **(environment or {})})


def _control(name: str) -> Arm:
    return Arm(name, resource_server, path="/unguarded", environment={"RESOURCE_STRATEGY": "plain-jwt"})


def _token_arm(strategy: str, *, credential: Credential = "HS256", cached: bool | None = True) -> Arm:
    parts = [strategy] + ([credential.lower()] if credential not in {"HS256", "opaque"} else [])
    environment = {"RESOURCE_STRATEGY": strategy}
    if cached is False:
        parts.append("uncached")
        environment |= {"RESOURCE_TOKEN_CACHE": "0"}
    return Arm(
        "-".join(parts),
        partial(resource_server, algorithm="HS256" if credential == "opaque" else credential),
        credential=credential,
        strategy=strategy,
        token_cache=cached,
        environment=environment,
        asks_the_auth_server=credential == "opaque",
    )


def _session_arm(strategy: str) -> Arm:
    return Arm(
        strategy,
        session_server,
        credential="session",
        strategy=strategy,
        environment={"SESSION_STRATEGY": strategy},
    )


def _token_arms(strategy: str) -> Iterable[Arm]:
    if strategy == "introspected-token":
        yield _token_arm(strategy, credential="opaque", cached=None)
        return
    for cached in (True, False):
        yield _token_arm(strategy, cached=cached)


def _key_arms() -> Iterable[Arm]:
    kinds: tuple[Credential, ...] = ("Ed25519", "ES256", "RS256")
    for kind in kinds:
        for cached in (True, False):
            yield _token_arm("plain-jwt", credential=kind, cached=cached)


CONTROL = _control("control")
CONTROL_AGAIN = _control("control-again")
BARE = Arm("bare", bare_server, path="/unguarded")

ARMS: tuple[Arm, ...] = (
    BARE,
    CONTROL,
    CONTROL_AGAIN,
    *(arm for strategy in TOKEN_STRATEGIES for arm in _token_arms(strategy)),
    *_key_arms(),
    *(_session_arm(strategy) for strategy in SESSION_STRATEGIES),
)

CHOICE_ARMS: tuple[Arm, ...] = tuple(
    Arm(
        f"control-{choice}",
        partial(resource_server, program="bench.without"),
        path="/unguarded",
        environment={"RESOURCE_STRATEGY": "plain-jwt", "BENCH_CHOICE": choice},
    )
    for choice in CHOICES
)
"""The control with one choice for the whole process made otherwise: `python -m bench choices`."""


def choose_arms(names: Iterable[str], among: Iterable[Arm] = ARMS) -> tuple[Arm, ...]:
    """Return the arms named, in our order, always with the control and its twin; raise KeyError for an unknown name."""
    known = {arm.name: arm for arm in among}
    wanted = {*names} or {*known}
    for name in wanted:
        if name not in known:
            raise KeyError(f"there is no arm {name!r}; there are {', '.join(known)}")
    return tuple(arm for arm in known.values() if arm.name in wanted | {CONTROL.name, CONTROL_AGAIN.name})
