"""One batch, set up: a fresh server for every arm, everybody logged in, every request ready to be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bench.accounts import caller_name
from bench.arms import Arm
from bench.callers import Caller, log_in_to_auth, log_in_to_sessions
from bench.cpu import family_of
from bench.generator.corpus import Corpus, prepare_request
from bench.ground import Ground
from lab.processes import LOOPBACK, ServerProcess

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Staged:
    """An arm that is ready to be measured."""

    arm: Arm
    addresses: tuple[Address, ...]
    corpus: Path
    callers: tuple[Caller, ...]
    server_pids: tuple[int, ...]
    auth_pids: tuple[int, ...] = ()
    """Processes of the auth server, where each request costs it something, too."""

    def with_callers(self, callers: int) -> "Staged":
        """Return the same arm with its first callers only."""
        corpus = self.corpus.with_name(f"{self.corpus.stem}-{callers}.json")
        Corpus(Corpus.read(self.corpus).requests[:callers]).write(corpus)
        return replace(self, corpus=corpus, callers=self.callers[:callers])


class Stage:
    """Start servers for arms and log everybody in, each system once."""

    def __init__(self, ground: Ground, callers: int | None = None) -> None:
        self.ground = ground
        self._names = [caller_name(number) for number in range(callers or ground.plan.callers)]
        self._tokens = cache(self._log_in_to_auth)

    def set_up(self, arms: Sequence[Arm], environment: Mapping[str, str] | None = None) -> list[Staged]:
        """Start one server per arm, together; return when everybody is logged in everywhere."""
        servers = [(arm, arm.launch(self.ground, environment=environment)) for arm in arms]
        self.ground.place([server for _, server in servers])
        return [self.stage(arm, [server]) for arm, server in servers]

    def stage(self, arm: Arm, servers: Sequence[ServerProcess]) -> Staged:
        """Get an arm ready whose servers run; those of one arm share their store or their keys."""
        callers = self.log_in(arm, servers[0])
        authority = f"{LOOPBACK}:{servers[0].port}"
        requests = [prepare_request(authority, arm.path, dict(caller.headers), caller.subject) for caller in callers]
        corpus = self.ground.directory / f"corpus-{arm.name}-{servers[0].port}.json"
        Corpus(tuple(requests)).write(corpus)
        auth = self.ground.auth_servers["HS256"].pid if arm.asks_the_auth_server else None
        return Staged(
            arm=arm,
            addresses=tuple((LOOPBACK, server.port) for server in servers),
            corpus=corpus,
            callers=tuple(callers),
            server_pids=tuple(pid for server in servers for pid in family_of(server.pid)),
            auth_pids=family_of(auth) if auth is not None else (),
        )

    def log_in(self, arm: Arm, server: ServerProcess) -> list[Caller]:
        """Return what the callers of an arm carry; token arms with the same kind of token share it."""
        match arm.credential:
            case "none":
                return [Caller.nobody() for _ in self._names]
            case "session":
                return log_in_to_sessions(server.url, self._names)
            case _:
                return self._tokens(arm.credential)

    def _log_in_to_auth(self, credential: str) -> list[Caller]:
        opaque = credential == "opaque"
        return log_in_to_auth(self.ground.auth_url("HS256" if opaque else credential), self._names, opaque=opaque)
