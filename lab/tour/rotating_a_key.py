"""Lesson 12: a new key is published, waited for, used; the old one goes when its last token has. Nobody gets a 401."""

import time
from collections import Counter
from http import HTTPStatus
from typing import Any

from lab.clients import TokenLogin
from lab.explanation import explain
from lab.places import Server
from lab.signature_checks import NoKey
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson
from lab.wire import Exchange

_SIGNS_WITHIN_S = 30.0


def _run(guide: Guide) -> None:
    admin, old = guide.token("root"), guide.token()
    rotation = guide.ask(guide.auth, admin, "/admin/keys/rotate", method="POST")
    if rotation.status == HTTPStatus.CONFLICT:
        guide.tell.skip("rotation", "this auth server has no AUTH_KEYS_DIR")
        return
    guide.tell.show(rotation)
    if not guide.tell.expect("root rotates the key", 201, rotation.status):
        return
    new_kid = rotation.json()["kid"]
    guide.tell.say("The new key is published first and does not sign yet: verifiers need time to hear of it.")
    verifiers = [*guide.resources, *guide.places.at("denylisted-jwt"), *guide.places.at("pushed-jwt")]
    statuses = _until_it_signs(guide, admin, new_kid, verifiers, old)
    new = guide.token()
    guide.tell.expect("a new token names the new key", new_kid, _kid(new))
    guide.tell.check("the old one named another", holds=_kid(old) != new_kid)
    for token in (old, new):
        statuses.update(guide.ask(server, token).status for server in verifiers)
    guide.tell.detail(f"{statuses.total()} requests at {len(verifiers)} servers during the rotation")
    guide.tell.expect("answers that were not 200", 0, statuses.total() - statuses[HTTPStatus.OK])
    for key in _keys(guide, admin).json():
        guide.tell.detail(_line(key))
    guide.tell.point("the order is everything: publish, wait, sign, wait, retire.")


def _until_it_signs(
    guide: Guide, admin: TokenLogin, kid: str, verifiers: list[Server], token: TokenLogin
) -> Counter[int]:
    """Keep every verifier busy with an old token until the new key signs; count the answers."""
    statuses: Counter[int] = Counter()
    deadline_s = time.monotonic() + _SIGNS_WITHIN_S
    while time.monotonic() < deadline_s:
        statuses.update(guide.ask(server, token).status for server in verifiers)
        if any(key["kid"] == kid and key["state"] == "signing" for key in _keys(guide, admin).json()):
            break
    return statuses


def _keys(guide: Guide, admin: TokenLogin) -> Exchange:
    return guide.ask(guide.auth, admin, "/admin/keys")


def _kid(token: TokenLogin) -> str | None:
    kid = explain(token.access_token, NoKey()).header.get("kid")
    return kid if isinstance(kid, str) else None


def _line(key: dict[str, Any]) -> str:
    retires = "" if key["retires_at"] is None else f", goes in {key['retires_at'] - time.time():.0f} s"
    return f"{key['kid'][:12]}…  {key['algorithm']}  {key['state']}{retires}"


LESSON = Lesson(
    12,
    "Rotating a key",
    "How do you change the key under everybody's feet without one refused request?",
    _run,
    needs=("plain-jwt",),
)
