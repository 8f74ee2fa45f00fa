"""Three ways in which published benchmarks fooled their authors, on demand, each beside the right way."""

from collections.abc import Callable

from bench.artefacts.artefact import Artefact
from bench.artefacts.hidden_stall import hidden_stall
from bench.artefacts.key_parsing import key_parsing
from bench.artefacts.shared_process import shared_process

ARTEFACTS: dict[str, Callable[[], Artefact]] = {
    "generator-in-the-server": shared_process,
    "key-parsed-on-every-call": key_parsing,
    "closed-loop-hides-a-stall": hidden_stall,
}
