"""The token cache may change what a request costs and never what it is answered.

The same verifier stands here several times over, with and without a cache, on the same keys, clock and revocations.
Whatever happens to a token in between, in whatever order, all of them have to say the same about it.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol, TypeVar

import jwt
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from auth_server.logins import Logins
from auth_server.settings import AuthSettings
from core.background import running_beside
from core.errors import Refusal
from core.keys import KeyRing, secret_key
from core.reads import CoalescedReads
from core.redis_link import open_redis
from core.settings import load
from core.subject import Subject
from lab.processes import RedisProcess
from resource_server.revocation_feed import RevocationFeed
from resource_server.settings import ResourceSettings
from resource_server.strategies.denylisted_jwt import DenylistedJwt
from resource_server.strategies.plain_jwt import PlainJwt
from resource_server.strategies.pushed_jwt import PushedJwt
from resource_server.tokens import Tokens
from tests.support.environments import AUDIENCE, ISSUER, auth_environment, resource_environment

NO_CACHE, TINY_CACHE, ROOMY_CACHE = 0, 2, 1000
STRATEGIES = ("plain-jwt", "denylisted-jwt", "pushed-jwt")
SUBJECTS = ("alice", "bob")
LOGINS = ("first-login", "second-login")
PATIENCE_S = 5.0
"""Far more than a server has: on a busy machine a deadline that passes would be the only thing that is seen."""
T = TypeVar("T")


class Verifier(Protocol):
    """What the three strategies have in common here."""

    tokens: Tokens

    async def verify(self, credential: str) -> Subject:
        """Return who is asking."""


class Keys:
    """The keys of a resource server; they change the moment a test says so, not when a file is read again."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self._ring = KeyRing()

    def trust(self, kid: str, secret: bytes) -> None:
        """Verify with this secret under this name from now on."""
        self.secrets[kid] = secret
        self._publish()

    def distrust(self, kid: str) -> None:
        """Retire a key."""
        self.secrets.pop(kid, None)
        self._publish()

    def _publish(self) -> None:
        keys = [secret_key(secret, kid) for kid, secret in self.secrets.items()]
        self._ring = KeyRing(keys, previous=self._ring)

    def ring(self) -> KeyRing:
        """Return the keys to verify with now."""
        return self._ring

    async def look_for(self, kid: str) -> bool:
        """Find no newer key, ever."""
        _ = kid
        return False

    def not_ready(self) -> str | None:
        """Say that nothing is missing."""
        return None


@dataclass(frozen=True)
class Issued:
    """A token, what it can be taken back by, and the key that signed it."""

    text: str
    sub: str
    sid: str
    jti: str
    expires_at: float
    kid: str
    secret: bytes


