"""The peers' libraries: from npm and PyPI, at the versions that are pinned here, into a folder that git ignores."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.peers.catalog import Peer, Runtime

PEERS_DIRECTORY = Path(__file__).resolve().parent
INSTALLED = PEERS_DIRECTORY / ".installed"
NODE_MODULES = INSTALLED / "node" / "node_modules"
PYTHON = INSTALLED / "python" / "bin" / "python"
PINS: Mapping[Runtime, Path] = {
    "Node.js": PEERS_DIRECTORY / "package.json",
    "Python": PEERS_DIRECTORY / "requirements.txt",
}
_WITHIN_S = 900


class InstallationFailed(Exception):
    """npm or pip did not do what it was asked; what it said is on standard error."""


def missing(runtime: Runtime) -> str | None:
    """Say why peers of this kind cannot run here; None when they can."""
    if runtime == "Node.js" and shutil.which("node") is None:
        return "Node.js is not installed"
    stamp = _stamp(runtime)
    if not stamp.is_file():
        return "not installed: python -m bench peers --install"
    if stamp.read_text(encoding="utf-8") != _fingerprint(runtime):
        return "installed with other versions: python -m bench peers --install"
    return None


def install(runtimes: Iterable[Runtime]) -> None:
    """Install what is missing; raise InstallationFailed. Where Node.js is not, its peers are passed over."""
    for runtime in runtimes:
        if missing(runtime) is None or (runtime == "Node.js" and shutil.which("npm") is None):
            continue
        directory = INSTALLED / runtime.lower().removesuffix(".js")
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        if runtime == "Node.js":
            _install_node(directory)
        else:
            _install_python(directory)
        _stamp(runtime).write_text(_fingerprint(runtime), encoding="utf-8")


def versions(peers: Iterable[Peer]) -> dict[str, str]:
    """Return the version of everything that the peers name, and of Node.js where it runs some of them."""
    runtimes = {peer.runtime for peer in peers}
    found: dict[str, str] = {}
    if "Node.js" in runtimes:
        found["node"] = _output(["node", "--version"]).removeprefix("v")
        found |= json.loads(PINS["Node.js"].read_text(encoding="utf-8"))["dependencies"]
    if "Python" in runtimes:
        lines = PINS["Python"].read_text(encoding="utf-8").splitlines()
        found |= {name: version for name, _, version in (line.partition("==") for line in lines) if version}
    return {f"peers_{name}": version for name, version in sorted(found.items())}


def _install_node(directory: Path) -> None:
    shutil.copy(PINS["Node.js"], directory)
    options = ("--omit=dev", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    _run(["npm", "install", *options], directory)


def _install_python(directory: Path) -> None:
    _run([sys.executable, "-m", "venv", str(directory)], PEERS_DIRECTORY)
    pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "-r", str(PINS["Python"])], PEERS_DIRECTORY)


def _run(command: list[str], directory: Path) -> None:
    try:
        subprocess.run(command, cwd=directory, check=True, timeout=_WITHIN_S, stdout=sys.stderr)
    except (OSError, subprocess.SubprocessError) as error:
        raise InstallationFailed(f"{command[0]} failed: {error}") from error


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()


def _stamp(runtime: Runtime) -> Path:
    return INSTALLED / f"{runtime.lower()}.sha256"


def _fingerprint(runtime: Runtime) -> str:
    return hashlib.sha256(PINS[runtime].read_bytes()).hexdigest()
