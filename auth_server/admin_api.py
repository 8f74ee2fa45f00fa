"""Manage accounts and keys. New credentials show a change at once, old ones their strategy's lag."""

import asyncio
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, RootModel

from auth_server.state import STATE
from core.accounts import USERNAME, WORD, Account
from core.answers import Answer, empty_answer, json_answer
from core.authorization import needs
from core.body import Body, read_json
from core.endpoint import Endpoint
from core.frame import SUBJECT
from core.logs import audit
from core.passwords import ChosenPassword, check_new_password

Word = Annotated[str, Field(pattern=WORD)]
ADMIN = needs(role="admin")


class NewAccount(Body):
    """An account to be."""

    username: str = Field(pattern=USERNAME)
    name: str = Field(min_length=1, max_length=100)
    password: ChosenPassword
    roles: list[Word] = Field(default=["user"], max_length=32)
    scopes: list[Word] = Field(default=["orders:read"], max_length=32)


class NewRoles(Body):
    """Roles that replace the old ones; scopes stay unless given."""

    roles: list[Word] = Field(max_length=32)
    scopes: list[Word] | None = Field(default=None, max_length=32)


class NewPassword(Body):
    """A password that replaces the old one."""

    password: ChosenPassword


class AccountEntry(BaseModel):
    """An account as an admin sees it."""

    username: str
    name: str
    roles: list[str]
    scopes: list[str]
    disabled: bool


class AccountList(RootModel[list[AccountEntry]]):
    """All accounts."""


class KeyEntry(BaseModel):
    """A key without its material. Times are Unix seconds."""

    kid: str
    algorithm: str
    state: str
    created_at: float
    signs_from: float
    retires_at: float | None


class KeyList(RootModel[list[KeyEntry]]):
    """All keys, in the order in which they sign."""


def _entry(account: Account) -> dict[str, object]:
    return {
        "username": account.username,
        "name": account.name,
        "roles": account.roles,
        "scopes": account.scopes,
        "disabled": account.disabled,
    }


async def list_accounts(request: web.Request) -> Answer:
    """Show all accounts."""
    accounts = request.app[STATE].stored_accounts()
    found = [await accounts.find(name) for name in await accounts.names()]
    return json_answer([_entry(account) for account in found if account is not None])


async def add_account(request: web.Request) -> Answer:
    """Add an account."""
    state = request.app[STATE]
    new = await read_json(request, NewAccount)
    check_new_password(new.password, new.username)
    password_hash = await state.passwords.hash(new.password)
    account = Account(new.username, new.name, password_hash, tuple(new.roles), tuple(new.scopes))
    await state.stored_accounts().add(account)
    _audit(request, "account.added", new.username)
    return json_answer(_entry(account), status=201)


async def set_roles(request: web.Request) -> Answer:
    """Replace an account's roles and end its logins, so that what is issued from now on says so."""
    new = await read_json(request, NewRoles)
    changes: dict[str, object] = {"roles": tuple(new.roles)}
    if new.scopes is not None:
        changes["scopes"] = tuple(new.scopes)
    return await _change(request, "account.roles", changes)


async def set_password(request: web.Request) -> Answer:
    """Replace an account's password and end its logins."""
    new = await read_json(request, NewPassword)
    check_new_password(new.password, request.match_info["name"])
    password_hash = await request.app[STATE].passwords.hash(new.password)
    return await _change(request, "account.password", {"password_hash": password_hash})


async def disable(request: web.Request) -> Answer:
    """Let an account log in no more, and end its logins."""
    return await _change(request, "account.disabled", {"disabled": True})


async def enable(request: web.Request) -> Answer:
    """Let a disabled account log in again."""
    return await _change(request, "account.enabled", {"disabled": False})


async def _change(request: web.Request, event: str, changes: dict[str, object]) -> Answer:
    """Change first, then end: a login that read the old account began before the cut-off and is refused."""
    state = request.app[STATE]
    account = await state.stored_accounts().change(request.match_info["name"], **changes)
    await state.memory().end_all(account.username)
    _audit(request, event, account.username)
    return json_answer(_entry(account))


async def list_keys(request: web.Request) -> Answer:
    """Show all keys."""
    return json_answer(request.app[STATE].keys.describe())


async def rotate_key(request: web.Request) -> Answer:
    """Publish a new key that will sign once verifiers have it."""
    return json_answer(await asyncio.to_thread(request.app[STATE].keys.rotate), status=201)


async def retire_key(request: web.Request) -> Answer:
    """Stop trusting a key at once."""
    await asyncio.to_thread(request.app[STATE].keys.retire, request.match_info["kid"])
    return empty_answer()


def _audit(request: web.Request, event: str, username: str) -> None:
    audit.info(event, sub=username, by=request[SUBJECT].id)


ADMIN_ENDPOINTS = [
    Endpoint("GET", "/admin/accounts", list_accounts, ADMIN, "All accounts", {200: AccountList}, errors=(501,)),
    Endpoint(
        "POST", "/admin/accounts", add_account, ADMIN, "Add an account",
        {201: AccountEntry}, takes_json=NewAccount, errors=(409, 501),
    ),
    Endpoint(
        "POST", "/admin/accounts/{name}/roles", set_roles, ADMIN, "Replace an account's roles; ends its logins",
        {200: AccountEntry}, takes_json=NewRoles, errors=(404, 501),
    ),
    Endpoint(
        "POST", "/admin/accounts/{name}/password", set_password, ADMIN, "Replace a password; ends the account's logins",
        {200: AccountEntry}, takes_json=NewPassword, errors=(404, 501),
    ),
    Endpoint(
        "POST", "/admin/accounts/{name}/disable", disable, ADMIN, "Disable an account; ends its logins",
        {200: AccountEntry}, errors=(404, 501),
    ),
    Endpoint(
        "POST", "/admin/accounts/{name}/enable", enable, ADMIN, "Enable a disabled account",
        {200: AccountEntry}, errors=(404, 501),
    ),
    Endpoint("GET", "/admin/keys", list_keys, ADMIN, "All keys, without their material", {200: KeyList}),
    Endpoint("POST", "/admin/keys/rotate", rotate_key, ADMIN, "Rotate the signing key", {201: KeyEntry}, errors=(409,)),
    Endpoint(
        "POST", "/admin/keys/{kid}/retire", retire_key, ADMIN, "Distrust a key at once", {204: None}, errors=(404, 409)
    ),
]  # fmt: skip
