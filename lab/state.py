"""What a running lab leaves in its directory: who runs where, logs, secrets, the client's credential."""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

DIRECTORY_VARIABLE = "AUTHLAB_DIR"
_DEFAULT_DIRECTORY = ".authlab"


@dataclass(frozen=True, slots=True)
class ServerState:
    """One server that was started."""

    name: str
    url: str
    strategy: str | None
    pid: int


@dataclass(frozen=True, slots=True)
class RedisState:
    """One Redis in use; without a pid it is not ours."""

    name: str
    url: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class LabState:
    """The lab that runs."""

    supervisor_pid: int
    everything: bool
    servers: list[ServerState] = field(default_factory=list)
    redis: list[RedisState] = field(default_factory=list)
    fault_proxies: dict[str, int] = field(default_factory=dict)
    """The control port of each fault proxy, by what stands behind it."""

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """Read what `asdict` wrote."""
        servers = [ServerState(**server) for server in data["servers"]]
        redis = [RedisState(**one) for one in data["redis"]]
        return cls(data["supervisor_pid"], data["everything"], servers, redis, data.get("fault_proxies", {}))


class LabDirectory:
    """The directory of one lab, for its owner's eyes only.

    Whether a lab runs is told by a lock that its supervisor holds and the kernel gives back however it ends; so a state
    file that a crash left behind is recognised.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = (path or Path(os.environ.get(DIRECTORY_VARIABLE) or _DEFAULT_DIRECTORY)).resolve()

    @property
    def logs(self) -> Path:
        """Where a detached lab's servers write."""
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        """Where the secrets are."""
        return self.path / "secrets"

    @property
    def credential(self) -> Path:
        """What `authlab login` got."""
        return self.path / "credential.json"

    @property
    def _state(self) -> Path:
        return self.path / "state.json"

    def create(self) -> None:
        """Make the directory, or take the one that is there; nobody else can look into it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)
        for inner in (self.logs, self.secrets):
            inner.mkdir(mode=0o700, exist_ok=True)

    def lock(self) -> int | None:
        """Take the lock for as long as this process lives; return its descriptor, None when a lab runs already."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def is_locked(self) -> bool:
        """Tell whether a lab's supervisor lives."""
        if not (self.path / "lock").exists():
            return False
        descriptor = self.lock()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def running(self) -> LabState | None:
        """Return the lab that runs; None when none does or it is just starting."""
        return self.recorded() if self.is_locked() else None

    def recorded(self) -> LabState | None:
        """Return what the state file says, also when its lab has crashed."""
        try:
            return LabState.from_data(json.loads(self._state.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def record(self, state: LabState) -> None:
        """Write the state file; readers see the old one or the new one, never half of it."""
        self.write_private(self._state, json.dumps(asdict(state), indent=2))

    def forget(self) -> None:
        """Remove the state file."""
        with suppress(FileNotFoundError):
            self._state.unlink()

    @staticmethod
    def write_private(path: Path, text: str) -> None:
        """Replace a file as a whole, readable by its owner only."""
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
