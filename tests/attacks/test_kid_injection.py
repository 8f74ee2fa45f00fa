"""A `kid` that is a path, a query, a command or a URL (labs 6 and 8 of jwt_tool; CVE-2017-17405 class)."""

from tests.attacks.forge import signed
from tests.attacks.insider import Insider
from tests.attacks.system import Resource
from tests.attacks.verdicts import assert_refused

# Each with the secret that the injection would make the server verify with.
INJECTIONS: dict[str, tuple[object, bytes]] = {
    "path to nothing": ("../../../../../../../dev/null", b""),
    "absolute path to nothing": ("/dev/null", b""),
    "Windows device": ("NUL", b""),
    "encoded path": ("..%2f..%2f..%2fdev%2fnull", b""),
    "doubled dots": ("....//....//....//dev/null", b""),
    "path with a NUL": ("../../../../dev/null\0.pem", b""),
    "known file": ("/proc/sys/kernel/randomize_va_space", b"2\n"),
    "union select": ("x' UNION SELECT 'attacker';--", b"attacker"),
    "or true": ("' OR '1'='1", b"attacker"),
    "LDAP": ("*)(uid=*))(|(uid=*", b""),
    "pipe": ("|id", b""),
    "backquotes": ("`id`", b""),
    "substitution": ("$(id)", b""),
    "template": ("{{7*7}}", b"49"),
    "web address": ("http://127.0.0.1:9/key", b""),
    "file address": ("file:///dev/null", b""),
    "data address": ("data:text/plain,attacker", b"attacker"),
    "prototype": ("__proto__", b""),
    "constructor": ("constructor", b""),
    "dunder": ("__class__", b""),
    "Redis command": ("x\r\nFLUSHALL\r\n", b""),
    "empty": ("", b""),
    "space": (" ", b""),
    "dot": (".", b""),
    "number": (0, b""),
    "negative": (-1, b""),
    "true": (True, b""),
    "object": ({}, b""),
    "list": ([], b""),
    "long": ("k" * 700, b""),
    "one too long": ("k" * 65, b""),
    "Arabic digits": ("\u0660\u0661", b""),
    "right to left": ("\u202ekid", b""),
}


def test_a_kid_that_means_something_elsewhere_is_refused(resources: list[Resource], insider: Insider) -> None:
    tokens = {name: signed(insider.header(kid=kid), insider.claims(), key) for name, (kid, key) in INJECTIONS.items()}
    assert_refused(resources, tokens)


def test_the_real_secret_does_not_save_it(resources: list[Resource], insider: Insider) -> None:
    assert_refused(resources, {name: insider.sign(insider.header(kid=kid)) for name, (kid, _) in INJECTIONS.items()})


def test_a_kid_near_the_real_one_is_refused(resources: list[Resource], insider: Insider) -> None:
    """A key is found by its exact name: no prefix, no other case, no trimming."""
    real = insider.kid
    near = [
        f" {real}", f"{real} ", f"{real}\n", f"{real}\0", real[:-1], f"{real}A", real.swapcase(), f"./{real}",
        f"{real}=",
    ]  # fmt: skip
    assert_refused(resources, {name: insider.sign(insider.header(kid=name)) for name in near})


def test_a_token_that_names_no_key_is_refused(resources: list[Resource], insider: Insider) -> None:
    """Nothing is tried: neither the only key nor one after another."""
    header = {"alg": "HS256", "typ": "at+jwt"}
    assert_refused(resources, {"no kid": insider.sign(header), "null": insider.sign({**header, "kid": None})})
