"""What a server must say to an attack."""

import time
from collections.abc import Iterable, Mapping

from tests.attacks.system import Resource
from tests.attacks.wire import Answer, bearer, call

REFUSED = b'{"type":"about:blank","title":"The credential was refused","status":401,"code":"invalid_credential"}'
"""The one body for every reason (RFC 8725 successor draft §3.14): what was wrong with a token is nobody's business."""
INVALID_TOKEN = 'Bearer realm="authlab", error="invalid_token"'


def present(resource: Resource, token: str | bytes) -> Answer:
    """Show a token to a resource server."""
    return call(resource.port, "GET", "/me", bearer(token))


def assert_refused(resources: Iterable[Resource], tokens: Mapping[str, str | bytes]) -> None:
    """Assert that every server refuses every token, with the same bytes."""
    wrong = [
        (resource.name, name, answer)
        for resource in resources
        for name, token in tokens.items()
        if not is_refusal(answer := present(resource, token))
    ]
    assert not wrong, (len(wrong), wrong[:3])


def is_refusal(answer: Answer) -> bool:
    """Tell whether this is the answer that a wrong token gets."""
    return (401, INVALID_TOKEN, REFUSED) == (answer.status, answer.header("WWW-Authenticate"), answer.body)


def assert_accepted(resources: Iterable[Resource], token: str, subject: str = "root") -> None:
    """Assert that every server takes a token, and for whom it takes its bearer."""
    for resource in resources:
        answer = present(resource, token)
        assert (200, subject) == (answer.status, answer.json().get("sub")), (resource.name, answer)


def eventually_refused(resources: Iterable[Resource], token: str, *, within_s: float = 1.0) -> None:
    """Wait until every server refuses; raise `AssertionError` when one takes longer than its promise (1 s at most)."""
    deadline = time.monotonic() + within_s
    for resource in resources:
        while not is_refusal(answer := present(resource, token)):
            assert time.monotonic() < deadline, (resource.name, answer)
