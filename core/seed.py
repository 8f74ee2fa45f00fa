"""Which accounts a server starts with: those of a file, or the demo's; never the demo's by accident."""

from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.accounts import DEMO_PASSWORDS, Account, accounts_from_file, demo_accounts
from core.settings import LoginSettings, SettingsError


def seed_accounts(settings: LoginSettings, path: Path | None, variable: str, *, stored: bool) -> list[Account]:
    """Return the accounts to start with. With a store they may be none: it has them. Raises `SettingsError`."""
    hasher = PasswordHasher(time_cost=2, memory_cost=settings.login_hash_memory_kib, parallelism=1)
    if path is not None:
        accounts = accounts_from_file(path)
        if not settings.authlab_demo and any(_is_demo(hasher, account) for account in accounts):
            raise SettingsError(f"{variable} {path} holds a demo password; it needs AUTHLAB_DEMO=true")
        return accounts
    if settings.authlab_demo:
        return demo_accounts({name: hasher.hash(password) for name, password in DEMO_PASSWORDS.items()})
    if stored:
        return []
    raise SettingsError(f"{variable} is missing: there is nobody who could log in")


def _is_demo(hasher: PasswordHasher, account: Account) -> bool:
    password = DEMO_PASSWORDS.get(account.username)
    try:
        return password is not None and hasher.verify(account.password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
