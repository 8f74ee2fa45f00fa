import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from redis.asyncio import Redis

from auth_server.settings import AuthSettings
from core.accounts import Account, FileAccounts, RedisAccounts, accounts_from_file
from core.errors import Conflict, NotFound, Unavailable
from core.redis_link import open_redis
from core.seed import seed_accounts
from core.settings import LoginSettings, SettingsError, load
from lab.processes import free_port
from tests.support.environments import auth_environment
from tests.support.stores import commands_during

HASH = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("alice-demo-password")
ALICE = Account("alice", "Alice", HASH, ("user",), ("orders:read",))
BOB = Account("bob", "Bob", HASH, ("user",), ())


@pytest.fixture
async def accounts(redis_url: str) -> AsyncIterator[RedisAccounts]:
    async with open_redis(redis_url) as link:
        yield RedisAccounts(link, [ALICE, BOB])


async def test_an_empty_store_is_seeded_by_the_first_question(accounts: RedisAccounts) -> None:
    assert ALICE == await accounts.find("alice")
    assert await accounts.find("nobody") is None
    assert ["alice", "bob"] == await accounts.names()


async def test_a_store_is_seeded_once_by_whoever_comes_first(redis_url: str) -> None:
    async with open_redis(redis_url) as link:
        servers = [RedisAccounts(link, [Account("carol", str(number), HASH, (), ())]) for number in range(20)]
        found = await asyncio.gather(*(server.find("carol") for server in servers))
        names = {account.name for account in found if account is not None}
        assert 1 == len(names)
        late = RedisAccounts(link, [Account("carol", "late", HASH, ("admin",), ()), BOB])
        carol = await late.find("carol")
        assert carol is not None
        assert names == {carol.name}, "a server that starts later changes nobody"
        assert await late.find("bob") is None


async def test_a_store_that_lost_its_data_heals(accounts: RedisAccounts, redis: Redis) -> None:
    await accounts.find("alice")
    await redis.flushall()
    assert ALICE == await accounts.find("alice")


async def test_an_account_is_added_once(accounts: RedisAccounts) -> None:
    carol = [Account("carol", str(number), HASH, (), ()) for number in range(20)]
    results = await asyncio.gather(*(accounts.add(account) for account in carol), return_exceptions=True)
    assert 19 == sum(isinstance(result, Conflict) for result in results)
    assert ["alice", "bob", "carol"] == await accounts.names()


async def test_changes_that_race_are_all_kept(accounts: RedisAccounts) -> None:
    async def until_done(**changes: object) -> None:
        while True:
            try:
                await accounts.change("alice", **changes)
            except Unavailable:
                continue
            return

    await asyncio.gather(until_done(disabled=True), until_done(roles=("admin",)), until_done(name="A."))
    assert Account("alice", "A.", HASH, ("admin",), ("orders:read",), disabled=True) == await accounts.find("alice")


async def test_what_is_not_there_is_not_changed(accounts: RedisAccounts) -> None:
    with pytest.raises(NotFound):
        await accounts.change("nobody", disabled=True)
    assert await accounts.find("nobody") is None


async def test_a_better_hash_never_undoes_a_change(accounts: RedisAccounts) -> None:
    seen = await accounts.find("alice")
    assert seen is not None
    await accounts.change("alice", disabled=True)
    await accounts.replace_hash(seen, "$argon2id$better")
    now = await accounts.find("alice")
    assert now is not None
    assert (True, HASH) == (now.disabled, now.password_hash)


async def test_a_known_and_an_unknown_user_cost_the_same_question(accounts: RedisAccounts, redis: Redis) -> None:
    await accounts.find("alice")
    counts = []
    for name in ("alice", "nobody"):
        await redis.config_resetstat()
        await accounts.find(name)
        counts.append(await commands_during(redis, {"config|resetstat": 1, "config": 1}))
    assert counts[0] == counts[1]


async def test_a_store_that_is_away_tells_nothing() -> None:
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as link:
        with pytest.raises(Unavailable):
            await RedisAccounts(link, [ALICE]).find("alice")


async def test_accounts_of_a_file_are_held_in_memory() -> None:
    accounts = FileAccounts([ALICE])
    await accounts.replace_hash(ALICE, "$argon2id$better")
    found = await accounts.find("alice")
    assert found is not None
    assert "$argon2id$better" == found.password_hash
    assert await accounts.find("bob") is None


def test_an_account_does_not_show_its_hash() -> None:
    assert HASH not in f"{ALICE} {ALICE!r} {[ALICE]}"


def accounts_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "accounts.toml"
    path.write_text(text)
    path.chmod(stat.S_IRUSR)
    return path


def test_accounts_are_read_from_a_file(tmp_path: Path) -> None:
    text = f'[accounts.alice]\nname = "Alice"\npassword_hash = "{HASH}"\nroles = ["user"]\nscopes = ["orders:read"]\n'
    assert [ALICE] == accounts_from_file(accounts_file(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[accounts.alice]\n", "password_hash"),
        ('[accounts.alice]\npassword_hash = "alice-demo-password"\n', "password_hash"),
        (f'[accounts."a b"]\npassword_hash = "{HASH}"\n', "a b"),
        (f'[accounts.alice]\npassword_hash = "{HASH}"\nroles = "user"\n', "roles"),
        (f'[accounts.alice]\npassword_hash = "{HASH}"\nscopes = ["a b"]\n', "scopes"),
        ("[accounts.alice\n", "accounts.toml"),
        ("accounts = 1\n", "accounts.toml"),
    ],
)
def test_a_file_with_a_mistake_is_refused_in_one_line_that_names_it(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        accounts_from_file(accounts_file(tmp_path, text))
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert HASH not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.toml"):
        accounts_from_file(tmp_path / "missing.toml")


def settings() -> LoginSettings:
    return load(AuthSettings, auth_environment())


def test_a_demo_starts_with_the_demo_accounts() -> None:
    seeded = {account.username: account for account in seed_accounts(settings(), None, "X", stored=False)}
    assert {
        "alice": (("user",), ("orders:read", "orders:write")),
        "bob": (("user",), ("orders:read",)),
        "root": (("admin", "user"), ("orders:read", "orders:write")),
    } == {name: (account.roles, account.scopes) for name, account in seeded.items()}


def serious() -> LoginSettings:
    """Return the settings of an auth server that is no demo."""
    environment = {
        name: value for name, value in auth_environment().items() if not name.startswith(("AUTHLAB", "LOGIN"))
    }
    return load(AuthSettings, environment)


def test_outside_a_demo_there_are_no_demo_accounts() -> None:
    assert [] == seed_accounts(serious(), None, "X", stored=True)
    with pytest.raises(SettingsError, match="X is missing"):
        seed_accounts(serious(), None, "X", stored=False)


def test_a_file_with_a_demo_password_needs_a_demo(tmp_path: Path) -> None:
    path = accounts_file(tmp_path, f'[accounts.alice]\npassword_hash = "{HASH}"\n')
    with pytest.raises(SettingsError, match="AUTHLAB_DEMO"):
        seed_accounts(serious(), path, "AUTH_ACCOUNTS_FILE", stored=False)
    assert ["alice"] == [account.username for account in seed_accounts(settings(), path, "X", stored=False)]
