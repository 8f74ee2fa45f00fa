import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import uvloop

from core.accepting import Door
from core.service import listen

WAITING = 50


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Return a socket on which many wait to be let in."""
    with listen("127.0.0.1", 0) as listening, ExitStack() as clients:
        for _ in range(WAITING):
            clients.enter_context(socket.create_connection(listening.getsockname()))
        yield listening


class Guest(asyncio.Protocol):
    """Is let in."""

    def __init__(self, let_in: list["Guest"]) -> None:
        self._let_in = let_in

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._let_in.append(self)
        transport.close()


async def turns_until_all_are_in(listening: socket.socket) -> int:
    let_in: list[Guest] = []
    door, turns = Door(listening, lambda: Guest(let_in)), 0
    while len(let_in) < WAITING:
        await asyncio.sleep(0)
        turns += 1
    door.close()
    return turns


@pytest.mark.parametrize("run", [uvloop.run, asyncio.run])
def test_whoever_waits_is_let_in_within_a_few_turns_of_the_loop(run: object, listening: socket.socket) -> None:
    """One in each turn, as uvloop has it, would make newcomers wait for as many turns as there are others."""
    assert callable(run)
    assert run(turns_until_all_are_in(listening)) < WAITING / 5


def test_a_closed_door_lets_nobody_in(listening: socket.socket) -> None:
    async def knock() -> None:
        address = listening.getsockname()
        Door(listening, asyncio.Protocol).close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, *address)

    uvloop.run(knock())
