"""Every route of every server: who may use it, what it answers to others, and that nothing else is there."""

import pytest

from core.authorization import PUBLIC
from core.endpoint import Endpoint
from core.service import ENDPOINTS
from resource_server.strategies import STRATEGIES as RESOURCE_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES
from tests.support.servers import Server, Servers
from tests.support.wire import request, spoken, status_of

OPEN_TO_ALL = {
    "GET /livez", "GET /readyz", "GET /metrics", "GET /openapi.json", "GET /docs", "GET /unguarded", "POST /login",
    "POST /oauth/token", "POST /oauth/revoke", "POST /oauth/introspect",
    "GET /.well-known/jwks.json", "GET /.well-known/oauth-authorization-server",
}  # fmt: skip
"""Everything that asks for no subject, and nothing else may. (The OAuth endpoints ask for a client.)"""
FOR_ADMINS = {
    "GET /admin/audit", "GET /admin/accounts", "POST /admin/accounts", "POST /admin/accounts/{name}/roles",
    "POST /admin/accounts/{name}/password", "POST /admin/accounts/{name}/disable",
    "POST /admin/accounts/{name}/enable", "GET /admin/keys", "POST /admin/keys/rotate",
    "POST /admin/keys/{kid}/retire", "POST /admin/accounts/{name}/end-sessions",
}  # fmt: skip
SCOPES = {"GET /orders": "orders:read", "POST /orders": "orders:write"}
NAMES = ("auth", *RESOURCE_STRATEGIES, *SESSION_STRATEGIES)


@pytest.fixture(params=NAMES)
async def server(request: pytest.FixtureRequest, servers: Servers, redis_url: str) -> Server:
    return await start(request.param, servers, redis_url)


async def start(name: str, servers: Servers, redis_url: str) -> Server:
    if name == "auth":
        return await servers.auth(redis_url)
    if name in SESSION_STRATEGIES:
        return await servers.session(name, redis_url)
    return await servers.resource(
        name,
        RESOURCE_REDIS_URL=redis_url,
        RESOURCE_INTROSPECTION_URL="http://127.0.0.1:9/oauth/introspect",
        RESOURCE_CLIENT_ID="demo-resource",
    )


def name_of(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def path_of(endpoint: Endpoint) -> str:
    return endpoint.path.replace("{", "").replace("}", "")


async def test_every_route_declares_a_policy_and_it_is_the_one_written_here(server: Server) -> None:
    """A route that is added with the wrong policy, or none, is found here."""
    endpoints = server.app[ENDPOINTS]
    declared = {name_of(endpoint): endpoint.policy for endpoint in endpoints}
    assert len(endpoints) == len(declared), "a method and path twice"
    assert {name for name, policy in declared.items() if policy == PUBLIC} <= OPEN_TO_ALL
    assert {name for name, policy in declared.items() if policy.role == "admin"} == FOR_ADMINS & set(declared)
    scoped = {name: policy.scope for name, policy in declared.items() if policy.scope is not None}
    assert scoped == {name: scope for name, scope in SCOPES.items() if name in declared}


async def test_nothing_is_routed_that_has_no_policy(server: Server) -> None:
    declared = {endpoint.path for endpoint in server.app[ENDPOINTS]}
    routed = {resource.canonical for resource in server.app.router.resources()}
    assert {"/{unknown}"} == routed - declared
    assert 404 == (await server.get("/made/up")).status


async def test_without_a_credential_only_open_routes_do_anything(server: Server) -> None:
    for endpoint in server.app[ENDPOINTS]:
        answer = await server.send(endpoint.method, path_of(endpoint))
        if endpoint.policy.public:
            assert answer.status not in {403, 404, 405, 500}, name_of(endpoint)
        else:
            assert (401, "no_credential") == (answer.status, answer.code), name_of(endpoint)
            assert "WWW-Authenticate" in answer.headers
            assert "error=" not in answer.headers["WWW-Authenticate"], "RFC 6750 §3.1: nothing was presented"


async def test_other_methods_are_refused_with_what_is_allowed(server: Server) -> None:
    """SES-14: an allow-list of methods; what reads does not write."""
    allowed: dict[str, set[str]] = {}
    for endpoint in server.app[ENDPOINTS]:
        allowed.setdefault(path_of(endpoint), set()).add(endpoint.method)
    for path, methods in allowed.items():
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} - methods:
            answer = await server.send(method, path)
            assert (405, methods) == (answer.status, set(answer.headers["Allow"].split(", "))), f"{method} {path}"
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_path_that_is_none_of_ours_is_a_problem(server: Server) -> None:
    for path in ("/", "/nope", "/me/", "//me", "/ME", "/admin", "/.git/config", "/%2e%2e/etc/passwd", "/me%00", "/*"):
        answer = await server.get(path)
        assert (404, "not_found") == (answer.status, answer.code), path


async def test_every_answer_carries_the_safe_headers(server: Server) -> None:
    for path in ("/livez", "/nope", "/openapi.json"):
        headers = (await server.get(path)).headers
        assert ("nosniff", "no-referrer", "authlab") == (
            headers["X-Content-Type-Options"],
            headers["Referrer-Policy"],
            headers["Server"],
        )
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


async def test_health_tells_no_versions(server: Server) -> None:
    for path in ("/livez", "/readyz"):
        answer = await server.get(path)
        assert answer.status in {200, 503}
        assert [] == [
            word for word in ("aiohttp", "Python", "redis") if word in answer.body.decode() + str(answer.headers)
        ]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://evil.example/livez HTTP/1.1", 200),
        ("GET /livez HTTP/1.1\r\nHost: other.example", 400),
        ("GET /livez HTTP/9.9", 400),
        ("/livez", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01", 400),
    ],
)
async def test_a_strange_request_line_gets_a_clear_answer(servers: Servers, line: str, status: int) -> None:
    server = await servers.resource()
    answer = await spoken(server.url, f"{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode("latin-1"))
    assert status == status_of(answer)
    assert b"evil.example" not in answer


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: xchunked",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("X-Folded: a\r\n b",),
        ("X-Space : a",),
        ("X-Null: a\0b",),
        ("X-Long: " + "x" * 9000,),
        tuple(f"X-{number}: a" for number in range(200)),
    ],
    ids=lambda headers: headers[0][:30],
)
async def test_a_request_that_two_servers_could_read_in_two_ways_is_refused(
    servers: Servers, headers: tuple[str, ...]
) -> None:
    """Request smuggling (HTTP-01) and header floods (HTTP-02)."""
    server = await servers.resource()
    answer = await spoken(server.url, request("POST", "/orders", *headers) + b"5\r\nhello\r\n0\r\n\r\n")
    assert 400 == status_of(answer)
    assert b"Connection: close" in answer