class World:
    """Every strategy with every cache, one clock that stands until it is moved, one set of keys, one store."""

    def __init__(self, logins: Logins, feed: RevocationFeed, reads: CoalescedReads) -> None:
        self.now_s = 0.0
        self.keys = Keys()
        self.logins = logins
        self.feed = feed
        self._reads = reads
        self._numbers = itertools.count(1)
        self.verifiers: dict[str, list[Verifier]] = {
            strategy: [self._verifier(strategy, size) for size in (NO_CACHE, TINY_CACHE, ROOMY_CACHE)]
            for strategy in STRATEGIES
        }

    @classmethod
    @asynccontextmanager
    async def open(cls, redis_url: str) -> AsyncIterator["World"]:
        """Open one on an emptied store."""
        # Settings look for secret files, which nothing may do on an event loop: hence the threads.
        settings = await asyncio.to_thread(load, AuthSettings, auth_environment(redis_url))
        async with open_redis(redis_url, deadline_s=PATIENCE_S) as link:
            await link.call(lambda client: client.flushall())
            logins = Logins(link, settings, os.urandom(32))
            began_at = await logins.begin()
            feed = RevocationFeed(link, max_stale_s=3600, block_s=0.005, clock=lambda: began_at)
            world = await asyncio.to_thread(cls, logins, feed, CoalescedReads(link, deadline_s=PATIENCE_S))
            world.now_s = began_at
            world.rotate()
            async with running_beside(feed.follow()):
                await world.hear_of_everything()
                yield world

    def _verifier(self, strategy: str, cache_entries: int) -> Verifier:
        def clock() -> float:
            return self.now_s

        class SettingsOfThisWorld(ResourceSettings):
            def clock(self) -> Callable[[], float]:
                return clock

        environment = resource_environment(strategy, RESOURCE_TOKEN_CACHE=str(cache_entries))
        tokens = Tokens(load(SettingsOfThisWorld, environment), self.keys)
        match strategy:
            case "plain-jwt":
                return PlainJwt(tokens)
            case "denylisted-jwt":
                return DenylistedJwt(tokens, self._reads)
            case _:
                return PushedJwt(tokens, self.feed)

    def rotate(self) -> None:
        """Trust one more key; new tokens are signed with it."""
        self.keys.trust(f"key-{next(self._numbers)}", os.urandom(32))

    def issue(self, sub: str = "alice", sid: str = "first-login", life_s: float = 60) -> Issued:
        """Sign a token with the youngest key that is trusted."""
        if not self.keys.secrets:
            self.rotate()
        kid, secret = list(self.keys.secrets.items())[-1]
        jti, expires_at = f"token-{next(self._numbers)}", self.now_s + life_s
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": sub,
            "client_id": "authlab-web",
            "iat": self.now_s,
            "exp": expires_at,
            "jti": jti,
            "sid": sid,
            "roles": ["user"],
            "scope": "orders:read",
        }
        text = jwt.encode(claims, secret, "HS256", headers={"typ": "at+jwt", "kid": kid})
        return Issued(text, sub, sid, jti, expires_at, kid, secret)

    async def take_back(self, revoking: Awaitable[object]) -> None:
        """Carry a revocation out, and wait until it was pushed here."""
        await revoking
        await self.hear_of_everything()

    async def hear_of_everything(self) -> None:
        """Return when the feed has caught up with this moment."""
        moment_s = monotonic()
        while self.feed.age_s() > monotonic() - moment_s:  # noqa: ASYNC110 - the feed is asked for its age, it tells nobody
            await asyncio.sleep(0.001)

    async def answers(self, text: str) -> dict[str, list[Subject | tuple[str, str]]]:
        """Return what each verifier says about a token; those without a cache come first."""
        return {
            strategy: [await answer(verifier, text) for verifier in verifiers]
            for strategy, verifiers in self.verifiers.items()
        }

    async def everybody_agrees_about(self, text: str) -> None:
        """Hold every cache to what its verifier says without one."""
        for strategy, (without_cache, *with_cache) in (await self.answers(text)).items():
            assert [without_cache] * len(with_cache) == with_cache, strategy


async def answer(verifier: Verifier, text: str) -> Subject | tuple[str, str]:
    """Return the subject, or the kind of refusal and the check that decided."""
    try:
        return await verifier.verify(text)
    except Refusal as refusal:
        return type(refusal).__name__, refusal.reason


