"""The pushed list of revocations: nothing is missed, nothing comes back, and what cannot be known is not guessed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import time
from typing import Any

import pytest
from redis.asyncio import Redis

from core import redis_keys
from core.access_token import VerifiedToken
from core.background import running_beside
from core.errors import Rejected, Unavailable
from core.redis_link import open_redis
from core.subject import Subject
from lab.processes import RedisProcess
from resource_server.revocation_feed import Marks, RevocationFeed
from tests.auth_server.member import log_in
from tests.support.clock import Clock
from tests.support.patience import until
from tests.support.servers import Server, Servers

NOW_MS = 1_800_000_000_000


def token(sub: str = "alice", jti: str = "j", sid: str | None = "s", issued_at: float = NOW_MS / 1000) -> VerifiedToken:
    subject = Subject("issuer", sub, sub, (), (), issued_at)
    return VerifiedToken(subject, jti, sid, "client", "audience", issued_at, issued_at, issued_at + 300, None)


# --- what one process knows -------------------------------------------------------------------------------------------


def test_a_mark_concerns_what_it_names() -> None:
    marks = Marks()
    marks.add("jti", "j1", NOW_MS, NOW_MS + 1)
    marks.add("sid", "s1", NOW_MS, NOW_MS + 1)
    marks.add("sub", "carol", NOW_MS, NOW_MS + 1)
    assert [True, True, True, False, False] == [
        marks.concern(one)
        for one in (
            token(jti="j1"),
            token(sid="s1"),
            token("carol"),
            token("carol", issued_at=(NOW_MS + 1) / 1000),
            token(sid=None),
        )
    ]


def test_a_mark_of_one_kind_is_no_mark_of_another() -> None:
    marks = Marks()
    for kind in ("jti", "sid"):
        marks.add(kind, "alice", NOW_MS, NOW_MS + 1)
    assert not marks.concern(token("alice"))
    marks.add("sub", "j", NOW_MS, NOW_MS + 1)
    assert not marks.concern(token())


def test_a_later_mark_never_weakens_an_earlier_one() -> None:
    """Entries may come twice and in another order."""
    marks = Marks()
    marks.add("sub", "alice", NOW_MS, NOW_MS + 500_000)
    marks.add("sub", "alice", NOW_MS - 5000, NOW_MS + 100_000)
    assert marks.concern(token(issued_at=NOW_MS / 1000))
    marks.forget_expired(NOW_MS + 400_000)
    assert marks.concern(token(issued_at=NOW_MS / 1000))


def test_a_mark_is_forgotten_when_its_tokens_have_expired_and_clocks_may_disagree() -> None:
    marks = Marks()
    marks.add("jti", "j", NOW_MS, NOW_MS + 1000)
    marks.add("sub", "alice", NOW_MS, NOW_MS + 1000)
    marks.forget_expired(NOW_MS + 1000 + 59_000)
    assert 2 == len(marks)
    marks.forget_expired(NOW_MS + 1000 + 61_000)
    assert 0 == len(marks)
    assert not marks.concern(token())


# --- following the store ----------------------------------------------------------------------------------------------


class Publisher:
    """Writes to the store as the auth server's scripts do, and also in ways that they never would."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self.epoch = f"first:{NOW_MS - 1000}"
        self.sequence = 0

    async def begin(self, epoch: str | None = None) -> None:
        """Begin an epoch."""
        self.epoch = epoch or self.epoch
        await self._client.set(redis_keys.REVOCATION_EPOCH, self.epoch)

    async def mark(self, sid: str, *, sent: bool = True, until_ms: int | None = None) -> None:
        """Write one mark; `sent=False` loses its entry in the stream."""
        until_ms = until_ms if until_ms is not None else round(time() * 1000) + 300_000
        self.sequence += 1
        step = self._client.pipeline(transaction=True)
        step.set(redis_keys.REVOCATION_SEQUENCE, self.sequence)
        step.zadd(redis_keys.REVOCATION_MARKS, {f"sid {NOW_MS} {sid}": until_ms})
        if sent:
            self._append(step, sid, self.sequence, until_ms)
        await step.execute()

    async def send(self, sid: str, sequence: int, until_ms: int) -> None:
        """Append one entry to the stream, whatever its number."""
        step = self._client.pipeline(transaction=True)
        self._append(step, sid, sequence, until_ms)
        await step.execute()

    def _append(self, step: Any, sid: str, sequence: int, until_ms: int) -> None:
        step.xadd(
            redis_keys.REVOCATION_STREAM,
            {
                "epoch": self.epoch,
                "sequence": sequence,
                "kind": "sid",
                "value": sid,
                "at": NOW_MS,
                "until": until_ms,
            },
        )


@pytest.fixture
async def publisher(redis: Redis) -> Publisher:
    publisher = Publisher(redis)
    await publisher.begin()
    return publisher


