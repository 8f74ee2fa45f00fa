"""The tour against a whole running lab: what it announces is what happens."""

import json
from typing import Any

import pytest

from lab.fault_proxy_client import FaultControl
from lab.places import SESSION_STRATEGIES, TOKEN_STRATEGIES
from lab.state import LabDirectory
from lab.tour.promises import promise_of
from tests.lab.running_lab import Lab, free_offset


@pytest.fixture(scope="module")
def walked(shared_lab: Lab) -> dict[str, Any]:
    tour = shared_lab.ask("tour", "--json")
    data: dict[str, Any] = json.loads(tour.stdout)
    assert tour.returncode == 0, [step for step in data["steps"] if not step["ok"]]
    return data


def got(tour: dict[str, Any], name: str) -> Any:
    return next(step["got"] for step in tour["steps"] if step["name"] == name)


def test_every_outcome_came_as_announced(walked: dict[str, Any]) -> None:
    assert walked["ok"] is True
    assert walked["skipped"] == []
    assert {"name", "expected", "got", "ok"} <= walked["steps"][0].keys()


def test_every_strategy_shows_a_lag_within_its_promise(walked: dict[str, Any]) -> None:
    assert {*TOKEN_STRATEGIES, *SESSION_STRATEGIES} == walked["strategies"].keys()
    for name, lag in walked["strategies"].items():
        promised = promise_of(name).revoked_within
        if promised is None:
            assert lag["still_accepted"] is True
            assert lag["lag_ms"] is None
            assert 0 < lag["bound_s"] <= 300
        else:
            assert lag["still_accepted"] is False
            assert lag["lag_ms"] <= promised.total_seconds() * 1000


def test_tokens_cost_no_store_command_and_cookies_one_each(walked: dict[str, Any]) -> None:
    name = "store commands for one request at each of "
    assert got(walked, name + "resource-1, resource-2, resource-3") == "none"
    assert got(walked, name + "session-1, session-2") == "2 get"


def test_one_lesson_alone_prints_the_messages_and_no_credential(shared_lab: Lab) -> None:
    tour = shared_lab.ask("tour", "--lesson", "6")
    assert tour.returncode == 0, tour.stdout
    assert "Logging out" in tour.stdout
    assert "Tampering" not in tour.stdout
    assert "→ POST /logout HTTP/1.1" in tour.stdout
    assert "← HTTP/1.1 204 No Content" in tour.stdout
    assert not [word for word in tour.stdout.replace("=", " ").split() if len(word) > 60]


def test_a_step_that_differs_makes_the_tour_fail(shared_lab: Lab) -> None:
    """A server that is no resource server at all stands in for one that misbehaves."""
    tour = shared_lab.ask(
        "tour", "--json", "--lesson", "2", "--auth-url", shared_lab.url(8471),
        "--resource-url", shared_lab.url(8481), "--resource-url", shared_lab.url(8491),
        "--session-url", shared_lab.url(8491),
    )  # fmt: skip
    assert tour.returncode == 1
    data = json.loads(tour.stdout)
    assert data["ok"] is False
    assert [f"127.0.0.1:{shared_lab.port(8491)} takes the caller for"] == [
        step["name"] for step in data["steps"] if not step["ok"]
    ]


def test_addresses_may_come_from_the_environment(shared_lab: Lab) -> None:
    redis = {one["name"]: one["url"] for one in json.loads(shared_lab.ask("status", "--json").stdout)["redis"]}
    tour = shared_lab.ask(
        "tour", "--json", "--lesson", "2",
        AUTHLAB_DIR=str(shared_lab.directory / "none"),
        AUTHLAB_TOUR_AUTH_URL=shared_lab.url(8471),
        AUTHLAB_TOUR_RESOURCE_URL=f"{shared_lab.url(8481)} {shared_lab.url(8482)}",
        AUTHLAB_TOUR_SESSION_URL=shared_lab.url(8491),
        AUTHLAB_TOUR_REDIS_AUTH_URL=redis["redis-auth"],
        AUTHLAB_TOUR_REDIS_SESSIONS_URL=redis["redis-sessions"],
    )  # fmt: skip
    data = json.loads(tour.stdout)
    assert tour.returncode == 0, data
    assert [1, 1] == [sum("takes the caller" in step["name"] and str(port) in step["name"] for step in data["steps"])
                      for port in (shared_lab.port(8482), shared_lab.port(8491))]  # fmt: skip


