"""Accounts: who may log in. From a file, or in Redis, seeded from that file by whichever server starts first."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError

from core import redis_keys
from core.errors import Conflict, NotFound, Unavailable
from core.redis_link import RedisLink, Script
from core.settings import SettingsError

USERNAME = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
WORD = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$"


@dataclass(frozen=True, slots=True)
class Account:
    """A user who may log in while not `disabled`."""

    username: str
    name: str
    password_hash: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    disabled: bool = False

    def __repr__(self) -> str:
        return f"Account({self.username!r})"

    def to_json(self) -> str:
        """Write as JSON for Redis."""
        names = ("username", "name", "password_hash", "roles", "scopes", "disabled")
        return json.dumps({name: getattr(self, name) for name in names})

    @classmethod
    def from_json(cls, text: bytes) -> "Account":
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "roles": tuple(fields["roles"]), "scopes": tuple(fields["scopes"])})


DEMO_PASSWORDS: Mapping[str, str] = {name: f"{name}-demo-password" for name in ("alice", "bob", "root")}
_DEMO: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "alice": ("Alice", ("user",), ("orders:read", "orders:write")),
    "bob": ("Bob", ("user",), ("orders:read",)),
    "root": ("Root", ("admin", "user"), ("orders:read", "orders:write")),
}


def demo_accounts(hashes: Mapping[str, str]) -> list[Account]:
    """Return the demo accounts with the given password hashes. Their passwords are public: only for a demo."""
    return [
        Account(username, name, hashes[username], roles, scopes) for username, (name, roles, scopes) in _DEMO.items()
    ]


def accounts_from_file(path: Path) -> list[Account]:
    """Read a TOML file with one `[accounts.NAME]` table each. Raises `SettingsError` naming what is wrong."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("accounts", {})
        return [_account(username, table) for username, table in tables.items()]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        detail = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise SettingsError(f"the accounts file {path} cannot be used: {detail}") from error


def _account(username: str, table: Mapping[str, Any]) -> Account:
    if not re.match(USERNAME, username):
        raise ValueError(f"{username!r} is not a user name")
    password_hash = table.get("password_hash")
    try:
        extract_parameters(str(password_hash))
    except InvalidHashError:
        raise ValueError(f"accounts.{username}.password_hash is not an argon2 PHC string") from None
    lists = []
    for field in ("roles", "scopes"):
        words = table.get(field, [])
        if not isinstance(words, list) or not all(isinstance(word, str) and re.match(WORD, word) for word in words):
            raise ValueError(f"accounts.{username}.{field} is not a list of words")
        lists.append(tuple(words))
    return Account(username, str(table.get("name", username)), str(password_hash), lists[0], lists[1])


class Accounts(Protocol):
    """Where accounts are found."""

    async def find(self, username: str) -> Account | None:
        """Return the account, None where there is none; raise `Unavailable` when that cannot be told."""

    async def replace_hash(self, account: Account, password_hash: str) -> None:
        """Store a better hash of the same password."""


class FileAccounts:
    """Accounts held in memory, as a file had them at start."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = {account.username: account for account in accounts}

    async def find(self, username: str) -> Account | None:
        """Return the account, None where there is none."""
        return self._accounts.get(username)

    async def replace_hash(self, account: Account, password_hash: str) -> None:
        """Keep a better hash until this process ends."""
        self._accounts[account.username] = replace(account, password_hash=password_hash)


_SEED = Script("""
-- Seed once: KEYS[1] the set of names, then a Redis key for each account; ARGV a name and JSON for each.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #KEYS do
    local name, json = ARGV[2 * i - 3], ARGV[2 * i - 2]
    redis.call('SET', KEYS[i], json)
    redis.call('SADD', KEYS[1], name)
end
return 1
""")

_FIND = Script("""
-- The account in KEYS[1], and whether anything was ever seeded (KEYS[2]): one round trip, known user or not.
return {redis.call('GET', KEYS[1]), redis.call('EXISTS', KEYS[2])}
""")

_REPLACE = Script("""
-- Replace the JSON in KEYS[1] if it is still ARGV[1] (an empty ARGV[1]: if there is none); KEYS[2] the set of names.
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SADD', KEYS[2], ARGV[3])
return 1
""")


class RedisAccounts:
    """Accounts in Redis, shared by all servers of both sides."""

    def __init__(self, link: RedisLink, seed: Iterable[Account]) -> None:
        self._link = link
        self._seed = list(seed)

    async def find(self, username: str) -> Account | None:
        """Return the account. When the store turns out to be empty it is seeded first, so a lost store heals itself."""
        text, seeded = await self._look_up(username)
        if not seeded:
            await self._seed_if_empty()
            text, _ = await self._look_up(username)
        return Account.from_json(text) if text is not None else None

    async def names(self) -> list[str]:
        """Return the names of all accounts, in order."""
        await self._seed_if_empty()
        members: Any = await self._link.call(lambda client: client.smembers(redis_keys.ACCOUNTS))
        return sorted(member.decode() for member in members)

    async def add(self, account: Account) -> None:
        """Add an account; raise `Conflict` if the name is taken."""
        await self._seed_if_empty()
        if not await self._replace("", account):
            raise Conflict("account", "There is an account of this name.")

    async def change(self, username: str, **changes: Any) -> Account:
        """Change fields of an account and return it; raise `NotFound`, or `Unavailable` when others keep doing so."""
        await self._seed_if_empty()
        for _ in range(5):
            text, _ = await self._look_up(username)
            if text is None:
                raise NotFound("account", "There is no account of this name.")
            account = replace(Account.from_json(text), **changes)
            if await self._replace(text.decode(), account):
                return account
        raise Unavailable("account", retry_after_s=1.0)

    async def replace_hash(self, account: Account, password_hash: str) -> None:
        """Store a better hash, unless the account was changed meanwhile."""
        await self._replace(account.to_json(), replace(account, password_hash=password_hash))

    async def _look_up(self, username: str) -> tuple[bytes | None, bool]:
        text, seeded = await self._link.run(_FIND, [redis_keys.account(username), redis_keys.ACCOUNTS], [])
        return text, bool(seeded)

    async def _replace(self, expected: str, account: Account) -> bool:
        keys = [redis_keys.account(account.username), redis_keys.ACCOUNTS]
        return bool(await self._link.run(_REPLACE, keys, [expected, account.to_json(), account.username]))

    async def _seed_if_empty(self) -> bool:
        keys = [redis_keys.ACCOUNTS, *(redis_keys.account(account.username) for account in self._seed)]
        arguments: list[str | bytes | int | float] = []
        for account in self._seed:
            arguments += [account.username, account.to_json()]
        return bool(await self._link.run(_SEED, keys, arguments))
