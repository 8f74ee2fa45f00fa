import json

import pytest
from click.testing import CliRunner

from bench.artefacts import ARTEFACTS
from bench.commands.artefacts import command

# How far off the wrong way must be at least, on any machine, for the lesson to be one.
AT_LEAST = {"generator-in-the-server": 1.5, "key-parsed-on-every-call": 5, "closed-loop-hides-a-stall": 5}


@pytest.mark.parametrize("name", ARTEFACTS)
def test_the_wrong_way_is_off_by_the_factor_that_it_shows(name: str) -> None:
    outcome = CliRunner().invoke(command, ["--only", name, "--json"])
    assert 0 == outcome.exit_code, outcome.output
    found = json.loads(outcome.output)[name]
    assert found["factor"] > AT_LEAST[name]
    assert found["factor"] == pytest.approx(max(found["wrong"] / found["right"], found["right"] / found["wrong"]))
