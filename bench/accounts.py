"""The callers of a benchmark: accounts whose passwords are cheap to check, so that a thousand logins cost a second.

What a login costs with the real parameters is a figure of its own.
"""

from pathlib import Path

from argon2 import PasswordHasher

PASSWORD = "bench-caller-password"  # noqa: S105 - of accounts that exist for the length of a run
HASH_MEMORY_KIB = 8
ADMIN = "admin"

# What LOGIN_HASH_MEMORY_KIB=8 makes, so that no server finds these hashes outdated and replaces them.
_hasher = PasswordHasher(time_cost=2, memory_cost=HASH_MEMORY_KIB, parallelism=1)


def caller_name(number: int) -> str:
    """Name a caller with five characters, as many as the guest of the control has: answers are equally long."""
    return f"u{number:04d}"


def write_accounts(path: Path, callers: int, *, padding_bytes: int = 0) -> None:
    """Write the accounts file of so many callers and an admin; padding makes every name, and so every token, longer."""
    lines: list[str] = []
    for number in range(callers):
        name = f"U{number:04d}" + "x" * padding_bytes
        lines += _account(caller_name(number), name, '["user"]')
    lines += _account(ADMIN, "Admin", '["admin", "user"]')
    path.write_text("\n".join(lines), encoding="utf-8")


def _account(username: str, name: str, roles: str) -> list[str]:
    return [
        f"[accounts.{username}]",
        f'name = "{name}"',
        f'password_hash = "{_hasher.hash(PASSWORD)}"',
        f"roles = {roles}",
        'scopes = ["orders:read", "orders:write"]',
        "",
    ]
