"""Find the master through Sentinel, and leave a master that is one no longer.

redis-py asks one sentinel after the other, so that a single one that hangs costs every new connection its deadline;
and what is connected stays with the old master for as long as that one talks: ten seconds after an orderly failover,
until the sentinels have made a replica of it. Here all sentinels are asked at once and the newest word counts; a
connection is used only after the server itself has said that it is a master; and twice a second whatever is connected
elsewhere is closed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit
from weakref import WeakSet

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.sentinel import SentinelConnectionPool, SentinelManagedConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from core.background import running_beside
from core.logs import audit
from core.settings import SENTINEL_SCHEME

Address = tuple[str, int]
Told = TypeVar("Told")
_DEFAULT_PORT = 26379
_ANSWER_S = 0.15
_PATIENCE_S = 0.02
"""How long to wait for the other sentinels once most have answered: the one that knows more may be among them."""
_WATCH_EVERY_S = 0.5
_ASKING = ("socket_timeout", "socket_connect_timeout", "retry", "driver_info")


def is_sentinel(url: str) -> bool:
    """Tell whether a URL names sentinels: `redis+sentinel://[user:password@]h:p,h:p/0?master=name`."""
    return url.startswith(f"{SENTINEL_SCHEME}://")


_FOLLOWING = {b"flags": b"slave", b"role-reported": b"slave", b"master-link-status": b"ok"}


class Word(NamedTuple):
    """What one sentinel says; of two words that of the later epoch holds."""

    epoch: int
    address: Address


class Sentinels:
    """The sentinels that know where one master is."""

    def __init__(self, addresses: Sequence[Address], master: str, **options: Any) -> None:
        self._clients = [Redis(host=host, port=port, protocol=2, **options) for host, port in addresses]
        self._master = master
        self._newest: Word | None = None

    async def discover_master(self, _service_name: str = "") -> Address:
        """Return where the master is, by the newest word of all sentinels that answer in time, and never an older one.

        For two seconds after a failover most sentinels have not heard of it, and the one that led it may be slow.
        Raises redis-py's `ConnectionError` when none of them knows. (redis-py calls it, by this name.)
        """
        words = await self._ask_all(self._where)
        if not words:
            raise RedisConnectionError("no sentinel knows a master that is up")
        if self._newest is not None:
            words.append(self._newest)
        self._newest = max(words, key=lambda word: word.epoch)
        return self._newest.address

    async def know_of_a_follower(self) -> bool:
        """Tell whether any sentinel takes a replica for up and following."""
        return any(await self._ask_all(self._is_followed))

    async def _where(self, client: Redis) -> Word | None:
        pipeline = client.pipeline(transaction=False)
        pipeline.execute_command("SENTINEL MASTER", self._master)
        pipeline.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", self._master)
        state, (host, port) = await pipeline.execute()
        is_down = state["is_sdown"] or state["is_odown"]
        return None if is_down else Word(int(state["config-epoch"]), (host.decode(), int(port)))

    async def _is_followed(self, client: Redis) -> bool:
        replicas: Any = await client.execute_command("SENTINEL REPLICAS", self._master)  # type: ignore[no-untyped-call] # redis-py leaves it untyped
        states = [dict(zip(flat[::2], flat[1::2], strict=True)) for flat in replicas]
        return any(_FOLLOWING.items() <= state.items() for state in states)

    async def _ask_all(self, ask: Callable[[Redis], Awaitable[Told | None]]) -> list[Told]:
        """Return what the sentinels answer in time; one that is away, or has nothing to tell, is passed over."""
        loop = asyncio.get_running_loop()
        waiting = {asyncio.ensure_future(_asked(ask, client)) for client in self._clients}
        told: list[Told] = []
        until = loop.time() + _ANSWER_S
        try:
            while waiting and (left_s := until - loop.time()) > 0:
                answered, waiting = await asyncio.wait(waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                told += [answer for task in answered if (answer := task.result()) is not None]
                if len(told) > len(self._clients) // 2:
                    until = min(until, loop.time() + _PATIENCE_S)
        finally:
            for task in waiting:
                task.cancel()
        return told

    async def aclose(self) -> None:
        """Close the connections to all of them."""
        for client in self._clients:
            await client.aclose()


async def _asked(ask: Callable[[Redis], Awaitable[Told | None]], client: Redis) -> Told | None:
    try:
        return await ask(client)
    except (RedisError, OSError):
        return None


class MasterConnection(SentinelManagedConnection):
    """A connection to a server that says itself that it is the master."""

    async def connect_to(self, address: Address) -> None:
        """Connect; raise redis-py's `ConnectionError` for what turns out to be a replica."""
        await super().connect_to(address)  # type: ignore[no-untyped-call] # redis-py leaves it untyped
        await self.send_command("ROLE")
        role = await self.read_response()
        if role[0] not in {b"master", "master"}:
            await self.disconnect(nowait=True)
            raise RedisConnectionError("the sentinels named a replica")
        self.connection_pool.opened.add(self)


class MasterPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the master, wherever it is; waits, briefly, for a free one."""

    def __init__(self, master: str, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(master, sentinels, connection_class=MasterConnection, **options)  # type: ignore[no-untyped-call] # redis-py leaves it untyped
        self.opened: WeakSet[MasterConnection] = WeakSet()
        """Also those that were made for another use and are in no list of the pool."""

    async def follow(self) -> bool:
        """Close every connection that does not lead to the master; tell whether there was one. Raises redis-py's."""
        master = await self.sentinel_manager.discover_master()
        strays = [one for one in self.opened if one.is_connected and (one.host, one.port) != master]
        for stray in strays:
            await stray.disconnect(nowait=True)
        if strays:
            audit.warning("redis.master_moved", address=f"{master[0]}:{master[1]}", connections_closed=len(strays))
        return bool(strays)

    async def stands_alone(self) -> bool:
        """Tell whether this is the master, and no replica is there that could have what it has.

        For up to a second a replica that Sentinel has just made the master follows nobody, and no sentinel knows yet.
        """
        return not await self.follow() and not await self.sentinel_manager.know_of_a_follower()


@asynccontextmanager
async def open_master_pool(url: str, options: dict[str, Any]) -> AsyncIterator[MasterPool]:
    """Open a pool of connections to the master that the sentinels in `url` watch, and follow it when it moves."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    addresses = [_address(host) for host in hosts.split(",")]
    master = parse_qs(parts.query).get("master", ["mymaster"])[0]
    sentinels = Sentinels(addresses, master, **{name: options[name] for name in _ASKING})
    login = {"username": unquote(username) or None, "password": unquote(password) or None}
    pool = MasterPool(master, sentinels, db=int(parts.path.strip("/") or 0), **login, **options)
    try:
        async with running_beside(_watch(pool)):
            yield pool
    finally:
        await sentinels.aclose()


def _address(text: str) -> Address:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or _DEFAULT_PORT


async def _watch(pool: MasterPool) -> None:
    """Close what leads to an old master, for ever. While no sentinel answers, what is connected stays."""
    while True:
        await asyncio.sleep(_WATCH_EVERY_S)
        with suppress(RedisError, OSError):
            await pool.follow()
