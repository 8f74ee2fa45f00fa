"""A token that demands an extension we do not have (RFC 7515 §4.1.11).

CVE-2026-32597 and CVE-2025-59420 took any `crit`; GHSA-w7vc-732c-9m39 spent itself on `b64`.
"""

from typing import Any

from tests.attacks.forge import b64, segment, signature_of
from tests.attacks.insider import Insider
from tests.attacks.system import Resource
from tests.attacks.verdicts import assert_refused

DEMANDS: tuple[dict[str, Any], ...] = (
    {"crit": ["x"]},
    {"crit": ["x"], "x": True},
    {"crit": []},
    {"crit": "x"},
    {"crit": None},
    {"crit": {}},
    {"crit": ["b64"]},
    {"crit": ["b64"], "b64": True},
    {"crit": ["b64"], "b64": False},
    {"b64": False},
    {"b64": True},
    {"crit": ["exp"]},
    {"crit": ["exp"], "exp": 99999999999},
    {"crit": ["alg", "kid"]},
    {"crit": ["x", "x"]},
    {"crit": [1]},
    {"crit": ["http://example.invalid/UNDEFINED"], "http://example.invalid/UNDEFINED": True},
    {"zip": "DEF"},
)


def test_a_token_with_critical_extensions_is_refused(resources: list[Resource], insider: Insider) -> None:
    assert_refused(resources, {repr(demand): insider.sign({**insider.header(), **demand}) for demand in DEMANDS})


def test_an_unencoded_payload_is_refused(resources: list[Resource], insider: Insider) -> None:
    """RFC 7797: the signature covers the bare payload, so a parser that encodes it first reads something else."""
    header = segment(insider.header(crit=["b64"], b64=False))
    payload = segment(insider.claims())
    bare = f"{header}.root"
    tokens = {
        "bare": f"{bare}.{b64(signature_of('HS256', insider.key, bare.encode()))}",
        "detached": f"{header}..{b64(signature_of('HS256', insider.key, f'{header}.{payload}'.encode()))}",
    }
    assert_refused(resources, tokens)
