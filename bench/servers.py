"""How each kind of server under test is started on a ground."""

from collections.abc import Mapping

from bench.ground import LOGIN_SETTINGS, Ground
from lab.processes import ServerProcess

_SYMMETRIC = "HS256"


def resource_server(
    ground: Ground,
    name: str,
    environment: Mapping[str, str],
    *,
    algorithm: str = _SYMMETRIC,
    program: str = "resource_server",
) -> ServerProcess:
    """Start a resource server that trusts the auth server which signs in this way."""
    strategy = environment["RESOURCE_STRATEGY"]
    settings = {"LOG_LEVEL": "warning"}
    if strategy == "introspected-token":
        settings |= {
            "RESOURCE_INTROSPECTION_URL": f"{ground.auth_url(algorithm)}/oauth/introspect",
            "RESOURCE_CLIENT_ID": "demo-resource",
            "RESOURCE_CLIENT_SECRET": "demo-resource-secret",
        }
    elif algorithm == _SYMMETRIC:
        settings["RESOURCE_SHARED_SECRET_FILE"] = str(ground.secret_file)
    else:
        settings["RESOURCE_JWKS_URL"] = f"{ground.auth_url(algorithm)}/.well-known/jwks.json"
    if strategy in {"denylisted-jwt", "pushed-jwt"}:
        settings["RESOURCE_REDIS_URL"] = ground.store_urls["auth"]
    return ground.server(name, program, {**settings, **environment})


def session_server(ground: Ground, name: str, environment: Mapping[str, str]) -> ServerProcess:
    """Start a session server; `memory-session` is given no store."""
    strategy = environment["SESSION_STRATEGY"]
    settings = {
        **LOGIN_SETTINGS,
        "SESSION_ACCOUNTS_FILE": str(ground.accounts_file),
        "SESSION_COOKIE_SECURE": "false",
        "SESSION_COOKIE_NAME": "session",
    }
    if strategy != "memory-session":
        settings["SESSION_REDIS_URL"] = ground.store_urls["sessions"]
    return ground.server(name, "session_server", {**settings, **environment})


def bare_server(ground: Ground, name: str, environment: Mapping[str, str]) -> ServerProcess:
    """Start the application that has none of our frame."""
    return ground.server(name, "bench.bare", environment)
