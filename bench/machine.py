"""Everything about the machine and the software that a number depends on."""

import importlib.util
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_PACKAGES = ("aiohttp", "uvloop", "pyjwt", "cryptography", "redis", "hiredis", "argon2-cffi", "prometheus-client")


def machine_facts() -> dict[str, str]:
    """Return the facts that make two results comparable, as text."""
    loop = "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"
    facts = {
        "cpu": _cpu_model(),
        "cores": str(psutil.cpu_count() or 0),
        "memory_gib": str(round(psutil.virtual_memory().total / 2**30)),
        "virtual": _hypervisor(),
        "system": platform.system(),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "loop": loop,
    }
    return facts | {package: _version(package) for package in _PACKAGES}


def commit_facts() -> dict[str, str]:
    """Return the commit that was measured and whether files differ from it; `unknown` outside a repository."""
    root = Path(__file__).resolve().parents[1]
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ":!bench/results")
    except (OSError, subprocess.SubprocessError):
        return {"commit": "unknown", "dirty": "unknown"}
    return {"commit": commit, "dirty": "yes" if changed else "no"}


def load_facts() -> dict[str, float]:
    """Return what the machine is busy with now: load average, and CPU seconds taken away by its host so far."""
    return {
        "load_1m": os.getloadavg()[0],
        "steal_s": float(getattr(psutil.cpu_times(), "steal", 0.0)),
        "busy_s": float(sum(psutil.cpu_times()) - psutil.cpu_times().idle),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _git(root: Path, *arguments: str) -> str:
    finished = subprocess.run(
        ["git", "-C", str(root), *arguments],  # noqa: S607 - git is found as the user finds it
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return finished.stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _hypervisor() -> str:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    return "yes" if " hypervisor" in flags else "no"
