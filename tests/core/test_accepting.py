import asyncio
import contextlib
import os
import resource
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


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """Let this process have hardly more descriptors than it has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = os.dup(0)
    os.close(highest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 16, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_whoever_finds_no_descriptor_left_is_turned_away(listening: socket.socket, few_descriptors: None) -> None:
    """F-23: they are not left waiting, and the loop does not spin."""
    _ = few_descriptors
    with socket.create_connection(listening.getsockname(), timeout=5) as newcomer:
        assert b"" == uvloop.run(turned_away(listening, newcomer))


async def turned_away(listening: socket.socket, newcomer: socket.socket) -> bytes:
    """Take every descriptor, and return what a newcomer hears."""
    loop, let_in = asyncio.get_running_loop(), list[Guest]()
    newcomer.settimeout(0)
    door, held = Door(listening, lambda: Guest(let_in)), list[int]()
    with contextlib.suppress(OSError):
        while True:
            held.append(os.dup(0))
    heard = await asyncio.wait_for(loop.sock_recv(newcomer, 1), 5)
    assert [] == let_in
    for descriptor in held:
        os.close(descriptor)
    door.close()
    return heard
