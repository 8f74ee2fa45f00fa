"""One resource server's secret, used to forge for another API (JWT-24; SECURITY.md §0.2)."""

from tests.attacks.forge import signed
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_accepted, assert_refused
from tests.attacks.wire import bearer, call


def test_the_secret_of_one_audience_signs_for_no_other(
    system: System, resources: list[Resource], insider: Insider
) -> None:
    kid, key = system.shared_key("other-api")
    assert (insider.kid, insider.key) != (kid, key)
    tokens = {
        "its own kid": signed(insider.header(kid=kid), insider.claims(), key),
        "our kid": signed(insider.header(), insider.claims(), key),
        "its own kid and audience": signed(insider.header(kid=kid), insider.claims(aud="other-api"), key),
    }
    assert_refused(resources, tokens)


def test_a_token_that_the_auth_server_made_for_another_audience_is_refused(
    system: System, resources: list[Resource]
) -> None:
    tokens = {
        "JWT": system.log_in("root", audience="other-api")["access_token"],
        "opaque": system.log_in("root", audience="other-api", token_format="opaque")["access_token"],
    }
    assert_refused(resources, tokens)


def test_the_auth_server_keeps_audiences_apart_as_well(system: System, insider: Insider) -> None:
    """A forger who holds `other-api`'s secret cannot make the auth server itself take an `authlab-api` token."""
    kid, key = system.shared_key("other-api")
    port = system.auth().port
    forged = signed(insider.header(kid=kid), insider.claims(), key)
    assert 401 == call(port, "GET", "/logins", bearer(forged)).status
    assert 200 == call(port, "GET", "/logins", bearer(system.log_in("root")["access_token"])).status


def test_the_audience_in_question_does_accept_its_own(system: System) -> None:
    """Or the refusals above would prove nothing."""
    settings = system.resource_settings("plain-jwt") | {
        "RESOURCE_SHARED_SECRET_FILE": str(system.audience_file("other-api")),
        "RESOURCE_AUDIENCE": "other-api",
    }
    process = system.start("other-api", "resource_server", settings)
    process.wait_ready(60)
    token = system.log_in("root", audience="other-api")["access_token"]
    assert_accepted([Resource("other-api", "plain-jwt", process)], token)
