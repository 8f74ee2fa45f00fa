"""Passwords that everybody tries first (PWD-04): whoever chooses a new one is told so."""

import pytest

from core.errors import BadRequest
from core.passwords import MAX_CHARS, MIN_CHARS, check_new_password
from tests.attacks.system import System
from tests.attacks.wire import bearer, call_json

# The heads of the lists of leaked passwords, what fingers walk, and how people make a short one long.
HEADS = (
    "123456", "password", "12345678", "qwerty", "123456789", "12345", "1234", "111111", "1234567", "dragon", "123123",
    "baseball", "abc123", "football", "monkey", "letmein", "696969", "shadow", "master", "666666", "qwertyuiop",
    "123321", "mustang", "1234567890", "michael", "654321", "superman", "1qaz2wsx", "7777777", "121212", "000000",
    "qazwsx", "123qwe", "killer", "trustno1", "jordan", "jennifer", "zxcvbnm", "asdfgh", "hunter", "iloveyou",
)  # fmt: skip
LONG = (
    "123456789012345", "1234567890123456", "0123456789abcdef", "abcdefghijklmno", "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfgh", "qwertyuiopasdfghjklzxcvbnm", "asdfghjklzxcvbnm", "zxcvbnmasdfghjkl", "1qaz2wsx3edc4rfv",
    "1q2w3e4r5t6y7u8i", "q1w2e3r4t5y6u7i8o9p0", "qazwsxedcrfvtgb", "azertyuiopqsdfgh", "qwertzuiopasdfg",
    "a1b2c3d4e5f6g7h8", "1a2b3c4d5e6f7g8h", "passwordpassword", "password12345678", "Password123456789",
    "PASSWORD1234567890", "passw0rdpassw0rd", "letmeinletmeinletmein", "iloveyouiloveyou", "welcomewelcome123",
    "administrator123", "administratoradministrator", "changemechangeme", "9876543210987654", "zyxwvutsrqponmlk",
    "aaaaaaaaaaaaaaa", "111111111111111", "abababababababab", "alicealicealice", "alice1234567890", "Alice-alice-alice",
    "               ", "...............", "1111122222333334", "zaq12wsxcde34rfv",
)  # fmt: skip
GOOD = (
    "correct horse battery staple", "alice-demo-password", "Rinnsal und Moor im Mai", "4 gaensefedern, 9 tintenfass",
    "\u5929\u5730\u7384\u9ec3\u5b87\u5b99\u6d2a\u8352\u65e5\u6708\u76c8\u6603\u8fb0\u5bbf\u5217", "x8#Kq2!vLm0$Zt7&",
)  # fmt: skip


@pytest.mark.parametrize("password", HEADS)
def test_what_everybody_tries_is_refused_alone_and_repeated(password: str) -> None:
    for text in (password, password * (1 + MIN_CHARS // len(password)), (password * 16)[:MIN_CHARS]):
        with pytest.raises(BadRequest):
            check_new_password(text, "alice")


@pytest.mark.parametrize("password", LONG)
def test_a_walk_over_the_keyboard_is_refused_however_long(password: str) -> None:
    with pytest.raises(BadRequest):
        check_new_password(password, "alice")


@pytest.mark.parametrize("password", GOOD)
def test_a_phrase_of_any_characters_may_be_chosen(password: str) -> None:
    """No rule about kinds of characters (NIST SP 800-63B-4 §3.1.1.2)."""
    check_new_password(password, "bob")


@pytest.mark.parametrize(
    ("length", "fits"), [(14, False), (15, True), (64, True), (MAX_CHARS, True), (MAX_CHARS + 1, False)]
)
def test_the_length_decides_to_the_character(length: int, *, fits: bool) -> None:
    password = "".join(f"{word}{number} " for number, word in enumerate(["staple"] * 40))[:length]
    if fits:
        check_new_password(password, "alice")
    else:
        with pytest.raises(BadRequest):
            check_new_password(password, "alice")


def test_the_auth_server_refuses_them_for_new_accounts_and_new_passwords(system: System) -> None:
    port, admin = system.auth().port, bearer(system.log_in("root")["access_token"])
    for password in ("short", "passwordpassword", "weakling1234567890"):
        new = {"username": "weakling", "name": "Weak", "password": password}
        for path, body in (
            ("/admin/accounts", new),
            ("/admin/accounts/weakling/password", {"password": password}),
        ):
            refused = call_json(port, "POST", path, body, admin)
            assert (400, "bad_request") == (refused.status, refused.json()["code"])
            assert password not in refused.text
