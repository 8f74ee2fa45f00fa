import asyncio
from collections.abc import Iterator
from time import perf_counter

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from core.errors import BadRequest, Unavailable
from core.passwords import Passwords, check_new_password
from core.settings import DEFAULT_HASH_MEMORY_KIB


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(memory_kib=DEFAULT_HASH_MEMORY_KIB)
    yield passwords
    passwords.close()


async def test_a_hash_is_argon2id_of_the_strength_that_owasp_asks_for(passwords: Passwords) -> None:
    parameters = extract_parameters(await passwords.hash("alice-demo-password"))
    assert (Type.ID, 19456, 2, 1, 16) == (
        parameters.type,
        parameters.memory_cost,
        parameters.time_cost,
        parameters.parallelism,
        parameters.salt_len,
    )


async def test_only_the_right_password_fits(passwords: Passwords) -> None:
    stored = await passwords.hash("alice-demo-password")
    assert await passwords.verify(stored, "alice-demo-password")
    for wrong in ("alice-demo-passwort", "", "alice-demo-password ", "ALICE-DEMO-PASSWORD", "alice-demo-password\0"):
        assert not await passwords.verify(stored, wrong)
    assert stored != await passwords.hash("alice-demo-password"), "each hash has a salt of its own"


async def test_a_password_is_not_cut_off(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 256)
    assert not await passwords.verify(stored, "x" * 255)
    assert not await passwords.verify(stored, "x" * 257)


async def test_two_ways_to_type_a_character_are_one_password(passwords: Passwords) -> None:
    stored = await passwords.hash("Grüße aus Zürich")
    assert await passwords.verify(stored, "Gru\u0308ße aus Zu\u0308rich")


async def test_an_unknown_user_costs_as_much_as_a_wrong_password(passwords: Passwords) -> None:
    stored = await passwords.hash("alice-demo-password")

    async def fastest_s(password_hash: str | None) -> float:
        times = []
        for _ in range(12):
            started = perf_counter()
            assert not await passwords.verify(password_hash, "wrong")
            times.append(perf_counter() - started)
        return min(times)

    known_s, unknown_s = await fastest_s(stored), await fastest_s(None)
    assert 0.6 < known_s / unknown_s < 1.7


async def test_nobody_can_log_in_without_a_hash(passwords: Passwords) -> None:
    for password in ("", "None", "dummy"):
        assert not await passwords.verify(None, password)
    assert not await passwords.verify("not a hash", "x")


async def test_a_hash_of_other_parameters_is_outdated(passwords: Passwords) -> None:
    weaker = Passwords(memory_kib=8)
    old = await weaker.hash("alice-demo-password")
    weaker.close()
    assert passwords.is_outdated(old)
    assert await passwords.verify(old, "alice-demo-password"), "it still opens the door, and is then replaced"
    assert not passwords.is_outdated(await passwords.hash("alice-demo-password"))


async def test_the_loop_goes_on_while_passwords_are_hashed(passwords: Passwords) -> None:
    worst_s, done = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal worst_s
        while not done.is_set():
            started = perf_counter()
            await asyncio.sleep(0.001)
            worst_s = max(worst_s, perf_counter() - started - 0.001)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(passwords.verify(None, "x") for _ in range(30)))
    done.set()
    await watching
    assert worst_s < 0.1


async def test_a_crowd_beyond_the_queue_is_told_to_come_back() -> None:
    passwords = Passwords(memory_kib=1024, threads=1)
    answers = await asyncio.gather(*(passwords.verify(None, "x") for _ in range(200)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert 200 - 128 == len(refused)
    assert all(answer.retry_after_s for answer in refused)
    assert not await passwords.verify(None, "x"), "afterwards there is room again"
    passwords.close()


GOOD = [
    "correct horse battery",
    "Grüße aus dem Süden",
    "x7!kQ2#zP9@vL4$",
    "alice writes long sentences",
]
BAD = {
    "too short": "x7!kQ2#zP9@vL4",
    "too long": "abcdefghij" * 26,
    "one character": "a" * 20,
    "a common word with a tail": "passwordpassword1",
    "the user's own name": "alicealicealicealice",
    "digits in a row": "123456789123456789",
}


@pytest.mark.parametrize("password", GOOD)
def test_a_long_password_may_be_chosen(password: str) -> None:
    check_new_password(password, "alice")


@pytest.mark.parametrize("why", BAD)
def test_a_password_that_is_easy_to_guess_may_not(why: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_new_password(BAD[why], "alice")
    assert BAD[why] not in f"{refused.value.reason} {refused.value.detail}"
