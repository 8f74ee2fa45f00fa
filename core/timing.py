"""How long one request waited for lookups; collected only where `SERVER_TIMING` asks for it."""

from contextvars import ContextVar

LOOKUPS_S: ContextVar[list[float] | None] = ContextVar("lookups_s", default=None)
"""The list that lookups of the current request add their seconds to; None when nobody wants to know."""