@asynccontextmanager
async def following(
    url: str, *, max_stale_s: float = 5.0, block_s: float = 0.05, monotonic: Callable[[], float] | None = None
) -> AsyncIterator[RevocationFeed]:
    """Follow a store until the block ends."""
    async with open_redis(url, max_connections=2, deadline_s=block_s + 0.3) as link:
        more = {} if monotonic is None else {"monotonic": monotonic}
        feed = RevocationFeed(link, max_stale_s=max_stale_s, block_s=block_s, clock=time, **more)
        async with running_beside(feed.follow()):
            yield feed


def verdict(feed: RevocationFeed, sid: str) -> str:
    """Return what the feed says of a token of a login."""
    try:
        feed.judge(token(sid=sid))
    except Rejected:
        return "rejected"
    except Unavailable:
        return "unavailable"
    return "stands"


async def is_ready(feed: RevocationFeed) -> None:
    await until(lambda: feed.not_ready() is None)


async def test_a_late_joiner_knows_everything_before_it_is_ready(publisher: Publisher, redis_url: str) -> None:
    """REV-06."""
    for number in range(50):
        await publisher.mark(f"s{number}")
    async with following(redis_url) as feed:
        assert ("unavailable", True) == (verdict(feed, "s0"), feed.not_ready() is not None)
        await is_ready(feed)
        assert {"rejected"} == {verdict(feed, f"s{number}") for number in range(50)}
        assert "stands" == verdict(feed, "other")


async def test_news_arrives_within_milliseconds(publisher: Publisher, redis_url: str) -> None:
    async with following(redis_url, block_s=1.0) as feed:
        await is_ready(feed)
        await publisher.mark("s1")
        assert await until(lambda: verdict(feed, "s1") == "rejected") < 0.5
        assert "stands" == verdict(feed, "s2")


async def test_a_thousand_marks_at_once_are_all_learned(publisher: Publisher, redis_url: str) -> None:
    async with following(redis_url) as feed:
        await is_ready(feed)
        for number in range(1500):
            await publisher.mark(f"s{number}")
        await until(lambda: len(feed.marks) == 1500)
        assert "rejected" == verdict(feed, "s0") == verdict(feed, "s1499")


async def test_a_lost_entry_is_noticed_by_its_missing_number(publisher: Publisher, redis_url: str) -> None:
    async with following(redis_url) as feed:
        await is_ready(feed)
        await publisher.mark("s1")
        await until(lambda: verdict(feed, "s1") == "rejected")
        await publisher.mark("lost", sent=False)
        assert await until(lambda: verdict(feed, "lost") == "rejected") < 1.0, "nobody has to revoke anything else"
        await publisher.mark("lost too", sent=False)
        await publisher.mark("s2")
        await until(lambda: verdict(feed, "s2") == verdict(feed, "lost too") == "rejected")
        assert feed.not_ready() is None


async def test_entries_that_come_twice_or_from_before_do_no_harm(publisher: Publisher, redis_url: str) -> None:
    async with following(redis_url) as feed:
        await is_ready(feed)
        await publisher.mark("s1")
        for _ in range(3):
            await publisher.send("s1", 1, round(time() * 1000) + 1000)
        await publisher.mark("s2")
        await until(lambda: verdict(feed, "s2") == "rejected")
        assert "rejected" == verdict(feed, "s1")


async def test_a_snapshot_is_merged_and_never_takes_a_mark_away(
    publisher: Publisher, redis: Redis, redis_url: str
) -> None:
    """F-11: an emptied store does not bring a revoked token back while a server remembers it."""
    async with following(redis_url) as feed:
        await is_ready(feed)
        await publisher.mark("s1")
        await until(lambda: verdict(feed, "s1") == "rejected")
        await redis.flushall()
        await until(lambda: feed.not_ready() is not None)
        assert ["rejected", "unavailable"] == [verdict(feed, sid) for sid in ("s1", "s2")]
        again = Publisher(redis)
        await again.begin(f"second:{NOW_MS - 500}")
        await is_ready(feed)
        assert ["rejected", "stands"] == [verdict(feed, sid) for sid in ("s1", "s2")]
        await again.mark("s2")
        await until(lambda: verdict(feed, "s2") == "rejected")


async def test_what_was_issued_before_the_store_lost_its_memory_is_over(publisher: Publisher, redis_url: str) -> None:
    """Nobody knows any more whether it was revoked."""
    async with following(redis_url) as feed:
        await is_ready(feed)
        assert "stands" == verdict(feed, "s1")
        await publisher.begin(f"second:{NOW_MS + 1}")
        await until(lambda: verdict(feed, "s1") == "rejected")
        feed.judge(token(issued_at=(NOW_MS + 1) / 1000))


