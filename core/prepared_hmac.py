"""HMAC-SHA256 with the key worked in once (RFC 2104 §4): each message then costs two short hashes instead of four.

PyJWT's HMAC object works the key in for every message, which is most of its price. tests/core/test_prepared_hmac.py
holds this one to the standard library's bytes and to the vectors of RFC 4231.
"""

import hashlib
import hmac

_BLOCK_BYTES = 64
_INNER, _OUTER = 0x36, 0x5C


class PreparedHmac:
    """A shared secret that can verify. It compares in constant time, and tells nobody what it is."""

    __slots__ = ("_inner", "_outer", "secret")

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK_BYTES else secret).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ _INNER for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ _OUTER for byte in block))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PreparedHmac) and hmac.compare_digest(self.secret, other.secret)

    def __hash__(self) -> int:
        return hash(self._outer.digest())

    def __repr__(self) -> str:
        return "PreparedHmac()"

    def digest(self, message: bytes) -> bytes:
        """Return the MAC of a message."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def verifies(self, message: bytes, mac: bytes) -> bool:
        """Tell whether `mac` was made over `message` by a holder of the secret."""
        return hmac.compare_digest(self.digest(message), mac)
