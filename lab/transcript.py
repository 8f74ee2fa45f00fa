"""Show a captured message with its credentials shortened: long enough to be told apart, too short to be used."""

import re

from lab.wire import Exchange

_SHOWN = 6
_MAX_BODY_CHARS = 600
_SECRET_HEADERS = re.compile(
    r"^(?P<name>authorization|cookie|set-cookie|x-csrf-token|authlab-secret)(?P<colon>:\s*)(?P<value>.*)$",
    re.IGNORECASE,
)
_LONG_WORD = re.compile(r"[A-Za-z0-9_.-]{32,}")
_SECRET_MEMBER = re.compile(
    r'(?P<name>"(?:access_token|refresh_token|csrf_token|password)"\s*:\s*")(?P<value>[^"]*)(?P<quote>")'
)
_SECRET_FIELD = re.compile(r"(?P<name>\b(?:refresh_token|token|client_secret)=)(?P<value>[^&\s]+)")


def shortened(secret: str) -> str:
    """Return the two ends of a credential and its length."""
    if len(secret) <= 2 * _SHOWN:
        return "…"
    return f"{secret[:_SHOWN]}…{secret[-_SHOWN:]} ({len(secret)} characters)"


def request_text(exchange: Exchange) -> str:
    """Return the request for reading."""
    return _readable(exchange.request)


def answer_text(exchange: Exchange) -> str:
    """Return the answer for reading."""
    return _readable(exchange.answer)


def _readable(message: bytes) -> str:
    head, _, body = message.partition(b"\r\n\r\n")
    lines = [_clean_header(line) for line in head.decode("latin-1").split("\r\n")]
    text = _clean_body(body.decode("utf-8", "replace"))
    if len(text) > _MAX_BODY_CHARS:
        text = f"{text[:_MAX_BODY_CHARS]}… ({len(body)} bytes)"
    return "\n".join([*lines, *(["", text] if text else [])])


def _clean_header(line: str) -> str:
    match = _SECRET_HEADERS.match(line)
    if match is None:
        return line
    value = _LONG_WORD.sub(lambda word: shortened(word.group()), match["value"])
    if match["name"].lower() == "authorization" and match["value"].lower().startswith("basic"):
        value = f"Basic {shortened(match['value'][6:])}"
    return f"{match['name']}{match['colon']}{value}"


def _clean_body(text: str) -> str:
    text = _SECRET_MEMBER.sub(lambda match: match["name"] + shortened(match["value"]) + match["quote"], text)
    return _SECRET_FIELD.sub(lambda match: match["name"] + shortened(match["value"]), text)
