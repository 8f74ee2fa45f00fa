"""F-14: the key is rotated every two seconds under load, and not one valid token is refused."""

import asyncio
import random
from collections import Counter, deque
from pathlib import Path
from time import monotonic, time

import pytest

from lab.processes import RedisProcess, ServerProcess
from tests.attacks.forge import parts
from tests.faults.house import House
from tests.support.caller import Caller, calling
from tests.support.environments import AUDIENCE

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

ROTATE_EVERY_S = 2.0
FOR_S = 30.0
LIFE_S = 8
"""Short, so that keys are not only born but also retired while the load goes on."""
_LOGINS_AT_ONCE, _READERS = 2, 6
_ALMOST_EXPIRED_S = 0.5


class Load:
    """Logs in, uses every token until it expires, and counts what comes back."""

    def __init__(self, auth: Caller, resources: list[Caller]) -> None:
        self._auth = auth
        self._resources = resources
        self._tokens: deque[tuple[float, str]] = deque()
        self.outcomes: Counter[str] = Counter()
        self.kids: set[str] = set()
        self.ends_s = monotonic() + FOR_S

    async def log_in(self) -> None:
        """Bring new tokens."""
        while monotonic() < self.ends_s:
            answer = await self._auth.login()
            self.outcomes[f"login {answer.status}"] += 1
            if answer.status == 200:
                header, claims, _ = parts(answer.json["access_token"])
                self.kids.add(header["kid"])
                self._tokens.append((claims["exp"], answer.json["access_token"]))
            await asyncio.sleep(0.05)

    async def read(self) -> None:
        """Use a token that is valid, old or new, at any of the servers."""
        draw = random.Random(14)
        while monotonic() < self.ends_s:
            while self._tokens and self._tokens[0][0] < time() + _ALMOST_EXPIRED_S:
                self._tokens.popleft()
            if not self._tokens:
                await asyncio.sleep(0.01)
                continue
            _, token = self._tokens[-1] if draw.random() < 0.5 else draw.choice(self._tokens)
            answer = await draw.choice(self._resources).get("/me", token=token)
            self.outcomes[f"read {answer.status}"] += 1

    async def rotate(self) -> int:
        """Rotate the key again and again, as an admin whose own tokens expire too; return how often."""
        rotations = 0
        while monotonic() < self.ends_s:
            admin = (await self._auth.login("root")).json["access_token"]
            answer = await self._auth.post("/admin/keys/rotate", token=admin)
            assert 201 == answer.status, answer
            rotations += 1
            await asyncio.sleep(ROTATE_EVERY_S)
        return rotations


def started(house: House, redis: RedisProcess, kind: str, directory: Path) -> tuple[ServerProcess, list[ServerProcess]]:
    """Start an auth server, and resource servers that remember tokens and that do not."""
    settings: dict[str, str] = {
        "AUTH_ALGORITHM": kind,
        "AUTH_KEYS_DIR": str(directory / "keys"),
        "AUTH_AUDIENCE_KEYS_DIR": str(directory / "audiences"),
        "AUTH_JWKS_MAX_AGE_S": "1",
        "AUTH_ACCESS_TTL_S": str(LIFE_S),
    }
    auth = house.auth(redis.url, **settings)
    auth.wait_ready()
    if kind == "HS256":
        file = directory / "audiences" / f"{AUDIENCE}.json"
        keys = {"RESOURCE_SHARED_SECRET": "", "RESOURCE_SHARED_SECRET_FILE": str(file)}
    else:
        keys = {"RESOURCE_JWKS_URL": f"{auth.url}/.well-known/jwks.json"}
    resources = [
        house.resource("plain-jwt", name=f"resource-cache-{entries}", RESOURCE_TOKEN_CACHE=entries, **keys)
        for entries in ("10000", "0")
    ]
    house.ready()
    return auth, resources


@pytest.mark.parametrize("kind", ["HS256", "ES256"])
async def test_a_key_is_rotated_every_two_seconds_and_no_valid_token_is_refused(
    kind: str, house: House, tmp_path: Path
) -> None:
    redis = await asyncio.to_thread(house.redis, "redis-auth")
    auth, resources = await asyncio.to_thread(started, house, redis, kind, tmp_path)
    async with calling() as session:
        load = Load(Caller(auth.url, session), [Caller(resource.url, session) for resource in resources])
        rotating = asyncio.create_task(load.rotate())
        await asyncio.gather(*(load.log_in() for _ in range(_LOGINS_AT_ONCE)), *(load.read() for _ in range(_READERS)))
        rotations = await rotating
    assert {"read 200", "login 200"} == set(load.outcomes), load.outcomes
    assert load.outcomes["read 200"] > 1000
    assert rotations >= FOR_S / ROTATE_EVERY_S - 2
    assert len(load.kids) >= rotations - 3, "the tokens were signed with one key after the other"
