"""Check passwords with argon2id, in a few threads of their own: a storm of logins starves nothing else."""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypeVar

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import Field

from core.errors import BadRequest, Unavailable

MIN_CHARS = 15
MAX_CHARS = 256
_QUEUE = 128
_PASSES = 2
_MIN_MEMORY_KIB = 8
"""The least that argon2 takes."""
_COMMON = ("password", "passw0rd", "passwort", "letmein", "iloveyou", "administrator", "welcome", "changeme")
_WALKS = (
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "01234567890123456789",
    "98765432109876543210",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "zaq12wsxcde34rfvbgt56yhnmju78ik",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "a1b2c3d4e5f6g7h8i9j0",
    "1a2b3c4d5e6f7g8h9i0j",
)
"""How fingers walk. The 3000 passwords used most have fewer than 15 characters; longer ones of many are such walks."""
_STEPS = 4

ChosenPassword = Annotated[str, Field(min_length=MIN_CHARS, max_length=MAX_CHARS, repr=False)]
"""A password that is to be, as a request carries it; `check_new_password` tells whether it may be."""

T = TypeVar("T")


def normalized(password: str) -> str:
    """Return the one form of a password that is hashed: NFC, as NIST SP 800-63B-4 §3.1.1.2 advises."""
    return unicodedata.normalize("NFC", password)


def check_new_password(password: str, username: str) -> None:
    """Raise `BadRequest` for a password not to be chosen (NIST SP 800-63B-4: length, blocklist, context words)."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise BadRequest("password", f"A password has {MIN_CHARS} to {MAX_CHARS} characters.")
    rest = password.lower()
    for word in (username.lower(), *_COMMON):
        rest = rest.replace(word, "")
    if len(set(_without_walks(rest))) < MIN_CHARS // 3 or _repeats(password.lower()):
        raise BadRequest("password", "This password is too easy to guess.")


def _without_walks(text: str) -> str:
    kept, place = "", 0
    while place < len(text):
        end = place + _STEPS
        while end <= len(text) and any(text[place:end] in walk for walk in _WALKS):
            end += 1
        walked = end - 1 - place
        if walked < _STEPS:
            kept, walked = kept + text[place], 1
        place += walked
    return kept


def _repeats(text: str) -> bool:
    """Tell whether a text is one that is too short, again and again."""
    return any(text[period:] == text[:-period] for period in range(1, min(MIN_CHARS, len(text) * 2 // 3 + 1)))


class Passwords:
    """Hash and verify. At most `threads` hashes run at once; beyond a bounded queue callers get `Unavailable`."""

    def __init__(self, *, memory_kib: int, threads: int | None = None) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=memory_kib, parallelism=1)
        self._memory_kib = memory_kib
        self._threads = threads or max(1, min(4, (os.cpu_count() or 2) // 2))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="argon2")
        self._waiting = 0
        self._dummy = self._hasher.hash(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        """Return the argon2id PHC string of a password, with a fresh 16-byte salt."""
        return await self._run(lambda: self._hasher.hash(normalized(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password fits. Without a hash a dummy costs the same work: time tells nothing."""
        matches = await self._run(lambda: self._matches(password_hash or self._dummy, password))
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, normalized(password))
        except (VerificationError, InvalidHashError):
            self._make_up_for(password_hash)
            return False

    def _make_up_for(self, password_hash: str) -> None:
        """Do what a hash of weaker parameters left undone, or time would tell its owner from nobody."""
        try:
            spent = extract_parameters(password_hash)
            missing_kib = self._memory_kib - spent.memory_cost * spent.time_cost // _PASSES
        except InvalidHashError:
            missing_kib = self._memory_kib
        if missing_kib >= _MIN_MEMORY_KIB:
            PasswordHasher(time_cost=_PASSES, memory_cost=missing_kib, parallelism=1).hash("")

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _QUEUE:
            raise Unavailable("hashing", retry_after_s=2.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
