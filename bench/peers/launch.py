"""Become a peer: `python -m bench.peers.launch` is started as our servers are, and replaced by the peer's process."""

import os
import shutil
from collections.abc import Mapping

from bench.cores import running_on
from bench.peers.catalog import BY_NAME, Peer
from bench.peers.installation import NODE_MODULES, PEERS_DIRECTORY, PYTHON


def command_of(peer: Peer, host: str, port: str) -> list[str]:
    """Return the command of a peer; raise FileNotFoundError where there is no Node.js."""
    arguments = [argument.format(host=host, port=port) for argument in peer.arguments]
    if peer.runtime == "Python":
        return [str(PYTHON), *arguments]
    node = shutil.which("node")
    if node is None:
        raise FileNotFoundError("node")
    return [node, str(PEERS_DIRECTORY / arguments[0]), *arguments[1:]]


def main(environment: Mapping[str, str]) -> None:
    """Replace this process by the peer that the environment names."""
    peer = BY_NAME[environment["PEER"]]
    command = command_of(peer, environment["HOST"], environment["PORT"])
    cores = [int(core) for core in environment["CORES"].split(",") if core] if peer.forks else []
    # A process that is moved later leaves the children behind that it has by then; so these begin where they belong.
    with running_on(cores):
        os.execve(command[0], command, {**environment, "NODE_ENV": "production", "NODE_PATH": str(NODE_MODULES)})  # noqa: S606 - a command of ours


if __name__ == "__main__":
    main(os.environ)
