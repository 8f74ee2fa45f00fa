"""compose.yaml, run for real: it comes up, shows what it should, and keeps apart what must not meet."""

import json
import re
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from lab.clients import Refused, TokenLogin, call, token_login
from lab.topology import AUTH, PAGE, PUBLIC_KEYS, Choices, Secrets, ServerPlan, Sight, Stores, servers
from tests.compose.stack import Stack

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1200)]

SERVERS = {
    "auth", "resource-1", "resource-2", "resource-3", "session-1", "session-2", "memory-1", "memory-2", "gateway",
}  # fmt: skip
STORES = {"redis-auth", "redis-sessions"}
DETOURS = {"detour-auth", "detour-redis-auth", "detour-redis-sessions"}

WHERE_THINGS_ARE = re.compile(r"(_URL|_FILE|_DIRS?|_ISSUER|_ORIGINS|_SERVERS|_PROXIES)$")
"""Settings that name an address or a path are another in a container."""

REACHES = """
import socket, sys
def reaches(host, port):
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True
print(*(reaches(host, int(port)) for host, port in (pair.split(":") for pair in {places!r})))
"""


def test_up_wait_brings_every_service_to_healthy(stack: Stack) -> None:
    containers = stack.containers()

    assert 0 == containers.pop("init")["State"]["ExitCode"]
    assert SERVERS | STORES | DETOURS == containers.keys()
    assert {"healthy"} == {one["State"]["Health"]["Status"] for one in containers.values()}


def test_containers_run_the_same_servers_as_the_command(tag: str) -> None:
    stack = Stack(f"authlab-{tag}", tag)
    described = json.loads(stack.compose("config", "--format", "json", profiles=("*",)))["services"]
    published = {name.removeprefix("detour-"): one for name, one in described.items() if "ports" in one}

    sight = Sight(stores_are_ours=True)
    planned = servers(Choices(everything=True), Stores("redis://a", "redis://b"), Secrets(Path("secrets")), sight)

    assert {plan.name for plan in planned} == published.keys()
    for plan in planned:
        service = described[plan.name]
        assert ["python", "-m", plan.module] == service["command"]
        assert str(plan.port) == service["environment"]["PORT"]
        assert [plan.port] == [port["target"] for port in published[plan.name]["ports"]]
        told = service["environment"]
        shared = {name for name in plan.environment.keys() & told if not WHERE_THINGS_ARE.search(name)}
        assert {name: plan.environment[name] for name in shared} == {name: told[name] for name in shared}
        assert strategy_of(plan) == told.get("RESOURCE_STRATEGY", told.get("SESSION_STRATEGY"))


def strategy_of(plan: ServerPlan) -> str | None:
    """Return what a server is told of its strategy; auth servers and the page have none."""
    strategy = (plan.strategy or AUTH).removesuffix(PUBLIC_KEYS)
    return None if strategy in {AUTH, PAGE} else strategy


def test_the_page_forwards_to_the_servers_of_the_plan(tag: str) -> None:
    described = json.loads(Stack(f"authlab-{tag}", tag).compose("config", "--format", "json", profiles=("*",)))
    lines = described["services"]["gateway"]["environment"]["GATEWAY_SERVERS"].splitlines()

    planned = servers(Choices(everything=True), Stores("redis://a", "redis://b"), Secrets(Path("secrets")))

    named = {(plan.name, plan.strategy or AUTH) for plan in planned if plan.strategy != PAGE}
    assert named == {tuple(line.split()[:2]) for line in lines}


def test_the_page_is_published_and_shows_the_servers_that_answer(stack: Stack) -> None:
    page = stack.url("AUTHLAB_PORT")
    with urlopen(f"{page}/", timeout=5) as answer:  # noqa: S310 - it is our own address
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    with urlopen(Request(f"{page}/lab/events", headers={"Cookie": cookie}), timeout=10) as events:  # noqa: S310 - as above
        told = next(line for line in events if line.startswith(b"data:") and b'"can_break"' in line)
    shown = json.loads(told.removeprefix(b"data:"))
    assert SERVERS - {"gateway"} == {server["name"] for server in shown["servers"]}
    assert {"ready"} == {server["state"] for server in shown["servers"]}
    assert {"redis-auth", "redis-sessions", "auth"} <= set(shown["can_break"])


def test_the_tour_comes_to_its_end_as_announced(stack: Stack) -> None:
    said = stack.compose("run", "--rm", "tour", profiles=("tour",))

    assert "outcomes came as announced" in said


def test_the_tour_of_all_strategies_comes_to_its_end_as_announced(stack: Stack) -> None:
    profiles = ("strategies", "tour-all")
    stack.compose("up", "--wait", profiles=("strategies",))

    result = json.loads(stack.compose("run", "--rm", "tour-all", "authlab", "tour", "--json", profiles=profiles))

    assert result["ok"]
    assert 7 == len(result["strategies"])
    # No key of a resource server is given to a client.
    assert {11} == {one["lesson"] for one in result["skipped"]}


