"""Every server does what its own description says, also for requests that no client would think of (schemathesis)."""

from collections.abc import Mapping
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.system.house import RESOURCES, SESSIONS, House

_EXAMPLES = 12
ONE_OF_EACH = ("auth", "resource-1", "session-1")
"""The others have the routes of one of these."""
BEYOND_A_SCHEMA = {
    "POST /login": "an audience is one of the server's own",
    "POST /password": "a password may be long enough and easy to guess all the same",
    "POST /admin/accounts": "the same",
    "POST /admin/accounts/{name}/password": "the same",
    "POST /oauth/token": "a client proves itself in one of two ways, and grants differ in what they need (RFC 6749)",
    "POST /oauth/revoke": "the same",
    "POST /oauth/introspect": "the same",
}
"""Where a request may fit its schema and be refused with 400, and why no schema can say so."""


def _proofs(house: House, name: str) -> dict[str, str]:
    """Log an admin in and return the headers that a server recognises them by."""
    side = name if name in SESSIONS else "auth"
    credentials = {"username": "root", "password": "root-demo-password"}
    answer = requests.post(f"{house.url(side)}/login", json=credentials, timeout=5)
    assert 200 == answer.status_code, answer.text
    body = answer.json()
    if side == "auth":
        return {"Authorization": f"Bearer {body['access_token']}"}
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in answer.cookies)
    return {"Cookie": cookies, "X-CSRF-Token": body["csrf_token"]}


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_it_does_what_it_says(name: str, house: House) -> None:
    schema = schemathesis.openapi.from_url(f"{house.url(name)}/openapi.json")
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr] # an error fails
    for operation in operations:
        _hold(operation, _proofs(house, name))
    assert {operation.label for operation in operations} == _routes(house, name) - {"GET /openapi.json"}


def _hold(operation: Any, proofs: Mapping[str, str]) -> None:
    """Call one operation again and again; every answer is what the description says of that request."""
    excluded: list[Any] = [positive_data_acceptance] if operation.label in BEYOND_A_SCHEMA else []

    @settings(max_examples=_EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        case.call_and_validate(headers=proofs, excluded_checks=excluded)

    holds()


def test_every_server_is_tried_or_is_like_one_that_is(house: House) -> None:
    described = {name: _routes(house, name) for name in house.servers}
    tried = [described[name] for name in ONE_OF_EACH]
    assert {"auth", *RESOURCES, *SESSIONS} == set(described)
    assert [] == [name for name, routes in described.items() if routes not in tried]
    everything = {route for routes in described.values() for route in routes}
    assert set(BEYOND_A_SCHEMA) <= everything, "an exception for a route that is gone"


def _routes(house: House, name: str) -> set[str]:
    paths = requests.get(f"{house.url(name)}/openapi.json", timeout=5).json()["paths"]
    return {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
