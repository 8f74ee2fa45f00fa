"""One slice: one arm under load for a moment, with what it cost by every account that is kept."""

from dataclasses import dataclass
from typing import Literal

from bench.cpu import CpuMeter
from bench.generator.client import Generators
from bench.generator.messages import Outcome
from bench.stage import Staged
from bench.store import StoreAccount, StoreUse

Kind = Literal["closed", "open"]


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice showed. CPU times are totals over the slice."""

    arm: str
    kind: Kind
    outcome: Outcome
    server_cpu_us: float | None
    """None for a server whose account cannot be read: it runs on another machine."""
    auth_cpu_us: float
    store: StoreUse

    @property
    def cpu_us_per_request(self) -> float | None:
        """Server CPU time per answered request, that of an auth server which had to be asked included."""
        if self.server_cpu_us is None:
            return None
        return (self.server_cpu_us + self.auth_cpu_us) / max(1, self.outcome.answered)

    @property
    def answered_rps(self) -> float:
        """Answers per second."""
        return self.outcome.answered / self.outcome.elapsed_s


class Bench:
    """Point the generator at one staged arm after the other and keep the accounts."""

    def __init__(self, generators: Generators, stores: StoreAccount) -> None:
        self._generators = generators
        self._stores = stores

    def prepare(self, staged: Staged, *, connections: int, seed: int, warm_up_s: float) -> None:
        """Connect to an arm and warm it up."""
        self._generators.prepare(
            _lane_group(staged, connections),
            staged.corpus,
            staged.addresses,
            connections=connections,
            seed=seed,
            warm_up_s=warm_up_s,
        )

    def forget(self, staged: Staged, connections: int) -> None:
        """Close the connections to an arm whose servers are about to go."""
        self._generators.forget(_lane_group(staged, connections))

    def closed(self, staged: Staged, *, seed: int, duration_s: float) -> Slice:
        """Measure the arm prepared last under a closed loop."""
        accounts = _Accounts(staged, self._stores)
        outcome = self._generators.closed(seed=seed, duration_s=duration_s)
        return accounts.close("closed", outcome)

    def open(self, staged: Staged, *, seed: int, duration_s: float, rate: float, timeout_s: float = 2.0) -> Slice:
        """Measure the arm prepared last under an open loop."""
        accounts = _Accounts(staged, self._stores)
        outcome = self._generators.open(seed=seed, duration_s=duration_s, rate=rate, timeout_s=timeout_s)
        return accounts.close("open", outcome)


class _Accounts:
    def __init__(self, staged: Staged, stores: StoreAccount) -> None:
        self._staged = staged
        self._stores = stores
        self._store_before = stores.read()
        self._auth = CpuMeter(staged.auth_pids)
        self._server = CpuMeter(staged.server_pids)

    def close(self, kind: Kind, outcome: Outcome) -> Slice:
        server_ns, auth_ns = self._server.used_ns(), self._auth.used_ns()
        return Slice(
            arm=self._staged.arm.name,
            kind=kind,
            outcome=outcome,
            server_cpu_us=server_ns / 1000 if self._staged.server_pids else None,
            auth_cpu_us=auth_ns / 1000,
            store=self._stores.read().since(self._store_before),
        )


def _lane_group(staged: Staged, connections: int) -> str:
    return f"{staged.corpus.stem}:{connections}"
