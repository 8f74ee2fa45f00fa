"""Count the commands that Redis executes, as Redis counts them itself (`INFO commandstats`)."""

from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from redis import Redis

_TRIES = 7
_OURS = "info"


def _total(counted: Counter[str]) -> int:
    return counted.total()


class StoreCommands:
    """The stores of a lab, whose command counts can be read."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._stores = [Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) for url in dict.fromkeys(urls)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for store in self._stores:
            store.close()

    def during(self, act: Callable[[], object]) -> dict[str, int]:
        """Return the commands executed while `act` ran, by name.

        Servers have heartbeats, about one a second, that fall into the count by chance. Chance only ever adds, so `act`
        is run a few times and the fewest are reported.
        """
        counts: list[Counter[str]] = [self._once(act) for _ in range(_TRIES)]
        fewest = min(counts, key=_total)
        return dict(fewest)

    def _once(self, act: Callable[[], object]) -> Counter[str]:
        before = self._calls()
        act()
        return self._calls() - before

    def _calls(self) -> Counter[str]:
        calls: Counter[str] = Counter()
        for store in self._stores:
            stats: Any = store.info("commandstats")
            calls.update({name.removeprefix("cmdstat_"): one["calls"] for name, one in stats.items()})
        del calls[_OURS]
        return calls
