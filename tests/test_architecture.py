"""The shape of the house: who may import whom, that no two files need each other, where a strategy is named."""

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from core.contract import Promise
from resource_server.strategies import STRATEGIES as TOKEN_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("core", "auth_server", "resource_server", "session_server", "lab", "bench")
STRATEGIES: Mapping[str, Mapping[str, type[Any]]] = {
    "resource_server": TOKEN_STRATEGIES,
    "session_server": SESSION_STRATEGIES,
}


def _modules(package: str) -> dict[str, Path]:
    """Return the dotted name of every module of a package, and its file."""
    found = {}
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if any(part.startswith(".") for part in parts):
            continue  # what a peer of the benchmark installed beside itself
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> set[str]:
    """Return every module that a file may mean by its imports, wherever they stand in it."""
    names = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: an import is written out"
            assert node.module is not None
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_core_is_the_staircase_that_is_documented() -> None:
    """A file imports only files that a reader has already met."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"`(\w+)`", page.partition("is a staircase")[2].partition("Servers import")[0])
    files = {path.stem for path in (ROOT / "core").glob("*.py")} - {"__init__"}
    assert sorted(files) == sorted(steps)
    for number, step in enumerate(steps):
        needed = {name.removeprefix("core.").partition(".")[0] for name in _imports(ROOT / "core" / f"{step}.py")}
        assert needed & files <= set(steps[:number]) | {step}, step


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_files_need_each_other(package: str) -> None:
    """If two files need each other, a third is missing."""
    modules = _modules(package)
    assert modules
    staircase = TopologicalSorter({name: _imports(path) & set(modules) - {name} for name, path in modules.items()})
    assert list(staircase.static_order())


def test_a_circle_would_be_found(tmp_path: Path) -> None:
    """The measure itself can fail: two files that import each other, one of them inside a function."""
    (tmp_path / "one.py").write_text("def later() -> None:\n    from house import two\n")
    (tmp_path / "two.py").write_text("from house.one import later\n")
    needs = {f"house.{name}": _imports(tmp_path / f"{name}.py") for name in ("one", "two")}
    with pytest.raises(ValueError, match="cycle"):
        list(TopologicalSorter({name: found & set(needs) for name, found in needs.items()}).static_order())


@pytest.mark.parametrize("server", ["auth_server", "resource_server", "session_server"])
def test_what_a_server_loads_is_its_own_and_core(server: str) -> None:
    """Asked of the running interpreter: no other server, no lab, no bench and no test comes along."""
    others = tuple(name for name in (*PACKAGES, "tests", "pytest") if name not in {"core", server})
    code = f"import sys, {server}.app; print(*[name for name in sys.modules if name.split('.')[0] in {others!r}])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "" == result.stdout.strip()


def test_import_contracts_hold() -> None:
    """What pyproject.toml says of who may import whom (import-linter), as `make check` asks."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == result.returncode, result.stdout
    assert "0 broken" in result.stdout


@pytest.mark.parametrize("server", STRATEGIES)
def test_every_strategy_is_one_file_under_its_own_name(server: str) -> None:
    """A new strategy is a file beside these and one line: nothing half-registered lies around."""
    files = {path.stem.replace("_", "-") for path in (ROOT / server / "strategies").glob("[a-z]*.py")}
    assert files == set(STRATEGIES[server])
    for name, strategy in STRATEGIES[server].items():
        assert f"{server}.strategies.{name.replace('-', '_')}" == strategy.__module__
        assert isinstance(strategy.promise, Promise)


@pytest.mark.parametrize("server", STRATEGIES)
def test_a_server_names_strategies_in_one_place(server: str) -> None:
    """Nothing else in it depends on which ones there are; settings may name a default, and the one without a store."""
    names = set(STRATEGIES[server])
    naming = {}
    for module, path in _modules(server).items():
        found = {node.value for node in ast.walk(_tree(path)) if isinstance(node, ast.Constant)} & names
        if found:
            naming[module] = found
    assert names == naming.pop(f"{server}.strategies")
    exceptions = {
        "resource_server": {"resource_server.settings": {"plain-jwt"}},
        "session_server": {
            "session_server.settings": {"redis-session", "memory-session"},
            "session_server.app": {"memory-session"},
        },
    }
    assert exceptions[server] == naming


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        name
        for package in ("core", "auth_server", "resource_server", "session_server")
        for name, path in _modules(package).items()
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "putenv"}
    }
    assert {"core.settings"} == readers


def test_redis_keys_are_named_in_one_place() -> None:
    """`authlab:` stands in core/redis_keys.py and in the Lua prelude, whose scripts make keys of their own."""
    naming = {
        str(path.relative_to(ROOT))
        for package in ("core", "auth_server", "resource_server", "session_server")
        for path in (ROOT / package).rglob("*.*")
        if path.suffix in {".py", ".lua"} and "authlab:" in path.read_text(encoding="utf-8")
    }
    assert {"core/redis_keys.py", "auth_server/lua/prelude.lua"} == naming