async def test_a_store_that_went_back_in_time_is_read_anew(publisher: Publisher, redis: Redis, redis_url: str) -> None:
    """A promoted replica may lack the last entries: what this process heard still counts."""
    async with following(redis_url) as feed:
        await is_ready(feed)
        for number in range(3):
            await publisher.mark(f"s{number}")
        await until(lambda: len(feed.marks) == 3)
        await redis.set(redis_keys.REVOCATION_SEQUENCE, 1)
        publisher.sequence = 1
        await publisher.mark("new")
        await until(lambda: verdict(feed, "new") == "rejected")
        assert {"rejected"} == {verdict(feed, f"s{number}") for number in range(3)}


async def test_without_word_it_serves_for_its_bound_and_then_refuses(own_redis: RedisProcess) -> None:
    clock = Clock()
    async with Redis.from_url(own_redis.url, driver_info=None) as client:
        publisher = Publisher(client)
        await publisher.begin()
        async with following(own_redis.url, max_stale_s=5.0, monotonic=clock) as feed:
            await is_ready(feed)
            await publisher.mark("s1")
            await until(lambda: verdict(feed, "s1") == "rejected")
            own_redis.pause()
            clock.move(4.9)
            assert "stands" == verdict(feed, "s2")
            clock.move(0.2)
            assert ["unavailable", "rejected"] == [verdict(feed, "s2"), verdict(feed, "s1")], "what is known is known"
            assert feed.not_ready() is not None
            own_redis.resume()


async def test_it_heals_by_itself_and_learns_what_it_missed(own_redis: RedisProcess) -> None:
    async with Redis.from_url(own_redis.url, driver_info=None) as client:
        publisher = Publisher(client)
        await publisher.begin()
        async with following(own_redis.url, max_stale_s=0.4) as feed:
            await is_ready(feed)
            own_redis.pause()
            assert await until(lambda: verdict(feed, "s1") == "unavailable", within_s=2) < 0.8
            own_redis.resume()
            await publisher.mark("s1")
            await is_ready(feed)
            await until(lambda: verdict(feed, "s1") == "rejected")
            assert "stands" == verdict(feed, "s2")


# --- a whole server ---------------------------------------------------------------------------------------------------


async def pushed(servers: Servers, redis_url: str, **more: str) -> Server:
    server = await servers.resource("pushed-jwt", RESOURCE_REDIS_URL=redis_url, **more)

    async def ready() -> bool:
        return (await server.get("/readyz")).status == 200

    await until(ready)
    return server


def refuses(server: Server, access: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        answer = await server.get("/me", token=access)
        assert answer.status in {200, 401}
        return answer.status == 401

    return ask


async def test_every_way_to_end_a_token_is_heard_of(servers: Servers, redis_url: str) -> None:
    auth = await servers.auth(redis_url)
    server = await pushed(servers, redis_url)
    ends: dict[str, Callable[[str], Awaitable[object]]] = {
        "logout": lambda access: auth.post("/logout", token=access),
        "everywhere": lambda access: auth.post("/logout-everywhere", token=access),
        "revoked": lambda access: auth.post("/oauth/revoke", form={"token": access, "client_id": "authlab-web"}),
    }
    for how, end in ends.items():
        access = (await log_in(auth)).access
        assert 200 == (await server.get("/me", token=access)).status, how
        await end(access)
        assert await until(refuses(server, access)) < 1.0, how
    assert 200 == (await server.get("/me", token=(await log_in(auth)).access)).status


async def test_a_server_that_was_down_knows_what_was_revoked_meanwhile(servers: Servers, redis_url: str) -> None:
    auth = await servers.auth(redis_url)
    member = await log_in(auth)
    await auth.post("/logout", token=member.access)
    server = await pushed(servers, redis_url)
    assert 401 == (await server.get("/me", token=member.access)).status, "the first answer it gives"


async def test_the_auth_server_may_be_away(servers: Servers, redis_url: str) -> None:
    """The feed's own reads prove that it is alive."""
    auth = await servers.auth(redis_url)
    server = await pushed(servers, redis_url, RESOURCE_FEED_MAX_STALE_S="0.5")
    member = await log_in(auth)
    await auth.app.shutdown()
    await asyncio.sleep(1.0)
    assert 200 == (await server.get("/me", token=member.access)).status


async def test_the_lag_and_the_marks_can_be_watched(servers: Servers, redis_url: str) -> None:
    auth = await servers.auth(redis_url)
    server = await pushed(servers, redis_url)
    member = await log_in(auth)
    await auth.post("/logout", token=member.access)
    await until(refuses(server, member.access))
    text = (await server.get("/metrics")).body.decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("authlab_revocation"))
    assert "1.0" == values["authlab_revocation_marks"]
    assert 0 <= float(values["authlab_revocation_lag_seconds"]) < 5
