"""The plan holds to what is documented, and tells each server what it needs and nothing that it must not know."""

from pathlib import Path

import pytest

from lab.topology import Choices, Secrets, ServerPlan, Stores, servers

STORES = Stores("redis://127.0.0.1:1/0", "redis://127.0.0.1:2/0")
SECRETS = Secrets(Path("/secrets"))


def planned(**choices: object) -> dict[str, ServerPlan]:
    plans = servers(Choices(**choices), STORES, SECRETS)  # type: ignore[arg-type] # named in each test
    return {plan.name: plan for plan in plans}


def test_ports_and_strategies_are_those_of_the_documentation() -> None:
    expected = {
        8471: None,
        8481: "plain-jwt", 8482: "plain-jwt", 8483: "plain-jwt",
        8491: "redis-session", 8492: "redis-session",
        8493: "memory-session", 8494: "memory-session",
        8484: "denylisted-jwt", 8485: "pushed-jwt", 8486: "introspected-token",
        8495: "tracked-session", 8496: "tracked-session",
        8472: "auth-ed25519", 8487: "plain-jwt-ed25519",
        8470: "page",
    }  # fmt: skip
    everything = planned(everything=True).values()
    assert expected == {plan.port: plan.strategy for plan in everything}
    assert {8484, 8485, 8486, 8487, 8495, 8496, 8472} == expected.keys() - {plan.port for plan in planned().values()}


def test_an_offset_moves_every_port_and_the_issuer() -> None:
    moved = planned(port_offset=100, everything=True)
    assert moved["auth"].url == "http://127.0.0.1:8571"
    assert {plan.port - 100 for plan in moved.values()} == {plan.port for plan in planned(everything=True).values()}
    assert "8471" not in str([plan.environment for plan in moved.values()])


@pytest.mark.parametrize("name", ["resource-1", "resource-2", "resource-3"])
def test_a_plain_jwt_server_knows_no_store_and_no_address_of_the_auth_server_but_its_name(name: str) -> None:
    environment = planned()[name].environment
    assert "redis" not in str(environment)
    assert [variable for variable, value in environment.items() if "8471" in value] == ["RESOURCE_ISSUER"]


def test_the_master_secret_is_the_auth_servers_alone() -> None:
    told = {name for name, plan in planned(everything=True).items() if "AUTH_MASTER_SECRET_FILE" in plan.environment}
    assert {"auth"} == told


def test_only_what_revokes_by_store_is_told_where_the_store_of_the_token_side_is() -> None:
    told = {name for name, plan in planned(everything=True).items() if "RESOURCE_REDIS_URL" in plan.environment}
    assert told == {"denylisted", "pushed"}


def test_each_store_of_sessions_has_a_cookie_of_its_own() -> None:
    names = {
        plan.strategy: plan.environment["SESSION_COOKIE_NAME"]
        for plan in planned(everything=True).values()
        if plan.module == "session_server"
    }
    assert {"redis-session": "session", "memory-session": "memory", "tracked-session": "tracked"} == names


def test_with_public_keys_no_resource_server_holds_a_secret() -> None:
    for plan in planned(algorithm="ES256", everything=True).values():
        assert "RESOURCE_SHARED_SECRET_FILE" not in plan.environment
