"""The resource server, put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from core.bearer import bearer_challenge, bearer_token
from core.contract import Verifier
from core.errors import Refusal
from core.frame import Guard
from core.guarded import guarded_endpoints
from core.metrics import Metrics
from core.service import FRAME, NOT_READY, Service, build_app
from core.settings import SettingsError
from core.subject import Subject
from resource_server.settings import ResourceSettings
from resource_server.strategies import STRATEGIES
from resource_server.strategies.pushed_jwt import PushedJwt
from resource_server.token_cache import TokenCache


class BearerGuard:
    """Recognises callers by a bearer token, with one strategy."""

    def __init__(self, verifier: Verifier) -> None:
        self._verify = verifier.verify
        self.checks = verifier.checks

    async def authenticate(self, request: web.Request) -> Subject:
        """Return who is asking."""
        return await self._verify(bearer_token(request))

    def challenge(self, _request: web.Request, refusal: Refusal) -> Mapping[str, str]:
        """Return the header of RFC 6750 §3."""
        return bearer_challenge(refusal)


def create_app(settings: ResourceSettings) -> web.Application:
    """Build a resource server. Raises `SettingsError` for an unknown strategy or what it lacks."""
    strategy = STRATEGIES.get(settings.resource_strategy)
    if strategy is None:
        raise SettingsError(f"RESOURCE_STRATEGY is one of {', '.join(STRATEGIES)}")
    strategy.check(settings)

    @asynccontextmanager
    async def resources(app: web.Application) -> AsyncIterator[Guard]:
        async with strategy.open(settings) as verifier:
            app[NOT_READY].append(verifier.not_ready)
            _publish_metrics(app[FRAME].metrics, verifier)
            yield BearerGuard(verifier)

    service = Service(
        title=f"Auth Lab: resource server ({settings.resource_strategy})",
        endpoints=guarded_endpoints(settings.name or "resource", settings.resource_strategy),
        resources=resources,
        security={"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    )
    return build_app(settings, service)


def _publish_metrics(metrics: Metrics, verifier: Verifier) -> None:
    cache: TokenCache | None = getattr(getattr(verifier, "tokens", None), "cache", None)
    if cache is not None:
        metrics.counter("authlab_token_cache_hits", "Tokens seen before.", lambda: cache.hits)
        metrics.counter("authlab_token_cache_misses", "Tokens verified anew.", lambda: cache.misses)
        metrics.gauge("authlab_token_cache_entries", "Tokens remembered.", lambda: len(cache))
    if isinstance(verifier, PushedJwt):
        metrics.gauge("authlab_revocation_lag_seconds", "Age of the last word from the feed.", verifier.feed.age_s)
        metrics.gauge("authlab_revocation_marks", "Revocations known here.", lambda: len(verifier.feed.marks))
