"""Structured logs that hold no secret and never block the event loop.

aiohttp logs malformed request headers, credentials included, so the standard library's loggers pass through the same
redaction.
"""

import logging
import os
import queue
import re
import threading
from collections.abc import MutableMapping
from typing import Any, Protocol

import structlog

_QUEUE_LINES = 10_000
_STDERR_FD = 2
_SECRET_NAMES = re.compile(
    r"passw|secret|token|cookie|authorization|credential|master|private|csrf|^session_id$", re.IGNORECASE
)
_SECRET_TEXTS = re.compile(
    r"""
    eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,2}              # a JWT or a part of one
    | (?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])  # 256 bits as base64url: session ids, refresh tokens, keys
    | \$argon2[a-z]*\$\S+
    | (?i:bearer|basic)\s+\S+
    | (?i:(?:set-)?cookie|authorization)['"]?\s*[:=]\s*.*
    """,
    re.VERBOSE,
)
REDACTED = "[redacted]"


def redact(value: Any) -> Any:
    """Replace everything in a value that looks like a credential or a key."""
    if isinstance(value, str):
        return _SECRET_TEXTS.sub(REDACTED, value)
    if isinstance(value, bytes):
        return redact(value.decode("utf-8", "backslashreplace"))
    if isinstance(value, dict):
        return {name: REDACTED if _SECRET_NAMES.search(str(name)) else redact(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    clean: dict[str, Any] = redact(dict(event))
    return clean


def _printable(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape what would end a line or move a terminal's cursor; JSON does so by itself."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n" if name == "exception" else ""
            event[name] = "".join(
                letter if letter.isprintable() or letter in kept else letter.encode("unicode_escape").decode()
                for letter in value
            )
    return event


class Sink(Protocol):
    """Where lines go; a text file is one."""

    def write(self, text: str, /) -> object:
        """Take a line, all of it, or raise `OSError`."""

    def flush(self) -> object:
        """Keep nothing back."""


class _StandardError:
    """Standard error without Python's buffer: at exit Python waits for that, and so for a stuck sink, for ever."""

    def write(self, text: str) -> None:
        left = text.encode("utf-8", "backslashreplace")
        while left:
            left = left[os.write(_STDERR_FD, left) :]

    def flush(self) -> None:
        pass


class LineWriter:
    """Write lines on a thread of its own. When the sink is stuck, lines are dropped and counted; nobody waits."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lines: queue.Queue[str | None] = queue.Queue(_QUEUE_LINES)
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue one line."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what is queued, for a bounded time."""
        try:
            self._lines.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._sink.write(line + "\n")
                if self._lines.empty():
                    self._sink.flush()
            except (OSError, ValueError):
                self.dropped += 1


class _WriterLogger:
    """What structlog calls at the end of its chain."""

    def __init__(self, writer: LineWriter) -> None:
        self._write = writer.write

    def msg(self, line: str) -> None:
        self._write(line)

    debug = info = warning = error = critical = exception = msg


class _ToStructlog(logging.Handler):
    """Send the standard library's records down the same chain."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(max(record.levelno, logging.DEBUG), record.getMessage(), logger=record.name, exc_info=record.exc_info)


def configure_logs(*, server: str, level: str, log_format: str, sink: Sink | None = None) -> LineWriter:
    """Set up logging for this process and return the writer, to be closed last."""
    writer = LineWriter(_StandardError() if sink is None else sink)
    rendering: list[Any] = (
        [structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [_printable, structlog.dev.ConsoleRenderer(colors=False)]
    )

    def name_server(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("server", server)
        return event

    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_server,
            structlog.processors.format_exc_info,
            _redact_event,
            *rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _WriterLogger(writer),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=max(number, logging.WARNING), force=True)
    return writer


audit: Any = structlog.get_logger()
"""Every decision that matters, with ids and reasons, never with credentials."""
