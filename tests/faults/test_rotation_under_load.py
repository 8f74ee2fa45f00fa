"""F-14: keys are rotated every two seconds under load, and not one valid token is refused."""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import monotonic, time
from typing import Any

import pytest

from lab.processes import RedisProcess, ServerProcess
from tests.attacks.forge import parts
from tests.faults.conftest import RowOf
from tests.faults.house import House, pids_of
from tests.faults.load.plan import Record
from tests.faults.measured import Measured
from tests.faults.oracle import Watched, judge
from tests.faults.resources import held_by
from tests.support.caller import Answer, Caller, calling
from tests.support.environments import AUDIENCE

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

KINDS = ("HS256", "ES256")
ROTATE_EVERY_S = 2.0
FOR_S = 30.0
LIFE_S = 8
"""Short, so that keys are not only born but also retired while the load goes on."""
LOGINS_EVERY_S, READS_EVERY_S = 0.2, 0.02
DISTRUSTED_WITHIN_S = 5.0
"""A set is fetched each second and a key file read each half second; the rest is for a busy machine."""
_ALMOST_EXPIRED_S = 0.5


class Load:
    """Logs in, uses every token until it is about to expire, and keeps a record of every answer."""

    def __init__(self, kind: str, auth: Caller, resources: list[Caller]) -> None:
        self.kind, self._auth, self._resources = kind, auth, resources
        self._tokens: deque[tuple[float, str]] = deque()
        self.records: list[Record] = []
        self.kids: set[str] = set()
        self.rotations = 0
        self.ends_s = monotonic() + FOR_S

    async def run(self) -> None:
        """Send requests when they are due, whatever comes back, while the key is rotated."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._rotate())
            group.create_task(self._every(LOGINS_EVERY_S, self._log_in))
            group.create_task(self._every(READS_EVERY_S, self._read))

    async def _every(self, pause_s: float, send: Callable[[float], Coroutine[Any, Any, None]]) -> None:
        began_s = monotonic()
        async with asyncio.TaskGroup() as group:
            for number in itertools.count():
                asked_s = began_s + number * pause_s
                if asked_s > self.ends_s:
                    return
                await asyncio.sleep(max(0.0, asked_s - monotonic()))
                group.create_task(send(asked_s))

    async def _log_in(self, asked_s: float) -> None:
        sent_s = monotonic()
        answer = await self._auth.login()
        self._keep("login", asked_s, sent_s, answer)
        if answer.status == 200:
            header, claims, _ = parts(answer.json["access_token"])
            self.kids.add(header["kid"])
            self._tokens.append((claims["exp"], answer.json["access_token"]))

    async def _read(self, asked_s: float) -> None:
        """Use a token that is valid, old or new, at any of the servers."""
        while self._tokens and self._tokens[0][0] < time() + _ALMOST_EXPIRED_S:
            self._tokens.popleft()
        if self._tokens:
            _, token = random.choice([self._tokens[-1], random.choice(self._tokens)])
            sent_s = monotonic()
            self._keep("reads", asked_s, sent_s, await random.choice(self._resources).get("/me", token=token))

    def _keep(self, line: str, asked_s: float, sent_s: float, answer: Answer) -> None:
        retry_after = answer.headers.get("Retry-After")
        right = line == "login" or answer.status != 200 or answer.json["sub"] == "alice"
        self.records.append(
            Record(
                f"{self.kind} {line}", "alice", asked_s, sent_s, monotonic(), str(answer.status), right,
                None if retry_after is None else float(retry_after),
            )
        )  # fmt: skip

    async def _rotate(self) -> None:
        """Rotate the key again and again, as an admin whose own tokens expire too."""
        while monotonic() < self.ends_s:
            answer = await self._auth.post("/admin/keys/rotate", token=await self._admin())
            assert 201 == answer.status, answer
            self.rotations += 1
            await asyncio.sleep(ROTATE_EVERY_S)

    async def distrust(self) -> float:
        """Retire the key of a token that is good; return after how long no server accepts it any more."""
        token = (await self._auth.login()).json["access_token"]
        header, claims, _ = parts(token)
        await self._auth.post("/admin/keys/rotate", token=await self._admin())
        answer = await self._auth.post(f"/admin/keys/{header['kid']}/retire", token=await self._admin())
        assert 204 == answer.status, answer
        began_s = monotonic()
        while [answer.status for answer in [await server.get("/me", token=token) for server in self._resources]] != [
            401 for _ in self._resources
        ]:
            assert monotonic() - began_s < DISTRUSTED_WITHIN_S
            assert time() < claims["exp"], "it has expired instead"
            await asyncio.sleep(0.02)
        return monotonic() - began_s

    async def _admin(self) -> str:
        return str((await self._auth.login("root")).json["access_token"])


def started(house: House, redis: RedisProcess, kind: str, directory: Path) -> tuple[ServerProcess, list[ServerProcess]]:
    """Start an auth server, and resource servers that remember tokens and that do not."""
    settings: dict[str, str] = {
        "AUTH_ALGORITHM": kind,
        "AUTH_KEYS_DIR": str(directory / kind / "keys"),
        "AUTH_AUDIENCE_KEYS_DIR": str(directory / kind / "audiences"),
        "AUTH_JWKS_MAX_AGE_S": "1",
        "AUTH_ACCESS_TTL_S": str(LIFE_S),
    }
    auth = house.auth(redis.url, name=f"auth-{kind}", **settings)
    auth.wait_ready(30)
    if kind == "HS256":
        file = directory / kind / "audiences" / f"{AUDIENCE}.json"
        keys = {"RESOURCE_SHARED_SECRET": "", "RESOURCE_SHARED_SECRET_FILE": str(file)}
    else:
        keys = {"RESOURCE_JWKS_URL": f"{auth.url}/.well-known/jwks.json"}
    resources = [
        house.resource("plain-jwt", name=f"resource-{kind}-cache-{entries}", RESOURCE_TOKEN_CACHE=entries, **keys)
        for entries in ("10000", "0")
    ]
    return auth, resources


async def measured(loads: list[Load], servers: list[ServerProcess]) -> Measured:
    """Run both loads, and judge what they saw: nothing may fail, and no token was ended."""
    before, began_s = await asyncio.to_thread(held_by, pids_of(servers)), monotonic()
    await asyncio.gather(*(load.run() for load in loads))
    fault = (began_s, monotonic())
    after = await asyncio.to_thread(held_by, pids_of(servers))
    records = [record for load in loads for record in load.records]
    watched = {f"{load.kind} {line}": Watched(None) for load in loads for line in ("login", "reads")}
    return Measured.of("both at once", judge(records, watched, {}, fault), fault, (before, after))


async def test_a_key_is_rotated_every_two_seconds_and_no_valid_token_is_refused(
    house: House, row_of: RowOf, tmp_path: Path
) -> None:
    stores = [await asyncio.to_thread(house.redis, f"redis-{kind}") for kind in KINDS]
    systems = [
        await asyncio.to_thread(started, house, store, kind, tmp_path)
        for store, kind in zip(stores, KINDS, strict=True)
    ]
    await asyncio.to_thread(house.ready)
    with row_of(
        "F-14", "Key rotation under load",
        injected=f"{' and '.join(KINDS)} side by side: the key is rotated every {ROTATE_EVERY_S:g} s for {FOR_S:g} s, "
        f"with tokens of {LIFE_S} s and servers that remember tokens and that do not; then a key is retired at once",
        promise="no valid token is refused, no request fails; what a retired key signed is refused within "
        f"{DISTRUSTED_WITHIN_S:g} s",
    ) as row:  # fmt: skip
        async with calling() as session:
            loads = [
                Load(kind, Caller(auth.url, session), [Caller(server.url, session) for server in resources])
                for kind, (auth, resources) in zip(KINDS, systems, strict=True)
            ]
            row.runs.append(await measured(loads, [one for auth, servers in systems for one in (auth, *servers)]))
            for load in loads:
                outcomes = row.runs[0].verdicts[f"{load.kind} reads"].outcomes
                assert outcomes["200"] > FOR_S / READS_EVERY_S / 2
                assert load.rotations >= FOR_S / ROTATE_EVERY_S - 3
                assert len(load.kids) >= load.rotations - 4, "the tokens were signed with one key after the other"
                row.notes.append(
                    f"{load.kind}: {load.rotations} rotations, tokens of {len(load.kids)} keys, "
                    f"{outcomes['200']} reads; a retired key was trusted for {await load.distrust():.2f} s more"
                )
