"""`/s/<server>/…`: pass a browser's request on to a server, and its answer back, as they are."""

from aiohttp import web

from lab.gateway.access import LEARNER, TOKEN_HEADER, problem
from lab.gateway.exchanges import Errand, Exchanges
from lab.gateway.wire import BadRequestLine, Headers, Request

EXCHANGES = web.AppKey("exchanges", Exchanges)
COOKIE = web.AppKey("cookie", str)
ACTION_HEADER = "Authlab-Action"
EVENT_HEADER = "Authlab-Event"
_NOT_PASSED_ON = frozenset(
    {
        "host", "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "content-length", "expect", "authlab-secret", TOKEN_HEADER.lower(), ACTION_HEADER.lower(),
    }
)  # fmt: skip
_NOT_PASSED_BACK = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
_MAX_ACTION_CHARS = 100


async def forward(request: web.Request) -> web.StreamResponse:
    """Forward a request to the server that the path names, or to the next one of the group that it names."""
    learner = request[LEARNER]
    name = request.match_info["server"]
    server = learner.dealer.deal(name)
    if server is None:
        return problem(404, "no_such_server", f"There is no server called {name} here.")
    target = request.raw_path.partition(f"/s/{name}")[2] or "/"
    try:
        passed_on = Request(request.method, target, _headers(request), await request.read())
        dealt_from = name if server.name != name else None
        action = request.headers.get(ACTION_HEADER, "")[:_MAX_ACTION_CHARS]
        outcome = await request.app[EXCHANGES].run(Errand(server, passed_on, action, dealt_from=dealt_from), learner)
    except BadRequestLine as error:
        return problem(400, "bad_request", str(error))
    if outcome.answer is None:
        response: web.StreamResponse = problem(502, "no_answer", f"{server.name}: {outcome.failure}")
    else:
        response = web.Response(status=outcome.answer.status, reason=outcome.answer.reason, body=outcome.answer.body)
        response.headers.popall("Content-Type", None)
        for header, value in outcome.answer.headers:
            if header.lower() not in _NOT_PASSED_BACK:
                response.headers.add(header, value)
    response.headers[EVENT_HEADER] = str(outcome.number)
    return response


def _headers(request: web.Request) -> Headers:
    """Return the headers as the browser wrote them, without those between it and the gateway alone."""
    headers = []
    for raw_name, raw_value in request.raw_headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name.lower() == "cookie":
            value = _without_ours(value, request.app[COOKIE])
        if name.lower() not in _NOT_PASSED_ON and value:
            headers.append((name, value))
    return headers


def _without_ours(cookies: str, ours: str) -> str:
    """Take the lab's own cookie out: servers would not get it if the lab were not between."""
    return "; ".join(pair for pair in cookies.split("; ") if not pair.startswith(f"{ours}="))
