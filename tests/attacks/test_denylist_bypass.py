"""A revoked token, written in another way, to walk around a list of revoked texts (REV-03, REV-04)."""

import pytest

from tests.attacks.forge import parts
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_accepted, assert_refused, eventually_refused
from tests.attacks.wire import Wire, bearer, call

WEB = "client_id=authlab-web"


@pytest.fixture
def revoking(resources: list[Resource]) -> list[Resource]:
    return [resource for resource in resources if resource.strategy != "plain-jwt"]


def revoke(system: System, token: str) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    answer = call(system.auth().port, "POST", "/oauth/revoke", form, f"{WEB}&token={token}".encode())
    assert 200 == answer.status, answer


def rewritten(token: str) -> dict[str, str]:
    header, payload, signature = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = alphabet[alphabet.index(signature[-1]) | 1]
    return {
        "as it was": token,
        "padded": f"{token}=",
        "each segment padded": f"{header}=.{payload}==.{signature}=",
        "spare bits set": token[:-1] + spare,
        "standard alphabet": token.replace("-", "+").replace("_", "/"),
        "dot behind": f"{token}.",
        "percent-encoded": token.replace(".", "%2e"),
        "swapped case": token.swapcase(),
    }


def test_no_other_text_of_a_revoked_token_is_accepted(system: System, revoking: list[Resource]) -> None:
    token = system.log_in("root")["access_token"]
    assert_accepted(revoking, token)
    revoke(system, token)
    eventually_refused(revoking, token)
    assert_refused(revoking, rewritten(token))


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("path", ["/me", "/orders", "/me?x=1", "/admin/audit"])
def test_no_other_way_to_send_it_is_a_way_around(
    system: System, revoking: list[Resource], scheme: str, version: str, path: str
) -> None:
    token = system.log_in("root")["access_token"]
    revoke(system, token)
    eventually_refused(revoking, token)
    for resource in revoking:
        with Wire(resource.port) as wire:
            request = f"GET {path} HTTP/{version}\r\nHost: x\r\nauthorization:   {scheme} {token}  \r\n\r\n"
            assert 401 == wire.exchange(request.encode()).status, resource.name


def test_a_token_made_anew_with_a_revoked_id_is_refused(
    system: System, revoking: list[Resource], insider: Insider
) -> None:
    """Even a forger's own text: what is revoked is the `jti`, and the `sid`."""
    token = system.log_in("root")["access_token"]
    claims = parts(token)[1]
    revoke(system, token)
    eventually_refused(revoking, token)
    again = insider.sign(insider.header(x="another text"), insider.claims(jti=claims["jti"]))
    assert_refused(revoking, {"same jti": again})
    other = system.log_in("root")["access_token"]
    assert 204 == call(system.auth().port, "POST", "/logout", bearer(other)).status
    eventually_refused(revoking, other)
    assert_refused(revoking, {"same sid": insider.sign(None, insider.claims(sid=parts(other)[1]["sid"]))})


def test_logging_out_everywhere_ends_what_was_issued_and_not_what_comes(
    system: System, revoking: list[Resource]
) -> None:
    """A mark on an account is a cut-off time, not a ban."""
    before = [system.log_in("root")["access_token"] for _ in range(3)]
    assert 204 == call(system.auth().port, "POST", "/logout-everywhere", bearer(before[0])).status
    after = system.log_in("root")["access_token"]
    for token in before:
        eventually_refused(revoking, token)
    assert_accepted(revoking, after)


@pytest.mark.parametrize("strategy", ["denylisted-jwt", "pushed-jwt", "introspected-token"])
def test_a_server_that_starts_later_refuses_with_its_first_answer(system: System, strategy: str) -> None:
    """REV-06: nothing is served before what was revoked meanwhile is known."""
    token, standing = system.log_in("root")["access_token"], system.log_in("root")["access_token"]
    revoke(system, token)
    process = system.start(f"late-{strategy}", "resource_server", system.resource_settings(strategy))
    process.wait_ready(60)
    late = [Resource(process.name, strategy, process)]
    assert_refused(late, {"revoked": token})
    assert_accepted(late, standing)


def test_a_token_of_another_login_is_untouched(system: System, revoking: list[Resource]) -> None:
    one, other = system.log_in("root")["access_token"], system.log_in("root")["access_token"]
    assert 204 == call(system.auth().port, "POST", "/logout", bearer(one)).status
    eventually_refused(revoking, one)
    assert_accepted(revoking, other)


def test_a_revoked_opaque_token_is_refused(system: System, resources: list[Resource]) -> None:
    introspecting = [resource for resource in resources if resource.strategy == "introspected-token"]
    token = system.log_in("root", token_format="opaque")["access_token"]
    assert_accepted(introspecting, token)
    revoke(system, token)
    assert_refused(introspecting, {"opaque": token, "padded": f"{token}=", "cut": token[:-1]})
