"""Who may ask the gateway for anything: the page itself, in its own browser, under a name of this machine."""

import re
from http.client import HTTPConnection, HTTPResponse

import pytest

from lab.topology import PAGE_PORT
from tests.lab.running_lab import Lab

STATE_CHANGING = [
    ("POST", "/lab/faults"),
    ("POST", "/lab/processes"),
    ("POST", "/lab/reset"),
    ("POST", "/lab/leak"),
    ("POST", "/lab/send"),
    ("POST", "/lab/watch"),
    ("DELETE", "/lab/watch"),
    ("POST", "/lab/cost"),
    ("GET", "/lab/result"),
    ("GET", "/s/resource-1/me"),
    ("POST", "/s/auth/login"),
]


def ask(lab: Lab, method: str, path: str, headers: dict[str, str]) -> HTTPResponse:
    """Send one request to the gateway, with no header but those given and an own `Host` unless one is given."""
    connection = HTTPConnection("127.0.0.1", lab.port(PAGE_PORT), timeout=10)
    connection.request(method, path, headers={"Host": f"127.0.0.1:{lab.port(PAGE_PORT)}", **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.fixture(scope="module")
def page(shared_lab: Lab) -> dict[str, str]:
    """Open the page as a browser would; return what its script sends along."""
    connection = HTTPConnection("127.0.0.1", shared_lab.port(PAGE_PORT), timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    (token,) = re.findall(r'name="authlab-page" content="([^"]+)"', answer.read().decode())
    cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
    connection.close()
    return {"Cookie": cookie, "Authlab-Page": token}


def test_the_page_itself_is_answered(shared_lab: Lab, page: dict[str, str]) -> None:
    own = {**page, "Origin": f"http://127.0.0.1:{shared_lab.port(PAGE_PORT)}", "Sec-Fetch-Site": "same-origin"}
    assert 401 == ask(shared_lab, "GET", "/s/resource-1/me", own).status
    assert 204 == ask(shared_lab, "POST", "/lab/reset", own).status


@pytest.mark.parametrize(("method", "path"), STATE_CHANGING)
def test_without_the_page_s_token_nothing_is_done(
    shared_lab: Lab, page: dict[str, str], method: str, path: str
) -> None:
    assert 403 == ask(shared_lab, method, path, {"Cookie": page["Cookie"]}).status
    assert 403 == ask(shared_lab, method, path, {**page, "Authlab-Page": "guessed"}).status
    assert 403 == ask(shared_lab, method, path, {"Authlab-Page": page["Authlab-Page"]}).status


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1", "null"])
@pytest.mark.parametrize(("method", "path"), [*STATE_CHANGING, ("GET", "/lab/events")])
def test_another_origin_gets_nothing_even_with_everything_the_page_has(
    shared_lab: Lab, page: dict[str, str], method: str, path: str, origin: str
) -> None:
    assert 403 == ask(shared_lab, method, path, {**page, "Origin": origin}).status


def test_another_site_or_port_of_this_machine_is_told_apart_by_the_browser(
    shared_lab: Lab, page: dict[str, str]
) -> None:
    for site in ("cross-site", "same-site", "none"):
        assert 403 == ask(shared_lab, "GET", "/lab/events", {**page, "Sec-Fetch-Site": site}).status


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:8470", ""])
@pytest.mark.parametrize("path", ["/", "/static/js/main.js", "/lab/result", "/s/auth/metrics"])
def test_a_name_that_is_not_ours_is_misdirected(shared_lab: Lab, page: dict[str, str], host: str, path: str) -> None:
    """Whoever points a name of their own at 127.0.0.1 gets not even the page, and so no token."""
    assert 421 == ask(shared_lab, "GET", path, {**page, "Host": host}).status


def test_the_token_is_another_one_for_another_browser(shared_lab: Lab, page: dict[str, str]) -> None:
    connection = HTTPConnection("127.0.0.1", shared_lab.port(PAGE_PORT), timeout=10)
    connection.request("GET", "/")
    other = connection.getresponse().read().decode()
    connection.close()
    assert page["Authlab-Page"] not in other


def test_nothing_outside_the_page_s_own_files_is_served(shared_lab: Lab) -> None:
    for path in ("/static/../topology.py", "/static/%2e%2e/topology.py", "/static//etc/passwd", "/static/"):
        assert 404 == ask(shared_lab, "GET", path, {}).status
