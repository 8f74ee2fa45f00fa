"""What the auth server's endpoints share, opened once at start."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from auth_server.access_tokens import AccessTokens
from auth_server.clients import Client
from auth_server.introspection import Introspection
from auth_server.key_store import KeyStore
from auth_server.logins import Logins
from auth_server.settings import AuthSettings
from core.access_token import VerifiedToken
from core.accounts import Account, FileAccounts, RedisAccounts
from core.errors import NoStore, Unavailable
from core.login import Login
from core.logs import audit
from core.passwords import Passwords
from core.reads import CoalescedReads
from core.redis_link import open_redis
from core.throttle import make_throttle


@dataclass(frozen=True)
class AuthState:
    """Everything one auth server works with. Without a store, `logins` and `stored_accounts` are None."""

    settings: AuthSettings
    keys: KeyStore
    clients: Mapping[str, Client]
    passwords: Passwords
    login: Login
    access_tokens: AccessTokens
    introspection: Introspection
    logins: Logins | None
    accounts: FileAccounts | RedisAccounts

    def memory(self) -> Logins:
        """Return the store of logins; raise `NoStore` where there is none."""
        if self.logins is None:
            raise NoStore("no_store", "This auth server has no AUTH_REDIS_URL.")
        return self.logins

    def stored_accounts(self) -> RedisAccounts:
        """Return accounts that can be changed; raise `NoStore` where they come from a file alone."""
        if not isinstance(self.accounts, RedisAccounts):
            raise NoStore("no_store", "This auth server has no AUTH_REDIS_URL.")
        return self.accounts


STATE = web.AppKey("state", AuthState)
VERIFIED = web.RequestKey("verified", VerifiedToken)
"""What the caller's own access token proved: its login is what `/logout` ends."""


@asynccontextmanager
async def open_state(
    settings: AuthSettings, keys: KeyStore, clients: Mapping[str, Client], seed: Sequence[Account]
) -> AsyncIterator[AuthState]:
    """Open what the endpoints need, and close it."""
    async with AsyncExitStack() as stack:
        passwords = Passwords(memory_kib=settings.login_hash_memory_kib)
        stack.callback(passwords.close)
        link = await stack.enter_async_context(open_redis(settings.auth_redis_url)) if settings.auth_redis_url else None
        accounts = FileAccounts(seed) if link is None else RedisAccounts(link, seed)
        throttle = make_throttle(settings, link)
        logins = None if link is None else Logins(link, settings, keys.refresh_secret)
        reads = None if link is None else CoalescedReads(link)
        state = AuthState(
            settings=settings,
            keys=keys,
            clients=clients,
            passwords=passwords,
            login=Login(accounts, passwords, throttle),
            access_tokens=AccessTokens(settings, keys, logins),
            introspection=Introspection(settings, keys, logins, reads),
            logins=logins,
            accounts=accounts,
        )
        housekeeping = asyncio.create_task(_keep_house(keys, logins))
        stack.callback(housekeeping.cancel)
        yield state


async def _keep_house(keys: KeyStore, logins: Logins | None) -> None:
    """Each second: follow key files and times, and see that the store knows since when it knows revocations."""
    while True:
        try:
            await asyncio.to_thread(keys.reload)
        except (OSError, ValueError) as error:
            audit.error("keys.unreadable", error=type(error).__name__)
        if logins is not None:
            try:
                await logins.begin()
            except Unavailable:
                audit.warning("redis.unavailable", store="redis-auth")
        await asyncio.sleep(1.0)
