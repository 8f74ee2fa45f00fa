"""`python -m bench micro`: the clockwork, and that each step does what its name says."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time

import pytest
from click.testing import CliRunner

from bench.commands.micro import command
from bench.micro.answer_steps import answer_steps
from bench.micro.result import MicroResult, sum_up, tables
from bench.micro.session_steps import session_steps
from bench.micro.store_steps import MANY, store_steps
from bench.micro.timing import Effort, Step, awaiting, calling, in_flight, measure
from bench.micro.token_material import AUDIENCE, ISSUER, token_with_private_key, token_with_secret
from bench.micro.token_steps import token_steps
from bench.store import StoreAccount
from core.access_token import TokenVerifier
from core.keys import KeyRing


def burning(cpu_s: float) -> Callable[[], None]:
    def burn() -> None:
        until = process_time() + cpu_s
        while process_time() < until:
            pass

    return burn


async def test_a_step_costs_the_cpu_time_that_it_takes() -> None:
    steps = [
        Step("token", "short", calling(burning(50e-6))),
        Step("token", "long", calling(burning(200e-6))),
    ]
    samples = await measure(steps, Effort(samples=3, sample_s=0.004), seed=1)
    assert {"short": 3, "long": 3} == {name: len(values) for name, values in samples.items()}
    assert 50 <= min(samples["short"]) < 100
    assert 200 <= min(samples["long"]) < 300


async def test_waiting_is_no_cost() -> None:
    async def wait() -> None:
        await asyncio.sleep(0.0005)

    effort = Effort(samples=1, sample_s=0.0005)
    (cost_us,) = (await measure([Step("store", "wait", in_flight(wait, MANY))], effort, seed=1))["wait"]
    assert cost_us < 250


async def test_so_many_are_under_way_at_once_and_each_counts_once() -> None:
    now, most, done = 0, 0, 0

    async def visit() -> None:
        nonlocal now, most, done
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        done += 1

    await in_flight(visit, 8)(64)
    assert (8, 64) == (most, done)


async def test_every_step_without_a_store_can_be_repeated() -> None:
    steps = await asyncio.to_thread(lambda: [*token_steps(), *session_steps(), *answer_steps()])
    assert len(steps) == len({step.name for step in steps})
    for step in steps:
        await step.repeated(2)


async def test_our_reads_are_merged_and_those_of_the_library_are_not(redis_url: str) -> None:
    rounds = 10
    with await asyncio.to_thread(StoreAccount, redis_url) as account:
        async with store_steps(redis_url) as steps:
            used = {}
            for step in steps:
                await step.repeated(MANY)  # connect
                before = await asyncio.to_thread(account.read)
                await step.repeated(rounds * MANY)
                used[step.name] = (await asyncio.to_thread(account.read)).since(before).commands
    one, many, kept_alive, one_with_library, many_with_library = used.values()
    assert {"get": rounds * MANY} == one == one_with_library == many_with_library
    assert rounds <= many.total() <= 2 * rounds
    assert (rounds, rounds * MANY) == (kept_alive["evalsha"], kept_alive["pexpire"])


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "RS256"])
def test_the_material_is_a_token_that_its_own_keys_verify(algorithm: str) -> None:
    for token in (token_with_secret(os.urandom(32)), token_with_private_key(algorithm)):
        verifier = TokenVerifier(
            issuer=ISSUER, audiences=frozenset({AUDIENCE}), ring=partial(_itself, token.ring), clock=time.time
        )
        assert "u0001" == verifier.verify(token.text).subject.id
        assert token.text == f"{token.signing_input.decode()}.{token.signature}"


def _itself(ring: KeyRing) -> KeyRing:
    return ring


def test_a_table_has_a_row_for_each_step_and_the_file_says_the_same(tmp_path: Path) -> None:
    steps = [Step("token", "a", calling(int)), Step("store", "b", awaiting(_nothing), "theirs")]
    result = sum_up("python -m bench micro", 7, steps, {"a": [1.0, 2.0, 3.0], "b": [4.0]})
    assert [1, 0, 1, 0] == [table.row_count for table in tables(result)]
    result.write(tmp_path / "micro.json")
    assert result == MicroResult.model_validate_json((tmp_path / "micro.json").read_bytes())
    assert 2.0 == result.steps["a"].cpu_us.median


async def _nothing() -> None:
    return


def test_the_command_writes_json_that_names_every_step() -> None:
    finished = CliRunner().invoke(command, ["--quick", "--json"])
    assert 0 == finished.exit_code, finished.output
    found = json.loads(finished.stdout)
    assert 1 == found["schema"]
    costs = {name: step["cpu_us"]["median"] for name, step in found["steps"].items()}
    assert 0 < costs["token cache, hit and checks"] < costs["verify all of it"] < costs["verify all of it: jwt.decode"]
    assert costs[f"read, {MANY} in flight"] < costs["read, 1 in flight"]