def test_resource_servers_reach_neither_a_store_nor_the_auth_server(stack: Stack) -> None:
    containers = stack.containers()
    places = ["auth:8471", "redis-auth:6379", "redis-sessions:6379"]
    for name, port in (("auth", 8471), ("redis-auth", 6379), ("redis-sessions", 6379)):
        networks = containers[name]["NetworkSettings"]["Networks"].values()
        places += [f"{network['IPAddress']}:{port}" for network in networks]

    for server in ("resource-1", "resource-2", "resource-3"):
        reached = stack.python(server, REACHES.format(places=places))
        assert ["False"] * len(places) == reached.split()

    # The same question where the answer is yes: what was asked is known to work.
    assert "True True" == stack.python("session-1", REACHES.format(places=places[1:3]))
    assert "True" == stack.python("auth", REACHES.format(places=places[:1]))


def test_only_the_auth_server_is_given_the_master_secret(stack: Stack) -> None:
    holders = {
        name
        for name, container in stack.containers().items()
        if any(mount.get("Name", "").endswith("_auth-secrets") for mount in container["Mounts"])
    }

    assert {"auth", "init"} == holders


def test_resource_servers_can_read_their_keys_and_not_write_them(stack: Stack) -> None:
    code = (
        "import os; path = '/secrets/audiences'; "
        "print(os.access(path + '/authlab-api.json', os.R_OK), os.access(path, os.W_OK))"
    )

    assert "True False" == stack.python("resource-1", code)
    assert "True True" == stack.python("auth", code)


def test_no_container_is_root_or_may_become_it(stack: Stack) -> None:
    for name, container in stack.containers().items():
        if not container["State"]["Running"]:
            continue
        status = stack.compose("exec", "-T", name, "cat", "/proc/1/status")
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert {"10001"} == set(facts["Uid"].split()), name
        assert {0} == {int(facts[kind], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, name
        assert "1" == facts["NoNewPrivs"], name


def test_every_container_is_read_only_and_bounded(stack: Stack) -> None:
    for name, container in stack.containers().items():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert 0 < host["Memory"] <= 1 << 28, name
        assert 0 < host["PidsLimit"] <= 128, name
    refused = stack.python(
        "auth", "import errno\ntry: open('/opt/x', 'w')\nexcept OSError as e: print(errno.errorcode[e.errno])"
    )
    assert "EROFS" == refused


def test_everything_is_published_on_loopback_alone_and_no_store_at_all(stack: Stack) -> None:
    for name, container in stack.containers().items():
        published = [place for places in container["HostConfig"]["PortBindings"].values() for place in places or ()]
        assert {"127.0.0.1"} >= {place["HostIp"] for place in published}, name
        # Clients find the auth server behind its detour; the other detours lead to stores.
        hidden = name in STORES | {"auth", "init"} or (name.startswith("detour-") and name != "detour-auth")
        assert hidden == (not published), name


def test_a_resource_server_needs_its_key_and_nothing_else(own_stack: Stack, stack: Stack) -> None:
    own_stack.compose("up", "--wait", "resource-1")

    assert {"init", "resource-1"} == own_stack.containers().keys()
    foreign = token_login(stack.url("AUTH_PORT"), "alice", "alice-demo-password")
    assert 401 == call(foreign, "GET", own_stack.url("RESOURCE_1_PORT") + "/me").status
    assert 200 == call(foreign, "GET", stack.url("RESOURCE_1_PORT") + "/me").status


def test_a_store_that_lost_its_data_brings_no_revoked_token_back(own_stack: Stack) -> None:
    """A restarted redis-auth is empty. What was issued before is refused: nobody knows any more what was revoked."""
    own_stack.compose("up", "--wait", "detour-auth", "denylisted", "resource-1")
    auth, me = own_stack.url("AUTH_PORT"), own_stack.url("DENYLISTED_PORT") + "/me"
    kept = token_login(auth, "alice", "alice-demo-password")
    ended = token_login(auth, "alice", "alice-demo-password")
    assert 204 == call(ended, "POST", f"{auth}/logout").status
    assert [200, 401] == [call(token, "GET", me).status for token in (kept, ended)]

    own_stack.compose("restart", "redis-auth")
    own_stack.compose("up", "--wait", "detour-auth", "denylisted", "resource-1")

    later = _login_once_the_store_is_back(auth)
    assert [401, 401, 200] == [call(token, "GET", me).status for token in (kept, ended, later)]
    assert 200 == call(kept, "GET", own_stack.url("RESOURCE_1_PORT") + "/me").status


def test_the_benchmark_writes_its_result(own_stack: Stack, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)  # the container's user is another than ours
    own_stack.compose("build", "bench", profiles=("bench",), timeout_s=900)
    few = ["python", "-m", "bench", "run", "--quick", "--out", "/out", "--arms", "plain-jwt", "--arms", "redis-session"]

    own_stack.compose("run", "--rm", "--volume", f"{tmp_path}:/out", "bench", *few, profiles=("bench",), timeout_s=900)

    arms = json.loads((tmp_path / "result.json").read_text())["arms"]
    lookups = [arms[arm]["store_commands_per_request"] for arm in ("plain-jwt", "redis-session")]
    assert [0, 1] == pytest.approx(lookups, abs=0.05)


def test_down_leaves_nothing(own_stack: Stack) -> None:
    own_stack.compose("up", "--wait", "resource-1")
    assert own_stack.leftovers()

    own_stack.compose("down", "--volumes")

    assert [] == own_stack.leftovers()


def _login_once_the_store_is_back(auth_url: str) -> TokenLogin:
    deadline = time.monotonic() + 10
    while True:
        try:
            return token_login(auth_url, "alice", "alice-demo-password")
        except Refused:
            assert time.monotonic() < deadline
            time.sleep(0.2)
