"""`python -m bench peers`: what is started, what must be installed, and what is said about the outcome."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.arms import BARE
from bench.commands.peers import command
from bench.peers import installation
from bench.peers.arms import OURS, PEER_ARMS, choose
from bench.peers.catalog import BY_NAME, PEERS
from bench.peers.comparison import against_own_controls, duels, margin_over, not_measured
from bench.peers.installation import PEERS_DIRECTORY, PINS, install, missing, versions
from bench.peers.launch import command_of
from bench.peers.summary import write_peers_summary
from bench.result import ArmResult, Result

Samples = tuple[float, ...]


def test_every_peer_has_its_files_and_a_control_that_recognises_nobody() -> None:
    assert len(PEERS) == len(BY_NAME) == len(PEER_ARMS)
    for peer in PEERS:
        assert (peer.control is None) == (peer.credential == "none")
        assert peer.control in {None, BARE.name} or "none" == BY_NAME[peer.control or ""].credential
        if peer.runtime == "Node.js":
            assert (PEERS_DIRECTORY / peer.arguments[0]).is_file()


def test_naming_a_peer_brings_its_control_and_ours_along() -> None:
    assert ["control", "control-again", "peer-express", "peer-express-jwt"] == [
        arm.name for arm in choose(("peer-express-jwt",))
    ]
    assert {*OURS, *BY_NAME} == {arm.name for arm in choose(())}
    with pytest.raises(KeyError, match="peer-of-the-realm"):
        choose(("peer-of-the-realm",))


def test_every_dependency_is_pinned_and_no_registry_is_named() -> None:
    package = json.loads(PINS["Node.js"].read_text(encoding="utf-8"))
    assert all(version[0].isdigit() for version in package["dependencies"].values())
    lines = [line for line in PINS["Python"].read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in lines)
    assert not list(PEERS_DIRECTORY.glob("*lock*"))


def test_the_command_is_the_runtime_with_the_address_filled_in() -> None:
    command = command_of(BY_NAME["peer-flask-jwt"], "127.0.0.1", "4711")
    assert str(installation.PYTHON) == command[0]
    assert ["--bind", "127.0.0.1:4711"] == command[-2:]


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(installation, "INSTALLED", tmp_path)
    return tmp_path


def test_what_is_missing_is_named_with_what_to_do(nothing_installed: Path) -> None:
    for runtime in ("Node.js", "Python"):
        stamp = nothing_installed / f"{runtime.lower()}.sha256"
        if runtime == "Python" or shutil.which("node"):
            assert "not installed: python -m bench peers --install" == missing(runtime)
            stamp.write_text("of other pins")
            assert "installed with other versions: python -m bench peers --install" == missing(runtime)


def test_without_node_its_peers_say_so_and_are_passed_over(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert "Node.js is not installed" == missing("Node.js")
    install(["Node.js"])
    assert [] == [*nothing_installed.iterdir()]
    finished = CliRunner().invoke(command, ["--arms", "peer-fastify-jwt"])
    assert 2 == finished.exit_code
    assert "peer-fastify-jwt cannot be measured: Node.js is not installed" in finished.output


def test_an_unknown_arm_is_refused_by_name(nothing_installed: Path) -> None:
    _ = nothing_installed
    finished = CliRunner().invoke(command, ["--arms", "peer-of-the-realm"])
    assert 2 == finished.exit_code
    assert "peer-of-the-realm" in finished.output


def test_the_result_names_the_version_of_everything_that_was_measured() -> None:
    facts = versions(peer for peer in PEERS if peer.runtime == "Python")
    assert "peers_fastapi" in facts
    assert "peers_fastify" not in facts


def with_arms(result: Result, **measured: tuple[Samples, Samples]) -> Result:
    """Return a result with these CPU µs per request and answers per second, one each for every round."""
    arms: dict[str, ArmResult] = {}
    for name, (cpu_us, rps) in measured.items():
        arm = result.arms["control"]
        samples = arm.samples.model_copy(update={"server_cpu_us": cpu_us, "answered_rps": rps})
        rate = arm.answered_rps.model_copy(update={"median": sorted(rps)[1], "low": min(rps), "high": max(rps)})
        arms[name.replace("_", "-")] = arm.model_copy(update={"samples": samples, "answered_rps": rate})
    return result.model_copy(update={"arms": arms})


@pytest.fixture
def measured(small: Result) -> Result:
    return with_arms(
        small,
        bare=((40.0, 42.0, 41.0), (20000.0, 20000.0, 20000.0)),
        control=((45.0, 47.0, 46.0), (19000.0, 19000.0, 19000.0)),
        control_again=((45.0, 47.0, 46.0), (19000.0, 19000.0, 19000.0)),
        plain_jwt=((50.0, 52.0, 51.0), (18000.0, 15000.0, 18000.0)),
        redis_session=((60.0, 62.0, 61.0), (12000.0, 12000.0, 12000.0)),
        peer_fastify=((30.0, 35.0, 30.0), (25000.0, 25000.0, 25000.0)),
        peer_fastify_jwt=((90.0, 99.0, 92.0), (9000.0, 10000.0, 9000.0)),
        peer_aiohttp_jwt=((140.0, 152.0, 141.0), (6000.0, 6000.0, 6000.0)),
        peer_fastify_redis=((55.0, 65.0, 56.0), (15000.0, 15000.0, 15000.0)),
    )


def test_the_margin_of_a_peer_is_over_the_same_application_without_authentication(measured: Result) -> None:
    arms = against_own_controls(measured).arms
    assert (60.0, 64.0, 62.0) == arms["peer-fastify-jwt"].samples.margin_cpu_us
    assert 62.0 == arms["peer-fastify-jwt"].margin.median
    assert ("the margin is over peer-fastify",) == arms["peer-fastify-jwt"].notes[-1:]
    assert 100.0 == arms["peer-aiohttp-jwt"].margin.median
    assert measured.arms["plain-jwt"] == arms["plain-jwt"], "ours keep theirs"


def test_what_we_serve_is_compared_with_the_best_of_its_kind_round_by_round(measured: Result) -> None:
    by_token, by_session = duels(measured)
    assert ("plain-jwt", "peer-fastify-jwt") == by_token[:2]
    assert 2.0 == by_token.ratio.median
    assert 1.5 == by_token.ratio.low
    assert ("redis-session", "peer-fastify-redis") == by_session[:2]
    assert 0.8 == by_session.ratio.median, "a defeat is told, too"


def test_the_table_has_a_row_for_every_arm_and_tells_which_were_not_measured(measured: Result) -> None:
    doubts = not_measured({"Node.js is not installed": [BY_NAME["peer-express-jwt"]]})
    text = write_peers_summary(measured.model_copy(update={"doubts": doubts}))
    lines = text.splitlines()
    for peer in PEERS:
        (line,) = [line for line in lines if line.startswith(f"| {peer.name} |")]
        assert ("not measured" in line) == (peer.name not in measured.arms)
    assert "- Not measured: peer-express-jwt (Node.js is not installed)." in lines
    tokens = [line for line in lines if "jwt" in line and line.startswith("|") and "not measured" not in line]
    assert ["plain-jwt", "peer-fastify-jwt", "peer-aiohttp-jwt"] == [line.split("|")[1].strip(" *") for line in tokens]
    assert "| 62.0 [60.0, 64.0] | peer-fastify |" in tokens[1]
    assert "| 5.0 [5.0, 5.0] | bare |" in next(line for line in lines if line.startswith("| **control** |"))
    assert 5.0 == margin_over(measured, "control", "bare").median
