"""The auth server, put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from auth_server.admin_api import ADMIN_ENDPOINTS
from auth_server.clients import clients_from_file, demo_clients
from auth_server.discovery_api import DISCOVERY_ENDPOINTS
from auth_server.key_store import KeyStore
from auth_server.login_api import LOGIN_ENDPOINTS
from auth_server.oauth_api import OAUTH_ENDPOINTS
from auth_server.oauth_errors import render
from auth_server.password_api import PASSWORD_ENDPOINTS
from auth_server.settings import AuthSettings
from auth_server.state import STATE, VERIFIED, AuthState, open_state
from core.bearer import bearer_challenge, bearer_token
from core.errors import Refusal
from core.frame import Guard
from core.seed import seed_accounts
from core.service import NOT_READY, Service, build_app
from core.settings import SettingsError
from core.subject import Subject


class AuthGuard:
    """Recognises callers by the tokens that this server itself issued, as long as nobody took them back."""

    def __init__(self, state: AuthState) -> None:
        self._introspection = state.introspection

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks in the order in which they decide."""
        return self._introspection.checks

    async def authenticate(self, request: web.Request) -> Subject:
        """Return who is asking."""
        verified = await self._introspection.verified(bearer_token(request))
        request[VERIFIED] = verified
        return verified.subject

    def challenge(self, _request: web.Request, refusal: Refusal) -> Mapping[str, str]:
        """Return the header of RFC 6750 §3."""
        return bearer_challenge(refusal)


def create_app(settings: AuthSettings) -> web.Application:
    """Build an auth server. Raises `SettingsError` when keys, accounts or clients cannot be used."""
    if settings.auth_clients_file is not None:
        clients = clients_from_file(settings.auth_clients_file, demo=settings.authlab_demo)
    elif settings.authlab_demo:
        clients = demo_clients()
    else:
        raise SettingsError("AUTH_CLIENTS_FILE is missing: there is no client that tokens could be issued to")
    seed = seed_accounts(
        settings, settings.auth_accounts_file, "AUTH_ACCOUNTS_FILE", stored=bool(settings.auth_redis_url)
    )
    keys = KeyStore(settings)
    keys.load()

    @asynccontextmanager
    async def resources(app: web.Application) -> AsyncIterator[Guard]:
        async with open_state(settings, keys, clients, seed) as state:
            app[STATE] = state
            app[NOT_READY].append(lambda: None if keys.signing(settings.auth_audiences[0]) else "no signing key")
            yield AuthGuard(state)

    service = Service(
        title="Auth Lab: auth server",
        endpoints=[*LOGIN_ENDPOINTS, *PASSWORD_ENDPOINTS, *OAUTH_ENDPOINTS, *DISCOVERY_ENDPOINTS, *ADMIN_ENDPOINTS],
        resources=resources,
        security={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        render=render,
    )
    return build_app(settings, service)
