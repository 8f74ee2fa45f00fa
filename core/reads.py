"""Reads from Redis, as cheap as they get: what arrives in one tick of the event loop leaves as one command.

redis-py does the handshake (authentication, TLS, Sentinel) and then hands over the bytes: its own path costs more CPU
per GET than all the rest of a request. The rules are those of `redis_link`: a deadline for every caller, no retry,
the same circuit, and every failure is `Unavailable`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
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
_Seat = int | list[int] | tuple[int, int]
"""Where a caller's values are: one, several, or one and its life."""


class _Flight:
    """One command under way, or several that belong together: what is asked, and who waits for which replies."""

    __slots__ = ("_replies", "boarded_s", "keys", "lives", "passengers")

    def __init__(self, boarded_s: float) -> None:
        self.boarded_s = boarded_s
        self.keys: dict[str, int] = {}
        self.lives: dict[str, int] = {}
        """Keys of which the remaining life is asked, too."""
        self.passengers: list[tuple[_Seat, asyncio.Future[Any]]] = []
        self._replies: list[Any] = []

    def place(self, key: str) -> int:
        """Return where the value of a key will be; a key that somebody else wants too is asked once."""
        return self.keys.setdefault(key, len(self.keys))

    def place_of_life(self, key: str) -> int:
        """Return where its remaining life will be."""
        return self.lives.setdefault(key, len(self.lives))

    def commands(self) -> bytes:
        """Return the bytes of what is asked. Not in one MULTI: a Redis without room for more queues not even reads."""
        packed = _pack(b"GET" if len(self.keys) == 1 else b"MGET", *self.keys)
        return packed + b"".join([_pack(b"PTTL", key) for key in self.lives]) if self.lives else packed

    def takes(self, reply: Any) -> bool:
        """Take the next reply in; False if it cannot be one to this."""
        if not self._replies:
            if isinstance(reply, list) != (len(self.keys) > 1) or (len(self.keys) > 1 and len(reply) != len(self.keys)):
                return False
        elif type(reply) is not int:
            return False
        self._replies.append(reply)
        return True

    def has_landed(self) -> bool:
        """Hand everybody their own values, but those who were cancelled, once all replies are there; tell whether."""
        values, *lives = self._replies
        if len(lives) < len(self.lives):
            return False
        if len(self.keys) == 1:
            values = [values]
        for seat, answer in self.passengers:
            if answer.done():
                continue
            if isinstance(seat, int):
                answer.set_result(values[seat])
            elif isinstance(seat, list):
                answer.set_result([values[place] for place in seat])
            else:
                answer.set_result((values[seat[0]], lives[seat[1]]))
        return True

    def fail(self) -> None:
        """Tell everybody that there is no answer; each gets an exception of its own, with its own traceback."""
        for _, answer in self.passengers:
            if not answer.done():
                answer.set_exception(Unavailable("redis", retry_after_s=retry_after_s()))


def _pack(*words: bytes | str) -> bytes:
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type] # its stub knows commands of one word only
    return packed


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
        """Write what is asked."""
        self._flights.append(flight)
        self._transport.write(flight.commands())
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
                if isinstance(reply, hiredis.ReplyError) or not self._flights or not self._flights[0].takes(reply):
                    self.lose()
                    return
                if self._flights[0].has_landed():
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

    def get(self, key: str) -> Awaitable[bytes | None]:
        """Return the value of one key, None where there is none; raise `Unavailable` when no answer comes in time."""
        flight = self._flight()
        return self._board(flight, flight.place(key))

    def get_many(self, *keys: str) -> Awaitable[Values]:
        """Return the values of several keys, as they stood at one moment; raise as `get` does."""
        flight = self._flight()
        return self._board(flight, [flight.place(key) for key in keys])

    def get_with_life(self, key: str) -> Awaitable[tuple[bytes | None, int]]:
        """Return a value, and how long it lives in ms: below 0 when it ended meanwhile, or never ends. As `get`."""
        flight = self._flight()
        return self._board(flight, (flight.place(key), flight.place_of_life(key)))

    def _flight(self) -> _Flight:
        """Return the one that takes off at the end of this turn of the loop."""
        flight = self._boarding
        if flight is None or len(flight.keys) >= _MAX_KEYS_PER_COMMAND:
            loop = asyncio.get_running_loop()
            flight = self._boarding = _Flight(loop.time())
            loop.call_soon(self._take_off, flight)
        return flight

    def _board(self, flight: _Flight, seat: _Seat) -> Awaitable[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        flight.passengers.append((seat, answer))
        lookups_s = LOOKUPS_S.get()
        return answer if lookups_s is None else _timed(answer, lookups_s)

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


async def _timed(answer: Awaitable[Any], lookups_s: list[float]) -> Any:
    """Wait for an answer, and add to the list how long that took."""
    started = perf_counter()
    try:
        return await answer
    finally:
        lookups_s.append(perf_counter() - started)
