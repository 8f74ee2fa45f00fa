"""Which key signs now, which ones verify, and how a rotation passes without one refused token.

A rotation publishes the new key, waits until every verifier has had time to load it, then signs with it; the old one
goes when the last token it signed has expired. All of it follows from times in the key files, so several auth servers
agree.
"""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from auth_server.key_records import (
    KeyRecord,
    master_of,
    new_record,
    private_key,
    public_jwk,
    read_records,
    remove_record,
    retired_at,
    write_private,
    write_record,
)
from auth_server.settings import AuthSettings
from core.access_token import MAX_LIFE_S
from core.errors import Conflict, NotFound
from core.keys import (
    ALGORITHMS,
    KeyRing,
    VerificationKey,
    audience_secret,
    derived_secret,
    secret_jwk,
    secret_key,
    secret_thumbprint,
    strong_secret,
)
from core.logs import audit
from core.settings import SettingsError, read_secret
from core.strict_json import base64url_text

FILE_DELAY_S = 2.0
"""Verifiers re-read key files within a second; one more for clocks that disagree."""
SKEW_S = 10.0
_CONFIGURED = "configured"


class SigningKey:
    """The key that signs for one audience now."""

    def __init__(self, kid: str, algorithm: str, prepared: Any) -> None:
        self._algorithm = ALGORITHMS[algorithm]
        self._prepared = prepared
        header = json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": kid}, separators=(",", ":"))
        self._header = base64url_text(header.encode())

    def sign(self, claims: dict[str, Any]) -> str:
        """Return a compact JWS (RFC 7515 §7.1). Anyone can read it; it is signed, not encrypted."""
        payload = base64url_text(json.dumps(claims, separators=(",", ":")).encode())
        signing_input = f"{self._header}.{payload}"
        return f"{signing_input}.{base64url_text(self._algorithm.sign(signing_input.encode(), self._prepared))}"


