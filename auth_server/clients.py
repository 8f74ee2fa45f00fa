"""OAuth clients: programs that may ask for tokens, revoke them or ask about them (RFC 6749 §2)."""

import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.accounts import WORD
from core.settings import SettingsError

WEB_CLIENT = "authlab-web"
GRANTS = frozenset({"refresh_token", "client_credentials"})
_NO_SECRET_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client. A public one has no secret and can prove nothing about itself."""

    client_id: str
    secret_sha256: str | None
    grants: frozenset[str]
    scopes: tuple[str, ...]

    @property
    def is_public(self) -> bool:
        """Tell whether the client has no secret."""
        return self.secret_sha256 is None


def secret_hash(secret: str) -> str:
    """Return what is stored of a client secret. It is random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


DEMO_SECRETS: Mapping[str, str] = {
    "demo-service": "demo-service-secret",
    "demo-resource": "demo-resource-secret",
}


def demo_clients() -> dict[str, Client]:
    """Return the demo's clients, whose secrets are public."""
    scopes = ("orders:read", "orders:write")
    clients = [
        Client(WEB_CLIENT, None, frozenset({"refresh_token"}), scopes),
        Client("demo-service", secret_hash(DEMO_SECRETS["demo-service"]), frozenset({"client_credentials"}), scopes),
        Client("demo-resource", secret_hash(DEMO_SECRETS["demo-resource"]), frozenset(), ()),
    ]
    return {client.client_id: client for client in clients}


def clients_from_file(path: Path, *, demo: bool) -> dict[str, Client]:
    """Read a TOML file with one `[clients.ID]` table each. Raises `SettingsError` naming what is wrong."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("clients", {})
        clients = {client_id: _client(client_id, table) for client_id, table in tables.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        detail = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise SettingsError(f"the clients file {path} cannot be used: {detail}") from error
    if WEB_CLIENT not in clients:
        raise SettingsError(f"the clients file {path} must name {WEB_CLIENT}, the client of /login")
    known = {secret_hash(secret) for secret in DEMO_SECRETS.values()} | {_NO_SECRET_SHA256}
    if not demo and any(client.secret_sha256 in known for client in clients.values()):
        raise SettingsError(f"the clients file {path} holds a demo secret; it needs AUTHLAB_DEMO=true")
    return clients


def _client(client_id: str, table: Mapping[str, Any]) -> Client:
    if not re.match(WORD, client_id):
        raise ValueError(f"{client_id!r} is not a client id")
    secret = table.get("secret_sha256")
    if secret is not None and not re.fullmatch(r"[0-9a-f]{64}", str(secret)):
        raise ValueError(f"clients.{client_id}.secret_sha256 is not the hex of a SHA-256")
    grants, scopes = table.get("grants", []), table.get("scopes", [])
    if not isinstance(grants, list) or not GRANTS.issuperset(grants):
        raise ValueError(f"clients.{client_id}.grants knows {', '.join(sorted(GRANTS))}")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) and re.match(WORD, scope) for scope in scopes):
        raise ValueError(f"clients.{client_id}.scopes is not a list of words")
    if secret is None and "client_credentials" in grants:
        raise ValueError(f"clients.{client_id} is public and cannot have client_credentials")
    return Client(client_id, secret, frozenset(grants), tuple(scopes))


def proves_itself(client: Client | None, secret: str) -> bool:
    """Compare a client's secret in constant time; an unknown client costs the same."""
    stored = client.secret_sha256 if client is not None and client.secret_sha256 is not None else _NO_SECRET_SHA256
    same = hmac.compare_digest(secret_hash(secret), stored)
    return same and client is not None and client.secret_sha256 is not None and bool(secret)
