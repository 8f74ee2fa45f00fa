"""Every way in which a resource server can verify a token. A new one is a file beside these and a line below."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core.contract import Verifier
from resource_server.settings import ResourceSettings
from resource_server.strategies.denylisted_jwt import DenylistedJwt
from resource_server.strategies.introspected_token import IntrospectedToken
from resource_server.strategies.plain_jwt import PlainJwt
from resource_server.strategies.pushed_jwt import PushedJwt


class ResourceStrategy(Verifier, Protocol):
    """A verifier that a resource server can open."""

    @classmethod
    def check(cls, settings: ResourceSettings) -> None:
        """Raise `SettingsError` for what is missing, before any process is started."""

    @classmethod
    def open(cls, settings: ResourceSettings) -> AbstractAsyncContextManager["ResourceStrategy"]:
        """Open everything the strategy needs."""


STRATEGIES: dict[str, type[ResourceStrategy]] = {
    "plain-jwt": PlainJwt,
    "denylisted-jwt": DenylistedJwt,
    "pushed-jwt": PushedJwt,
    "introspected-token": IntrospectedToken,
}
