"""The tools of the attacks: what they forge without a fault is accepted, so it is the fault that is refused."""

import pytest

from tests.attacks.insider import Insider
from tests.attacks.system import RESOURCE_STRATEGIES, Resource, System, ready
from tests.attacks.verdicts import assert_accepted


def test_a_token_forged_with_the_real_secret_is_accepted(resources: list[Resource], insider: Insider) -> None:
    """This is what a thief of one HS256 resource server's secret can do (docs/security.md)."""
    assert_accepted(resources, insider.sign())


def test_every_strategy_is_under_attack_with_and_without_the_token_cache(resources: list[Resource]) -> None:
    cached = {resource.strategy for resource in resources if not resource.name.endswith("-uncached")}
    assert set(RESOURCE_STRATEGIES) == cached
    assert len(RESOURCE_STRATEGIES) + 3 == len(resources)


@pytest.mark.parametrize("algorithm", ["HS256", "Ed25519", "ES256", "RS256"])
def test_a_token_of_the_auth_server_is_accepted_by_every_strategy(system: System, algorithm: str) -> None:
    servers = ready([system.resource(strategy, algorithm) for strategy in RESOURCE_STRATEGIES])
    assert_accepted(servers, system.log_in("root", algorithm)["access_token"])
