""".env.example says all that compose.yaml can be told, with the defaults that it has."""

import re

from tests.compose.stack import ROOT

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
_BUILD_ARGUMENTS = {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"}


def test_every_variable_of_compose_is_listed_with_its_default() -> None:
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    used = set(_VARIABLE.findall(compose))
    listed = set(re.findall(r"^#(\w+)=(.*)$", example, re.MULTILINE))

    assert used == {(name, default) for name, default in listed if name not in _BUILD_ARGUMENTS}
    assert compose.count("args: [PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_TRUSTED_HOST]") == compose.count("build:")
    assert {name for name, _ in listed} >= _BUILD_ARGUMENTS