class Interleavings(RuleBasedStateMachine):
    """Whatever can happen to tokens, in any order."""

    tokens = Bundle("tokens")

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._issued: list[Issued] = []
        self._world = self._run(self._stack.enter_async_context(World.open(redis_url)))

    def _run(self, step: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(step)

    @rule(
        target=tokens, sub=st.sampled_from(SUBJECTS), sid=st.sampled_from(LOGINS), life_s=st.sampled_from((1, 30, 900))
    )
    def issue(self, sub: str, sid: str, life_s: float) -> Issued:
        self._issued.append(self._world.issue(sub, sid, life_s))
        return self._issued[-1]

    @rule(token=tokens)
    def use(self, token: Issued) -> None:
        self._run(self._world.everybody_agrees_about(token.text))

    @rule(token=tokens, other=tokens)
    def use_with_the_signature_of_another(self, token: Issued, other: Issued) -> None:
        said = token.text.rpartition(".")[0]
        self._run(self._world.everybody_agrees_about(f"{said}.{other.text.rpartition('.')[2]}"))

    @rule(token=tokens, suffix=st.sampled_from(("=", "==", ".", "\n", "A")))
    def use_in_another_writing(self, token: Issued, suffix: str) -> None:
        self._run(self._world.everybody_agrees_about(token.text + suffix))

    @rule(token=tokens)
    def revoke(self, token: Issued) -> None:
        world = self._world
        self._run(world.take_back(world.logins.revoke_token(token.jti, token.expires_at)))

    @rule(sub=st.sampled_from(SUBJECTS), sid=st.sampled_from(LOGINS))
    def end_login(self, sub: str, sid: str) -> None:
        self._run(self._world.take_back(self._world.logins.end(sub, sid, even_unknown=True)))

    @rule(sub=st.sampled_from(SUBJECTS))
    def end_every_login(self, sub: str) -> None:
        self._run(self._world.take_back(self._world.logins.end_all(sub)))

    @rule(by_s=st.sampled_from((-60.0, -1.0, 0.25, 1.0, 30.0, 900.0)))
    def move_the_clock(self, by_s: float) -> None:
        self._world.now_s += by_s

    @rule()
    def rotate(self) -> None:
        self._world.rotate()

    @rule(token=tokens)
    def retire_the_key_of(self, token: Issued) -> None:
        self._world.keys.distrust(token.kid)

    @rule(token=tokens)
    def put_back_the_key_of(self, token: Issued) -> None:
        self._world.keys.trust(token.kid, token.secret)

    @rule(token=tokens)
    def put_another_key_under_the_name_of_that_of(self, token: Issued) -> None:
        self._world.keys.trust(token.kid, os.urandom(32))

    def teardown(self) -> None:
        """Ask about every token once more, then again in the moment in which it expires; then close."""
        try:
            for token in self._issued:
                self.use(token)
            for token in self._issued:
                self._world.now_s = token.expires_at
                self.use(token)
        finally:
            self._run(self._stack.aclose())
            self._runner.close()


def test_no_interleaving_lets_a_cache_change_an_answer(shared_redis: RedisProcess) -> None:
    class OnThisStore(Interleavings):
        def __init__(self) -> None:
            super().__init__(shared_redis.url)

    run_state_machine_as_test(OnThisStore, settings=settings(max_examples=50, stateful_step_count=30, deadline=None))


async def expire(world: World, token: Issued) -> None:
    world.now_s = token.expires_at


async def turn_the_clock_back(world: World, token: Issued) -> None:
    _ = token
    world.now_s -= 60


async def retire_its_key(world: World, token: Issued) -> None:
    world.keys.distrust(token.kid)


async def replace_its_key(world: World, token: Issued) -> None:
    world.keys.trust(token.kid, os.urandom(32))


async def revoke_it(world: World, token: Issued) -> None:
    await world.take_back(world.logins.revoke_token(token.jti, token.expires_at))


async def end_its_login(world: World, token: Issued) -> None:
    await world.take_back(world.logins.end(token.sub, token.sid, even_unknown=True))


async def end_every_login_of_its_account(world: World, token: Issued) -> None:
    await world.take_back(world.logins.end_all(token.sub))


@pytest.mark.parametrize("happens", [expire, turn_the_clock_back, retire_its_key, replace_its_key])
async def test_a_remembered_token_is_refused_once_time_or_its_key_is_against_it(
    redis_url: str, happens: Callable[[World, Issued], Awaitable[None]]
) -> None:
    async with World.open(redis_url) as world:
        token = world.issue()
        assert {"alice"} == await subjects_after_two_uses(world, token)
        await happens(world, token)
        for answers in (await world.answers(token.text)).values():
            assert not any(isinstance(said, Subject) for said in answers)
            assert {"Rejected", "UnknownKey"} >= {said[0] for said in answers if not isinstance(said, Subject)}


@pytest.mark.parametrize("happens", [revoke_it, end_its_login, end_every_login_of_its_account])
async def test_a_remembered_token_is_refused_once_it_was_taken_back(
    redis_url: str, happens: Callable[[World, Issued], Awaitable[None]]
) -> None:
    async with World.open(redis_url) as world:
        token = world.issue()
        assert {"alice"} == await subjects_after_two_uses(world, token)
        await happens(world, token)
        answers = await world.answers(token.text)
        assert all(isinstance(said, Subject) for said in answers.pop("plain-jwt")), "nobody tells a plain JWT"
        assert {("Rejected", "revocation")} == {said for each in answers.values() for said in each}


async def subjects_after_two_uses(world: World, token: Issued) -> set[str]:
    """Use a token until every cache holds it; return the subjects of the second use, which must be hits."""
    await world.answers(token.text)
    said = [answer for answers in (await world.answers(token.text)).values() for answer in answers]
    caches = [verifier.tokens.cache for verifiers in world.verifiers.values() for verifier in verifiers]
    assert [None, 1, 1] * len(STRATEGIES) == [None if cache is None else cache.hits for cache in caches]
    return {subject.id if isinstance(subject, Subject) else "nobody" for subject in said}
