"""Reads from Redis, as cheap as they get: what arrives in one tick of the event loop leaves as one command.

redis-py does the handshake (authentication, TLS, Sentinel) and then hands over the bytes: its own path costs more CPU
per GET than all the rest of a request. The rules are those of `redis_link`: a deadline for every caller, no retry,
the same circuit, and every failure is `Unavailable`.
"""

import asyncio
from collections import deque
from time import perf_counter
from typing import Any

import hiredis
from redis.exceptions import RedisError

from core.circuit import Circuit
from core.errors import Unavailable
from core.redis_link import DEADLINE_S, RedisLink, retry_after_s
from core.timing import LOOKUPS_S

Values = list[bytes | None]
_MAX_KEYS_PER_COMMAND = 256


class _Flight:
    """One command under way: its keys, and who waits for which of them."""

    __slots__ = ("boarded_s", "keys", "passengers")

    def __init__(self, boarded_s: float) -> None:
        self.boarded_s = boarded_s
        self.keys: dict[str, int] = {}
        self.passengers: list[tuple[tuple[str, ...], asyncio.Future[Values]]] = []

    def board(self, keys: tuple[str, ...], answer: "asyncio.Future[Values]") -> None:
        """Take a caller along; a key that somebody else wants too is asked once."""
        for key in keys:
            self.keys.setdefault(key, len(self.keys))
        self.passengers.append((keys, answer))

    def command(self) -> bytes:
        """Return the bytes of the command."""
        name = b"GET" if len(self.keys) == 1 else b"MGET"
        packed: bytes = hiredis.pack_command((name, *self.keys))  # type: ignore[arg-type] # its stub knows commands of one word only
        return packed

    def land(self, reply: Any) -> bool:
        """Hand everybody their own values, but those who were cancelled; False if it cannot be the reply to this."""
        values = reply if isinstance(reply, list) else [reply]
        if len(values) != len(self.keys):
            return False
        for keys, answer in self.passengers:
            if not answer.done():
                answer.set_result([values[self.keys[key]] for key in keys])
        return True

    def fail(self) -> None:
        """Tell everybody that there is no answer; each gets an exception of its own, with its own traceback."""
        for _, answer in self.passengers:
            if not answer.done():
                answer.set_exception(Unavailable("redis", retry_after_s=retry_after_s()))


class _ReadProtocol(asyncio.Protocol):
    """Replies come in the order of the commands; anything unexpected ends the connection and everything on it."""

    def __init__(self, transport: asyncio.Transport, circuit: Circuit, deadline_s: float) -> None:
        self._transport = transport
        self._circuit = circuit
        self._deadline_s = deadline_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._flights: deque[_Flight] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self.is_lost = False

    def send(self, flight: _Flight) -> None:
        """Write one command."""
        self._flights.append(flight)
        self._transport.write(flight.command())
        if self._watch is None:
            self._watch = self._loop.call_at(flight.boarded_s + self._deadline_s, self._check_oldest)

    def _check_oldest(self) -> None:
        """At a deadline: if the oldest command has no reply, neither it nor the connection is waited for any longer."""
        self._watch = None
        if not self._flights:
            return
        deadline = self._flights[0].boarded_s + self._deadline_s
        if self._loop.time() >= deadline:
            self.lose()
        else:
            self._watch = self._loop.call_at(deadline, self._check_oldest)

    def data_received(self, data: bytes) -> None:
        """Match replies with commands."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                if isinstance(reply, hiredis.ReplyError) or not self._flights or not self._flights[0].land(reply):
                    self.lose()
                    return
                self._flights.popleft()
                self._circuit.succeeded()
        except hiredis.ProtocolError:
            self.lose()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way."""
        _ = exc
        self.lose()

    def lose(self) -> None:
        """Give the connection up: a reply that comes too late must never meet the wrong command."""
        if self.is_lost:
            return
        self.is_lost = True
        if self._watch is not None:
            self._watch.cancel()
        self._transport.abort()
        flights, self._flights = self._flights, deque()
        for flight in flights:
            flight.fail()
        if flights:
            self._circuit.failed()


class CoalescedReads:
    """Read string values from Redis. Identical keys are asked once; every caller gets its own answer or `Unavailable`.

    One caller's cancellation harms no other: callers wait on futures of their own, never on the command.
    """

    def __init__(self, link: RedisLink, *, deadline_s: float = DEADLINE_S) -> None:
        self._link = link
        self._deadline_s = deadline_s
        self._boarding: _Flight | None = None
        self._connection: _ReadProtocol | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._handshake: Any = None
        link.when_closing(self.close)

    async def get(self, key: str) -> bytes | None:
        """Return the value of one key, None where there is none; raise `Unavailable` when no answer comes in time."""
        return (await self.get_many(key))[0]

    async def get_many(self, *keys: str) -> Values:
        """Return the values of several keys, as they stood at one moment; raise as `get` does."""
        lookups_s = LOOKUPS_S.get()
        if lookups_s is None:
            return await self._board(keys)
        started = perf_counter()
        try:
            return await self._board(keys)
        finally:
            lookups_s.append(perf_counter() - started)

    def _board(self, keys: tuple[str, ...]) -> "asyncio.Future[Values]":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Values] = loop.create_future()
        flight = self._boarding
        if flight is None or len(flight.keys) >= _MAX_KEYS_PER_COMMAND:
            flight = self._boarding = _Flight(loop.time())
            loop.call_soon(self._take_off, flight)
        flight.board(keys, answer)
        return answer

    def _take_off(self, flight: _Flight) -> None:
        if self._boarding is flight:
            self._boarding = None
        if not self._link.circuit.admits():
            flight.fail()
        elif self._connection is not None and not self._connection.is_lost:
            self._connection.send(flight)
        else:
            self._connect_for(flight)

    def _connect_for(self, flight: _Flight) -> None:
        """Send a flight as soon as there is a connection; they all wait for the same one."""
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        self._connecting.add_done_callback(lambda _: self._connected(flight))

    def _connected(self, flight: _Flight) -> None:
        self._connecting = None
        if self._connection is None or self._connection.is_lost:
            flight.fail()
        else:
            self._connection.send(flight)

    async def _connect(self) -> None:
        """Let redis-py connect and authenticate, then take over its transport."""
        self._forget_handshake()
        handshake = self._link.client.connection_pool.make_connection()  # type: ignore[no-untyped-call] # redis-py leaves it untyped
        try:
            async with asyncio.timeout(self._deadline_s):
                await handshake.connect()
        except (RedisError, OSError, TimeoutError):
            self._link.circuit.failed()
            await handshake.disconnect(nowait=True)
            return
        transport = handshake._writer.transport  # noqa: SLF001 - redis-py has no public way to hand a connection over
        self._handshake = handshake
        self._connection = _ReadProtocol(transport, self._link.circuit, self._deadline_s)
        transport.set_protocol(self._connection)

    def _forget_handshake(self) -> None:
        if self._handshake is not None:
            self._handshake._close()  # noqa: SLF001 - else it would warn that it was never closed
            self._handshake = None

    def close(self) -> None:
        """Close the connection; whoever still waits is told that there is no answer."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.lose()
        self._forget_handshake()
