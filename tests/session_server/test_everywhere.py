"""Ending every session is a cut-off in time: no login that began before it survives, every later one works (SES-08)."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from core import redis_keys
from core.accounts import Account
from session_server.session import new_session, new_session_id
from session_server.session_api import STATE
from session_server.strategies.memory_session import MemorySessions
from tests.session_server.visitor import log_in, status_of
from tests.support.clock import Clock
from tests.support.servers import Server

ALICE = Account("alice", "Alice", "", ("user",), ())
_RACING = 50


async def _cutoff_s(server: Server, redis: Redis) -> float:
    sessions = server.app[STATE].sessions
    if isinstance(sessions, MemorySessions):
        return sessions._cutoffs["alice"]
    cutoff_ms = await redis.get(redis_keys.session_cutoff("alice"))
    assert cutoff_ms is not None
    return int(cutoff_ms) / 1000


async def test_no_login_that_began_before_survives_and_later_ones_work(server: Server, redis: Redis) -> None:
    for _ in range(3):
        leaver = await log_in(server)

        racing = [asyncio.create_task(log_in(server)) for _ in range(_RACING)]
        await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
        done_before = [task for task in racing if task.done()]
        answer = await server.insist("POST", "/logout-everywhere", **leaver.proofs)
        assert 204 == answer.status
        cutoff_s = await _cutoff_s(server, redis)
        visitors = await asyncio.gather(*racing)
        for task in done_before:
            assert 401 == await status_of(server, task.result())
        for visitor in (leaver, *visitors):
            if 200 == await status_of(server, visitor):
                assert (await server.insist("GET", "/me", cookie=visitor.cookie)).json["issued_at"] > cutoff_s
        assert 200 == await status_of(server, await log_in(server))


async def test_a_login_overtaken_by_the_end_of_all_is_refused_by_the_store(server: Server) -> None:
    sessions = server.app[STATE].sessions
    began_at = await sessions.now()
    await asyncio.sleep(0.002)
    await sessions.end_all("alice")
    session = new_session(ALICE, began_at=began_at, user_agent="")
    id_hash = redis_keys.hashed(new_session_id())
    assert not await sessions.create(id_hash, session, replaces=None)
    assert [] == await sessions.all_of("alice")
    others = new_session(replace(ALICE, username="bob"), began_at=began_at, user_agent="")
    assert await sessions.create(redis_keys.hashed(new_session_id()), others, replaces=None), "it is alice's cut-off"
    await asyncio.sleep(0.002)
    later = new_session(ALICE, began_at=await sessions.now(), user_agent="")
    assert await sessions.create(id_hash, later, replaces=None)


@given(st.floats(1_700_000_000, 4_000_000_000))
def test_a_session_never_claims_to_have_begun_later_than_it_did(began_at: float) -> None:
    """Cut-offs are compared in milliseconds; rounded up, a login of half a millisecond earlier would survive one."""
    session = new_session(ALICE, began_at=began_at, user_agent="")
    assert began_at - 0.0011 < session.created_at <= began_at


@pytest.mark.parametrize("strategy", ["memory-session"], indirect=True)
async def test_a_login_of_the_same_millisecond_does_not_survive(server: Server) -> None:
    sessions = server.app[STATE].sessions
    assert isinstance(sessions, MemorySessions)
    sessions._clock = clock = Clock(1_800_000_000.0006)
    session = new_session(ALICE, began_at=await sessions.now(), user_agent="")
    clock.move(0.0003)
    await sessions.end_all("alice")
    assert not await sessions.create(redis_keys.hashed(new_session_id()), session, replaces=None)
