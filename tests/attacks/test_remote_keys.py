"""A token that says where its key can be fetched (lab 5; `jwt_tool -X s`): the server must not go there, not once."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.attacks.forge import claims, signed
from tests.attacks.system import System
from tests.attacks.verdicts import assert_refused


class Listener:
    """Waits where the token points, with the attacker's keys, and counts who comes."""

    def __init__(self, served: bytes) -> None:
        self._answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(served), served)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.connections += 1
                connection.sendall(self._answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def listener(key: rsa.RSAPrivateKey) -> Iterator[Listener]:
    jwk = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "attacker", "alg": "RS256", "use": "sig"}
    listener = Listener(json.dumps({"keys": [jwk]}).encode())
    yield listener
    listener.close()


def pointers(listener: Listener, issuer: str) -> dict[str, tuple[dict[str, object], str]]:
    """Return headers, each with the issuer to claim, that point to the listener in every way there is."""
    there = f"http://127.0.0.1:{listener.port}"
    return {
        "jku": ({"jku": f"{there}/jwks.json"}, issuer),
        "jku without a scheme": ({"jku": f"//127.0.0.1:{listener.port}/jwks.json"}, issuer),
        "jku behind the issuer's name": ({"jku": f"{issuer}@127.0.0.1:{listener.port}/"}, issuer),
        "jku after the issuer's name": ({"jku": f"{issuer}/../../redirect?to={there}"}, issuer),
        "x5u": ({"x5u": f"{there}/chain.pem"}, issuer),
        "jwk with a URL": ({"jwk": {"kty": "RSA", "x5u": there, "jku": there}}, issuer),
        "kid": ({"kid": f"{there}/key"}, issuer),
        "iss": ({}, there),
        "iss with a path": ({}, f"{there}/.well-known/openid-configuration"),
    }


@pytest.mark.parametrize("algorithm", ["HS256", "Ed25519", "ES256", "RS256"])
def test_no_server_goes_where_a_token_points(
    system: System, listener: Listener, key: rsa.RSAPrivateKey, algorithm: str
) -> None:
    issuer = system.auth(algorithm).url
    header = {"alg": "RS256", "typ": "at+jwt", "kid": "attacker"}
    tokens = {
        name: signed({**header, **members}, claims(claimed), key, "RS256")
        for name, (members, claimed) in pointers(listener, issuer).items()
    }
    assert_refused(system.resources(algorithm), tokens)
    assert 0 == listener.connections


def test_the_listener_would_have_noticed(listener: Listener) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert 1 == listener.connections
