"""One run of compose.yaml under a name and ports of its own, and what the engine says about it."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from lab.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
_PORT_VARIABLE = re.compile(r"\$\{(\w+_PORT):-\d+\}")


class Stack:
    """A compose project. `down` takes away everything but the images."""

    def __init__(self, project: str, tag: str) -> None:
        self.project = project
        variables = sorted(set(_PORT_VARIABLE.findall((ROOT / "compose.yaml").read_text(encoding="utf-8"))))
        self.ports = dict(zip(variables, _free_ports(len(variables)), strict=True))
        own = {"AUTHLAB_TAG": tag, **{name: str(port) for name, port in self.ports.items()}}
        self._environment = {**os.environ, **own}

    def compose(self, *arguments: str, profiles: tuple[str, ...] = (), timeout_s: float = 300) -> str:
        """Run `docker compose` and return what it printed; fail with it when it fails."""
        chosen = [part for profile in profiles for part in ("--profile", profile)]
        command = ["docker", "compose", "--project-name", self.project, *chosen, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False, timeout=timeout_s
        )
        assert 0 == done.returncode, f"{' '.join(command)}\n{done.stderr[-2000:]}\n{done.stdout[-4000:]}"
        return done.stdout

    def down(self) -> None:
        """Stop everything and remove containers, networks and volumes."""
        self.compose("down", "--volumes", profiles=("*",))

    def containers(self) -> dict[str, Any]:
        """Return what the engine knows of each service's container."""
        ids = docker("ps", "--all", "--quiet", "--filter", self._label()).split()
        found = json.loads(docker("inspect", *ids)) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def leftovers(self) -> list[str]:
        """Name the containers, networks and volumes that there are of this project."""
        kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        return [name for kind in kinds for name in docker(*kind, "--quiet", "--filter", self._label()).split()]

    def python(self, service: str, code: str) -> str:
        """Run Python in a service's container and return what it prints."""
        return self.compose("exec", "-T", service, "python", "-c", code).strip()

    def url(self, variable: str) -> str:
        """Return where a service is published."""
        return f"http://127.0.0.1:{self.ports[variable]}"

    def _label(self) -> str:
        return f"label=com.docker.compose.project={self.project}"


def docker(*arguments: str) -> str:
    """Ask the engine."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


def why_no_engine() -> str | None:
    """Say why containers cannot be run here; None when they can."""
    for command in (["docker", "compose", "version"], ["docker", "info"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        except OSError as error:
            return f"docker cannot be started: {error}"
        if done.returncode:
            return f"`{' '.join(command)}` says: {(done.stderr or done.stdout).strip()[-200:]}"
    return None


def _free_ports(number: int) -> list[int]:
    found: set[int] = set()
    while len(found) < number:
        found.add(free_port())
    return list(found)