def test_what_does_not_run_is_left_out_and_said(shared_lab: Lab) -> None:
    tour = shared_lab.ask("tour", "--json", "--lesson", "7", "--auth-url", shared_lab.url(8471))
    data = json.loads(tour.stdout)
    assert ["denylisted-jwt", "pushed-jwt", "introspected-token", "tracked-session"] == [
        one["name"] for one in data["skipped"]
    ]


def test_a_server_that_is_gone_is_an_outcome_not_a_traceback(shared_lab: Lab) -> None:
    tour = shared_lab.ask(
        "tour", "--lesson", "4", "--auth-url", "http://127.0.0.1:1", "--resource-url", "http://127.0.0.1:1",
        "--session-url", "http://127.0.0.1:1",
    )  # fmt: skip
    assert tour.returncode == 1
    assert "does not answer" in tour.stdout


def test_without_a_running_lab_it_says_how_to_start_one(shared_lab: Lab) -> None:
    tour = shared_lab.ask(
        "tour", AUTHLAB_DIR=str(shared_lab.directory / "none"), AUTHLAB_PORT_OFFSET=str(free_offset())
    )
    assert tour.returncode == 3
    assert "authlab up" in tour.stderr


def test_an_unknown_lesson_is_a_usage_error(shared_lab: Lab) -> None:
    assert shared_lab.ask("tour", "--lesson", "99").returncode == 2


def control_addresses(lab: Lab) -> dict[str, int]:
    """Return the control port of each fault proxy of a lab."""
    state = LabDirectory(lab.directory).running()
    assert state is not None
    return state.fault_proxies


def test_what_a_lesson_broke_is_whole_again(walked: dict[str, Any], shared_lab: Lab) -> None:
    assert {8, 9, 14} <= {step["lesson"] for step in walked["steps"]}
    for port in control_addresses(shared_lab).values():
        status = FaultControl(port).status()
        assert ("none", 0) == (status["fault"], status["to_server_ms"] + status["to_client_ms"])


def test_it_is_healed_even_if_the_lesson_came_out_otherwise(shared_lab: Lab) -> None:
    """A resource server that is none fails the lesson in its midst, with the store switched off."""
    proxies = control_addresses(shared_lab)
    tour = shared_lab.ask(
        "tour", "--json", "--lesson", "8", "--auth-url", shared_lab.url(8471), "--resource-url", "http://127.0.0.1:1",
        "--session-url", shared_lab.url(8491), "--fault-proxy", f"redis-sessions=127.0.0.1:{proxies['redis-sessions']}",
    )  # fmt: skip
    assert tour.returncode == 1
    assert FaultControl(proxies["redis-sessions"]).status()["fault"] == "none"


def test_where_nothing_can_be_broken_the_lesson_is_left_out_and_says_why(shared_lab: Lab) -> None:
    tour = shared_lab.ask(
        "tour", "--json", "--lesson", "8", "--auth-url", shared_lab.url(8471), "--resource-url", shared_lab.url(8481),
        "--session-url", shared_lab.url(8491),
    )  # fmt: skip
    (skipped,) = json.loads(tour.stdout)["skipped"]
    assert "no fault proxy stands before redis-sessions" in skipped["why"]


def test_fault_proxies_may_come_from_the_environment(shared_lab: Lab) -> None:
    told = " ".join(f"{target}=127.0.0.1:{port}" for target, port in control_addresses(shared_lab).items())
    tour = shared_lab.ask(
        "tour", "--json", "--lesson", "9", "--auth-url", shared_lab.url(8471), "--resource-url", shared_lab.url(8481),
        AUTHLAB_TOUR_FAULT_PROXIES=told,
    )  # fmt: skip
    assert tour.returncode == 0, tour.stdout
    assert got(json.loads(tour.stdout), "a login") == "no answer"


@pytest.mark.parametrize("written", ["auth", "auth=127.0.0.1", "=127.0.0.1:1", "auth=127.0.0.1:x"])
def test_a_fault_proxy_that_is_written_otherwise_is_a_usage_error(shared_lab: Lab, written: str) -> None:
    assert shared_lab.ask("tour", "--lesson", "8", "--fault-proxy", written).returncode == 2