class KeyStore:
    """All keys of one auth server."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._clock: Callable[[], float] = settings.clock()
        self._lock = threading.RLock()
        """Held by what reads or writes key files, on threads of its own; `ring` and `signing` need no lock."""
        self._algorithm = settings.auth_algorithm
        self._directory = settings.auth_keys_dir
        self._configured = settings.master()
        self._replaced: list[tuple[bytes, float]] = []
        self._records: list[KeyRecord] = []
        self._rings: dict[str, KeyRing] = {audience: KeyRing() for audience in settings.auth_audiences}
        self._signing: dict[str, SigningKey] = {}
        self._signing_record: KeyRecord | None = None
        self._jwks: dict[str, Any] = {"keys": []}
        self._state_in_use: object = None
        self.refresh_secret = b""

    def load(self) -> None:
        """Read everything, make the first key if there is none, publish. Raises `SettingsError`."""
        try:
            if self._directory is not None:
                self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.refresh_secret = self._load_refresh_secret()
            self.reload()
            if not self._records:
                self._create_first()
        except (OSError, ValueError) as error:
            raise SettingsError(f"AUTH_KEYS_DIR {self._directory} cannot be used: {error}") from error

    def reload(self) -> None:
        """Follow the files and the clock: another server may have rotated, a time may have come."""
        with self._lock:
            self._reload()

    def _reload(self) -> None:
        self._follow_master_file()
        now = self._clock()
        records = read_records(self._directory) if self._directory is not None else []
        records = [record for record in records if record.algorithm == self._algorithm]
        if self._algorithm == "HS256" and not any(record.record_id == _CONFIGURED for record in records):
            records.append(KeyRecord(_CONFIGURED, "HS256", None, 0.0, 0.0))
        for record in records:
            if record.retires_at is not None and record.retires_at <= now and self._directory is not None:
                self._forget(record)
        self._use([record for record in records if record.retires_at is None or record.retires_at > now], now)

    def _forget(self, record: KeyRecord) -> None:
        """Remove the file of a retired key; the configured master keeps its file, which says that it is over."""
        if record.record_id != _CONFIGURED and self._directory is not None:
            remove_record(self._directory, record)

    def _create_first(self) -> None:
        if self._directory is None:
            raise SettingsError("AUTH_MASTER_SECRET was retired and there is no AUTH_KEYS_DIR")
        now = self._clock()
        write_record(self._directory, new_record(self._algorithm, now=now, signs_from=now))
        self.reload()

    def _load_refresh_secret(self) -> bytes:
        """Return the key that derives refresh tokens: from the master, else kept beside the keys."""
        if self._configured is not None:
            return derived_secret(self._configured, "authlab/refresh/v1")
        path = (self._directory or Path()) / "refresh.secret"
        if not path.exists():
            write_private(path, new_record("HS256", now=0, signs_from=0).material or "")
        return derived_secret(strong_secret(path.read_text(encoding="utf-8")), "authlab/refresh/v1")

    def _follow_master_file(self) -> None:
        path = self._settings.secret_file("auth_master_secret")
        if path is None or self._configured is None:
            return
        try:
            current = strong_secret(read_secret("AUTH_MASTER_SECRET", path))
        except (SettingsError, ValueError) as error:
            audit.error("keys.master_unreadable", error=type(error).__name__)
            return
        if current != self._configured:
            self._replaced.append((self._configured, self._clock() + MAX_LIFE_S))
            self._configured = current
            audit.info("keys.master_replaced")

    def _use(self, records: list[KeyRecord], now: float) -> None:
        self._replaced = [(master, until) for master, until in self._replaced if until > now]
        signing = max((record for record in records if record.signs_from <= now), key=_youth, default=None)
        state = (records, signing, self._configured, list(self._replaced))
        if state == self._state_in_use:
            return
        self._state_in_use = state
        self._records = records
        self._jwks = {"keys": [public_jwk(r.algorithm, r.material or "") for r in records if r.algorithm != "HS256"]}
        for audience, previous in self._rings.items():
            keys = [self._verification_key(record, audience) for record in records]
            keys += [secret_key(audience_secret(master, audience)) for master, _ in self._replaced]
            ring = KeyRing({key.kid: key for key in keys}.values(), previous=previous)
            if list(ring) != list(previous):
                self._rings[audience] = ring
                self._export(audience, ring)
            if signing is not None:
                self._signing[audience] = self._signing_key(signing, audience)
        if signing is None:
            self._signing.clear()
        if signing != self._signing_record and signing is not None:
            audit.info("keys.signing", kid=self._kid(signing)[:8])
        self._signing_record = signing

    def _verification_key(self, record: KeyRecord, audience: str) -> VerificationKey:
        if record.algorithm == "HS256":
            return secret_key(audience_secret(master_of(record, self._configured), audience))
        public = private_key(record.material or "").public_key()
        return VerificationKey(record.record_id, record.algorithm, public, "signature")

    def _signing_key(self, record: KeyRecord, audience: str) -> SigningKey:
        if record.algorithm == "HS256":
            secret = audience_secret(master_of(record, self._configured), audience)
            return SigningKey(secret_thumbprint(secret), "HS256", secret)
        return SigningKey(record.record_id, record.algorithm, private_key(record.material or ""))

    def _export(self, audience: str, ring: KeyRing) -> None:
        directory = self._settings.auth_audience_keys_dir
        if directory is not None and self._algorithm == "HS256":
            write_private(
                audience_file(directory, audience),
                json.dumps({"keys": [secret_jwk(key.prepared.secret) for key in ring]}),
            )

    def ring(self, audience: str) -> KeyRing:
        """Return the keys that tokens of an audience may be signed with."""
        return self._rings[audience]

    def signing(self, audience: str) -> SigningKey | None:
        """Return the key that signs for an audience now; None while there is none."""
        return self._signing.get(audience)

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK Set (RFC 7517); with HS256 there is nothing to publish."""
        return self._jwks

    def describe(self) -> list[dict[str, Any]]:
        """Return every key's `kid`, algorithm, state and times, and no key material."""
        return [
            {
                "kid": self._kid(record),
                "algorithm": record.algorithm,
                "state": self._state(record),
                "created_at": record.created_at,
                "signs_from": record.signs_from,
                "retires_at": record.retires_at,
            }
            for record in sorted(self._records, key=_youth)
        ]

    def _kid(self, record: KeyRecord) -> str:
        """Name a key as the tokens for the default audience name it."""
        return self._verification_key(record, self._settings.auth_audiences[0]).kid

    def _state(self, record: KeyRecord) -> str:
        if record == self._signing_record:
            return "signing"
        signing = self._signing_record
        return "verifying" if signing is not None and record.signs_from < signing.signs_from else "published"

    def rotate(self) -> dict[str, Any]:
        """Publish a new key that will sign once verifiers have it; the others end when their last token has expired."""
        if self._directory is None:
            raise Conflict("keys", "Set AUTH_KEYS_DIR to rotate keys.")
        with self._lock:
            return self._rotate(self._directory)

    def _rotate(self, directory: Path) -> dict[str, Any]:
        now = self._clock()
        delay_s = FILE_DELAY_S if self._algorithm == "HS256" else self._settings.auth_jwks_max_age_s + FILE_DELAY_S
        record = new_record(self._algorithm, now=now, signs_from=now + delay_s)
        end = self._end_before(record)
        for older in self._records:
            if older.retires_at is None or older.retires_at > end:
                write_record(directory, retired_at(older, end))
        write_record(directory, record)
        self._reload()
        audit.info("keys.rotated", kid=self._kid(record)[:8], signs_from=record.signs_from)
        return next(key for key in self.describe() if key["kid"] == self._kid(record))

    def retire(self, kid: str) -> None:
        """Stop trusting a key at once: every token it signed is refused. Raises `NotFound`, `Conflict`."""
        with self._lock:
            self._retire(kid)

    def _retire(self, kid: str) -> None:
        record = next((record for record in self._records if self._kid(record) == kid), None)
        if record is None:
            raise NotFound("keys", "There is no key of this kid.")
        now = self._clock()
        if self._directory is None or not any(other != record and other.signs_from <= now for other in self._records):
            raise Conflict("keys", "No other key could sign. Rotate first and wait until the new one signs.")
        write_record(self._directory, retired_at(record, now))
        self._reprieve([other for other in self._records if other != record], self._directory, now)
        self._reload()
        audit.warning("keys.retired", kid=kid[:8])

    def _reprieve(self, left: list[KeyRecord], directory: Path, now: float) -> None:
        """Let the key that signs from now on live until its successor has taken over: its end was set for one gone."""
        signing = max((record for record in left if record.signs_from <= now), key=_youth)
        successor = min((record for record in left if record.signs_from > now), key=_youth, default=None)
        end = None if successor is None else self._end_before(successor)
        if signing.retires_at is not None and (end is None or signing.retires_at < end):
            write_record(directory, retired_at(signing, end))

    def _end_before(self, successor: KeyRecord) -> float:
        """Return when the last token that was signed before a key took over has expired."""
        return successor.signs_from + self._settings.auth_access_ttl_s + SKEW_S


def _youth(record: KeyRecord) -> float:
    return record.signs_from


def audience_file(directory: Path, audience: str) -> Path:
    """Name the file that holds an audience's HS256 key set."""
    return directory / f"{quote(audience, safe='')}.json"
