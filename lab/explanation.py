"""Take a token apart as far as possible, and say of each check how it went and why.

A JWT is signed, not encrypted: all of this but the last check works without any key.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from core.strict_json import NotStrict, json_object
from lab.by_hand import NotBase64url, base64url_decode

Verdict = Literal["passed", "failed", "not checked", "fine", "advice"]
"""The first three decide; `fine` and `advice` are about our other rules."""
_PART_NAMES = ("header", "payload", "signature")
_MAX_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked of the token, and the answer."""

    name: str
    verdict: Verdict
    why: str


@dataclass(slots=True)
class Part:
    """One of the three parts: as written, as bytes, and as JSON where it is."""

    name: str
    text: str
    data: bytes | None = None
    members: dict[str, Any] | None = None
    problem: str | None = None


@dataclass(slots=True)
class Explanation:
    """Everything that can be told about a text that may be a token."""

    token: str
    parts: list[Part]
    notes: list[str]
    checks: list[Check] = field(default_factory=list)

    @property
    def verified(self) -> bool:
        """Whether every check that decides has passed, the signature among them."""
        deciding = [check for check in self.checks if check.verdict not in {"fine", "advice"}]
        return bool(deciding) and all(check.verdict == "passed" for check in deciding)

    @property
    def header(self) -> dict[str, Any]:
        """The header's members, as far as they can be read."""
        return self._members(0)

    @property
    def claims(self) -> dict[str, Any]:
        """The payload's members, as far as they can be read."""
        return self._members(1)

    @property
    def signing_input(self) -> bytes:
        """The exact bytes that are signed: header and payload as written, with the dot between them."""
        return ".".join(part.text for part in self.parts[:2]).encode()

    @property
    def signature(self) -> bytes | None:
        """The signature's bytes; None when there is none or it cannot be read."""
        return self.parts[2].data if len(self.parts) > 2 else None  # noqa: PLR2004 - header, payload, signature

    def _members(self, index: int) -> dict[str, Any]:
        return (self.parts[index].members or {}) if len(self.parts) > index else {}


SignatureCheck = Callable[[Explanation], list[Check]]
"""Says how the signature fares, once the three parts could be read."""


def explain(text: str, signature_check: SignatureCheck) -> Explanation:
    """Explain any text. It never raises for what the text holds."""
    token, notes = _unwrapped(text)
    parts = [_part(name, part) for name, part in zip((*_PART_NAMES, "more", "more"), token.split("."), strict=False)]
    explanation = Explanation(token, parts, notes)
    explanation.checks = _form(explanation, token.count(".") + 1)
    if all(check.verdict == "passed" for check in explanation.checks):
        explanation.checks += signature_check(explanation)
    else:
        why = "a token that cannot be read has no signature to check"
        explanation.checks.append(Check("signature", "not checked", why))
    return explanation


def _unwrapped(text: str) -> tuple[str, list[str]]:
    notes = []
    token = text.strip()
    for wrapping in ("Authorization:", "Bearer ", "bearer "):
        if token.startswith(wrapping):
            token = token.removeprefix(wrapping).strip()
            notes.append(f"{wrapping.strip()!r} in front was taken off")
    bare = token.strip("\"'`")
    if bare != token:
        notes.append("quotes around the token were taken off: a server would refuse them")
    if any(character.isspace() for character in bare):
        bare = "".join(bare.split())
        notes.append("spaces and line breaks inside were taken out: a server would refuse them")
    if len(bare) > _MAX_CHARS:
        notes.append(f"only the first {_MAX_CHARS} of {len(bare)} characters are looked at")
    return bare[:_MAX_CHARS], notes


def _part(name: str, text: str) -> Part:
    part = Part(name, text)
    try:
        part.data = base64url_decode(text)
    except NotBase64url as error:
        part.problem = str(error)
        part.data = _readable_start(text)
    if name != "signature" and part.data is not None:
        try:
            part.members = json_object(part.data)
        except NotStrict as error:
            part.problem = part.problem or f"the bytes are not one JSON object with one meaning ({error})"
    return part


def _readable_start(text: str) -> bytes | None:
    """Decode what can be decoded of a cut-off or padded part, so that a learner sees how far it goes."""
    start = text.rstrip("=")
    start = start[: len(start) - len(start) % 4]
    try:
        return base64url_decode(start)
    except NotBase64url:
        return None


def _form(explanation: Explanation, count: int) -> list[Check]:
    return [_three_parts(explanation, count), *(_readable(part) for part in explanation.parts[:3])]


def _three_parts(explanation: Explanation, count: int) -> Check:
    if not explanation.token:
        return Check("parts", "failed", "there is nothing to explain")
    if count == 5:  # noqa: PLR2004 - RFC 7516
        return Check("parts", "failed", "five parts: this looks like a JWE, an encrypted token, which is another thing")
    if count != len(_PART_NAMES):
        return Check("parts", "failed", f"a signed token has three parts with dots between; this has {count}")
    if empty := [part.name for part in explanation.parts if not part.text]:
        return Check("parts", "failed", f"the {empty[0]} is empty: this token is not signed at all")
    return Check("parts", "passed", "three parts with dots between: header, payload, signature")


def _readable(part: Part) -> Check:
    name = "signature form" if part.name == "signature" else part.name
    if part.problem:
        return Check(name, "failed", part.problem)
    if part.name == "signature":
        return Check(name, "passed", f"canonical base64url, {len(part.data or b'')} bytes")
    return Check(name, "passed", "canonical base64url of one JSON object")
