"""Every way in which a session server can remember sessions. A new one is a file beside these and a line below."""

from session_server.contract import SessionStrategy
from session_server.strategies.memory_session import MemorySessions
from session_server.strategies.redis_session import RedisSessions
from session_server.strategies.tracked_session import TrackedSessions

STRATEGIES: dict[str, type[SessionStrategy]] = {
    "memory-session": MemorySessions,
    "redis-session": RedisSessions,
    "tracked-session": TrackedSessions,
}
