"""Errors of the OAuth endpoints, written as RFC 6749 §5.2 has them; everything else answers problems (RFC 9457)."""

from collections.abc import Mapping

from aiohttp import web

from core.answers import Answer, json_answer, problem_answer, tell_retry
from core.errors import Refusal

_ERROR_BY_STATUS: Mapping[int, str] = {
    500: "server_error",
    501: "no_store",
    503: "temporarily_unavailable",
}


class OAuthRefusal(Refusal):
    """A refused OAuth request with its standard error code."""

    status = 400
    code = "bad_request"
    title = "The request was refused"

    def __init__(self, error: str, description: str | None = None) -> None:
        super().__init__(error, description)
        self.error = error


class InvalidClient(OAuthRefusal):
    """The client did not prove who it is."""

    status = 401

    def __init__(self) -> None:
        super().__init__("invalid_client", "Unknown client, or wrong client secret.")


def render(request: web.Request, refusal: Refusal) -> Answer:
    """Write a refusal in the form that belongs to the endpoint."""
    if not request.path.startswith("/oauth/"):
        return problem_answer(refusal)
    error = (
        refusal.error if isinstance(refusal, OAuthRefusal) else _ERROR_BY_STATUS.get(refusal.status, "invalid_request")
    )
    body = {"error": error} if refusal.detail is None else {"error": error, "error_description": refusal.detail}
    answer = json_answer(body, status=refusal.status)
    tell_retry(answer, refusal)
    if isinstance(refusal, InvalidClient):
        answer.headers["WWW-Authenticate"] = 'Basic realm="authlab"'
    return answer
