"""Lesson 3: a session in one server's memory is unknown to the next server."""

from core.accounts import DEMO_PASSWORDS
from lab.clients import session_of, try_login
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson


def _run(guide: Guide) -> None:
    first, second = guide.memories[:2]
    guide.tell.say(f"The textbook session lives in a dictionary of one process. Log in at {first.name}.")
    login = try_login(first.url, "alice", DEMO_PASSWORDS["alice"])
    guide.tell.show(login)
    if not guide.tell.expect(f"login at {first.name}", 200, login.status):
        return
    session = session_of(login)
    guide.tell.expect(f"{first.name}, where the login was", 200, guide.ask(first, session).status)
    guide.tell.say(f"Now a load balancer sends the next request to {second.name}.")
    answer = guide.ask(second, session)
    guide.tell.show(answer)
    guide.tell.expect(f"{second.name}, with the same cookie", 401, answer.status)
    guide.tell.say("With a store that both share, the second server knows.")
    shared = guide.session(guide.sessions[0])
    guide.tell.expect(
        f"{guide.sessions[1].name}, with the cookie of {guide.sessions[0].name}",
        200,
        guide.ask(guide.sessions[1], shared).status,
    )
    guide.tell.point("state in one process ties each caller to one server: sticky sessions, or a shared store.")


LESSON = Lesson(
    3,
    "The second server does not know you",
    "What happens when the next request goes to another server?",
    _run,
    needs=("memory-session", "memory-session", "redis-session", "redis-session"),
)
