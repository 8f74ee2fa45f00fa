"""User name and password → account. The only code of ours that sees a password."""

from aiohttp import web
from pydantic import Field

from core.accounts import Account, Accounts
from core.body import Body
from core.errors import BadCredentials
from core.logs import audit
from core.passwords import Passwords
from core.throttle import Throttle

_MAX_USER_AGENT_CHARS = 200


class Credentials(Body):
    """What a user logs in with."""

    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1024, repr=False)


class Login:
    """Check credentials; a wrong password, an unknown user and a disabled account cost and look the same."""

    def __init__(self, accounts: Accounts, passwords: Passwords, throttle: Throttle) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._throttle = throttle

    async def check(self, credentials: Credentials, request: web.Request) -> Account:
        """Return the account; raise `BadCredentials`, `Throttled`, or `Unavailable` when it cannot be decided."""
        address = request.remote or ""
        # First what cannot be done without the store: asked second, its deadline would be waited for twice.
        account = await self._accounts.find(credentials.username)
        await self._throttle.admit(credentials.username, address)
        password_hash = account.password_hash if account is not None else None
        matches = await self._passwords.verify(password_hash, credentials.password)
        if account is None or not matches or account.disabled:
            await self._throttle.failed(credentials.username, address)
            audit.info("login.failed", sub=account.username if account else None, address=address)
            raise BadCredentials("credentials")
        await self._throttle.succeeded(account.username)
        if self._passwords.is_outdated(account.password_hash):
            await self._accounts.replace_hash(account, await self._passwords.hash(credentials.password))
        return account


def user_agent_of(request: web.Request) -> str:
    """Return what a login tells its owner about where it was made: ASCII, and not too much of it."""
    return request.headers.get("User-Agent", "").encode("ascii", "replace").decode()[:_MAX_USER_AGENT_CHARS]
