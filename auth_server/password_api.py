"""Change one's own password: only with the present one, and everybody who was in is out (ASVS 6.2.3, 7.4.3)."""

from aiohttp import web
from pydantic import Field

from auth_server.state import STATE
from core.answers import Answer, empty_answer
from core.authorization import SIGNED_IN
from core.body import Body, read_json
from core.endpoint import Endpoint
from core.frame import SUBJECT
from core.login import Credentials
from core.logs import audit
from core.passwords import ChosenPassword, check_new_password


class PasswordChange(Body):
    """The present password, which a thief of a token does not have, and the one to come."""

    current_password: str = Field(min_length=1, max_length=1024, repr=False)
    new_password: ChosenPassword


async def change_password(request: web.Request) -> Answer:
    """Replace the caller's password and end every login of the account. Wrong guesses count as failed logins."""
    state, subject = request.app[STATE], request[SUBJECT]
    memory, accounts = state.memory(), state.stored_accounts()
    change = await read_json(request, PasswordChange)
    check_new_password(change.new_password, subject.id)
    credentials = Credentials.model_construct(username=subject.id, password=change.current_password)
    account = await state.login.check(credentials, request)
    password_hash = await state.passwords.hash(change.new_password)
    await accounts.change(account.username, password_hash=password_hash)
    await memory.end_all(account.username)
    audit.info("account.password", sub=account.username, by=account.username, address=request.remote)
    return empty_answer()


PASSWORD_ENDPOINTS = [
    Endpoint(
        "POST", "/password", change_password, SIGNED_IN, "Change your password; ends all your logins",
        {204: None}, takes_json=PasswordChange, errors=(429, 501),
    ),
]  # fmt: skip
