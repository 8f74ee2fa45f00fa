"""Lesson 2: one token works at three servers that ask nobody; one cookie at two that ask the same store."""

from lab.clients import Credential
from lab.places import Server
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson

_NOT_COUNTED = "the stores' command counts are out of reach"


def _run(guide: Guide) -> None:
    guide.tell.say("One login at the auth server; then the same token at every resource server.")
    token = guide.token()
    _same_everywhere(guide, guide.resources, token)
    _commands(guide, guide.resources, token, expected="none")
    guide.tell.say("One login at one session server; then the same cookie at every server that shares the store.")
    session = guide.session(guide.sessions[0])
    _same_everywhere(guide, guide.sessions, session)
    _commands(guide, guide.sessions, session, expected=f"{len(guide.sessions)} get")
    guide.tell.point("the token is verified by calculating, the cookie by asking. Asking costs a command each time.")


def _same_everywhere(guide: Guide, servers: list[Server], credential: Credential) -> None:
    for server in servers:
        answer = guide.ask(server, credential)
        if server is servers[0]:
            guide.tell.show(answer)
        guide.tell.expect(f"{server.name} takes the caller for", "alice", answer.json().get("sub"))
        if timing := answer.header("Server-Timing"):
            guide.tell.detail(f"{server.name} spent, in ms: {timing}")


def _commands(guide: Guide, servers: list[Server], credential: Credential, *, expected: str) -> None:
    name = f"store commands for one request at each of {', '.join(server.name for server in servers)}"
    counted = guide.store_commands(lambda: [guide.ask(server, credential) for server in servers])
    if counted is None:
        guide.tell.skip(name, _NOT_COUNTED)
    else:
        guide.tell.expect(name, expected, ", ".join(f"{n} {command}" for command, n in counted.items()) or "none")


LESSON = Lesson(
    2,
    "One token, three servers",
    "Can a server recognise you that has never seen you and asks nobody?",
    _run,
    needs=("plain-jwt", "redis-session"),
)
