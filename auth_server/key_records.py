"""Keys on disk: one file each, with the times between which a key is published, signs and may still verify."""

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from core.keys import ALGORITHMS, public_ring, secret_thumbprint, thumbprint
from core.strict_json import base64url_bytes, base64url_text

RSA_BITS = 3072


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A private key, or an HS256 master, and its life in Unix seconds.

    Published from the day it exists, it signs from `signs_from` until a younger one does, and verifies until
    `retires_at`.
    `material` is PKCS8 PEM or a base64url master; None stands for the master in the settings.
    """

    record_id: str
    algorithm: str
    material: str | None
    created_at: float
    signs_from: float
    retires_at: float | None = None

    def __repr__(self) -> str:
        return f"KeyRecord({self.record_id!r}, {self.algorithm!r})"


def new_record(algorithm: str, *, now: float, signs_from: float) -> KeyRecord:
    """Make a key."""
    if algorithm == "HS256":
        secret = os.urandom(32)
        return KeyRecord(secret_thumbprint(secret), algorithm, base64url_text(secret), now, signs_from)
    private = _generate(algorithm)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return KeyRecord(public_jwk(algorithm, pem)["kid"], algorithm, pem, now, signs_from)


def _generate(algorithm: str) -> Any:
    match algorithm:
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case _:
            return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def private_key(pem: str) -> Any:
    """Read a private key that `new_record` wrote."""
    return serialization.load_pem_private_key(pem.encode(), password=None)


_REQUIRED_MEMBERS = {"Ed25519": ("crv", "kty", "x"), "ES256": ("crv", "kty", "x", "y"), "RS256": ("e", "kty", "n")}


def public_jwk(algorithm: str, pem: str) -> dict[str, str]:
    """Return the public half as a JWK with its RFC 7638 thumbprint as `kid`."""
    members: dict[str, Any] = json.loads(ALGORITHMS[algorithm].to_jwk(private_key(pem).public_key()))
    required = {name: members[name] for name in _REQUIRED_MEMBERS[algorithm]}
    jwk = {**required, "alg": algorithm, "use": "sig", "kid": thumbprint(required)}
    public_ring(json.dumps({"keys": [jwk]}).encode())
    return jwk


def read_records(directory: Path) -> list[KeyRecord]:
    """Read all keys of a directory. Raises `OSError` or `ValueError` for one that cannot be read."""
    return [_read_record(path) for path in sorted(directory.glob("*.key.json"))]


def _read_record(path: Path) -> KeyRecord:
    try:
        return KeyRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name} is no key record") from error


def write_record(directory: Path, record: KeyRecord) -> None:
    """Write one key so that a reader sees the old file or the new one, and nobody else sees either."""
    write_private(directory / f"{record.record_id}.key.json", json.dumps(asdict(record)))


def remove_record(directory: Path, record: KeyRecord) -> None:
    """Forget a key."""
    (directory / f"{record.record_id}.key.json").unlink(missing_ok=True)


def retired_at(record: KeyRecord, moment: float | None) -> KeyRecord:
    """Return the record with an end, or with None for none in sight."""
    return replace(record, retires_at=moment)


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file as a whole; only its owner (and with another `mode` its group) may read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def master_of(record: KeyRecord, configured: bytes | None) -> bytes:
    """Return the master secret of an HS256 record."""
    if record.material is not None:
        return base64url_bytes(record.material)
    if configured is None:
        raise ValueError("a key record stands for a master secret that is not configured")
    return configured
