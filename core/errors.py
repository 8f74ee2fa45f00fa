"""What can go wrong with a request, each named for what was not proved.

`reason` is for the log and the lab; a client sees `code`, and for a rejected credential the same bytes whatever the
reason.
"""

from typing import ClassVar


class Refusal(Exception):
    """A request that gets a clear answer other than the one it asked for."""

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, reason: str, detail: str | None = None, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.retry_after_s = retry_after_s


class Rejected(Refusal):
    """The credential did not prove who is asking."""

    status = 401
    code = "invalid_credential"
    title = "The credential was refused"


class NoCredential(Rejected):
    """The request carried no credential."""

    code = "no_credential"
    title = "A credential is needed"


class BadCredentials(Refusal):
    """User name and password do not belong together."""

    status = 401
    code = "bad_credentials"
    title = "Wrong user name or password"


class Forbidden(Refusal):
    """The subject is known and may not do this."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class CsrfRefused(Forbidden):
    """Nothing proves that the request came from a page of ours (OWASP CSRF)."""

    code = "csrf"
    title = "The request did not prove where it came from"


class BadRequest(Refusal):
    """The request cannot be understood."""

    status = 400
    code = "bad_request"
    title = "The request cannot be understood"


class NotFound(Refusal):
    """There is nothing under this name, or nothing of the caller's."""

    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(Refusal):
    """The resource exists and has no such method."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    allowed: tuple[str, ...] = ()


class Conflict(Refusal):
    """The change does not fit what is there."""

    status = 409
    code = "conflict"
    title = "Conflict"


class TooLarge(Refusal):
    """The body is larger than this server reads."""

    status = 413
    code = "too_large"
    title = "The body is too large"


class UnsupportedMediaType(Refusal):
    """The body is not of the type that this resource takes."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


class Throttled(Refusal):
    """Too many attempts; later ones are welcome."""

    status = 429
    code = "throttled"
    title = "Too many attempts"


class NoStore(Refusal):
    """This server runs without the store that the call needs."""

    status = 501
    code = "no_store"
    title = "This server runs without a store"


class Unavailable(Refusal):
    """Something that the answer depends on cannot be asked; nothing was decided."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"


class Draining(Unavailable):
    """The server is about to stop."""

    code = "draining"
    title = "Shutting down"
