import hashlib
from pathlib import Path

import pytest

from auth_server.clients import DEMO_SECRETS, Client, clients_from_file, demo_clients, proves_itself, secret_hash
from core.settings import SettingsError

WEB = '[clients.authlab-web]\ngrants = ["refresh_token"]\nscopes = ["orders:read"]\n'
HASH = hashlib.sha256(b"a long random secret").hexdigest()


def file_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "clients.toml"
    path.write_text(text)
    return path


def test_a_file_replaces_the_demo_clients(tmp_path: Path) -> None:
    text = (
        WEB + f'[clients.shop]\nsecret_sha256 = "{HASH}"\ngrants = ["client_credentials"]\nscopes = ["orders:read"]\n'
    )
    clients = clients_from_file(file_of(tmp_path, text), demo=False)
    assert {"authlab-web", "shop"} == set(clients)
    assert Client("shop", HASH, frozenset({"client_credentials"}), ("orders:read",)) == clients["shop"]
    assert (True, False) == (clients["authlab-web"].is_public, clients["shop"].is_public)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "authlab-web"),
        ("[clients.shop]\n", "authlab-web"),
        (WEB + '[clients."a b"]\n', "a b"),
        (WEB + '[clients.shop]\nsecret_sha256 = "secret"\n', "secret_sha256"),
        (WEB + f'[clients.shop]\nsecret_sha256 = "{HASH.upper()}"\n', "secret_sha256"),
        (WEB + '[clients.shop]\ngrants = ["password"]\n', "grants"),
        (WEB + '[clients.shop]\ngrants = "refresh_token"\n', "grants"),
        (WEB + '[clients.shop]\nscopes = ["a b"]\n', "scopes"),
        (WEB + '[clients.shop]\ngrants = ["client_credentials"]\n', "public"),
        ("[clients", "clients.toml"),
        ("clients = 1", "clients.toml"),
        ("[clients]\nshop = 1", "clients.toml"),
    ],
)
def test_a_file_with_a_mistake_is_refused_in_one_line_that_names_it(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        clients_from_file(file_of(tmp_path, text), demo=True)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("secret", [*DEMO_SECRETS.values(), ""])
def test_a_demo_secret_or_an_empty_one_needs_a_demo(tmp_path: Path, secret: str) -> None:
    path = file_of(tmp_path, WEB + f'[clients.shop]\nsecret_sha256 = "{secret_hash(secret)}"\n')
    with pytest.raises(SettingsError, match="AUTHLAB_DEMO"):
        clients_from_file(path, demo=False)
    assert "shop" in clients_from_file(path, demo=True)


def test_a_client_proves_itself_with_its_secret_and_nothing_else() -> None:
    clients = demo_clients()
    assert proves_itself(clients["demo-service"], "demo-service-secret")
    for secret in ("", "demo-service-secre", "demo-resource-secret", "DEMO-SERVICE-SECRET", "\udcff"):
        assert not proves_itself(clients["demo-service"], secret)
    for client in (None, clients["authlab-web"]):
        for secret in ("", "x"):
            assert not proves_itself(client, secret)


def test_an_empty_secret_proves_nothing_even_if_its_hash_is_stored() -> None:
    assert not proves_itself(Client("x", secret_hash(""), frozenset(), ()), "")
