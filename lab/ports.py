"""Find out whether a port is taken, and by whom."""

import errno
import socket
from collections.abc import Mapping

import psutil

from lab.processes import LOOPBACK


def taken_ports(wanted: Mapping[int, str]) -> dict[int, str]:
    """Return a sentence for each wanted port that somebody holds; `wanted` says what each is for."""
    taken = [port for port in wanted if _is_taken(port)]
    holders = _holders() if taken else {}
    return {
        port: f"port {port} (for {wanted[port]}) is taken by {holders.get(port, 'a process of another user')}"
        for port in taken
    }


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as our servers: a port in TIME_WAIT is free
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno in {errno.EADDRINUSE, errno.EACCES}
        return False


def _holders() -> dict[int, str]:
    """Name the process behind each listening port, as far as we may see them (macOS shows only our own)."""
    holders = {}
    for process in psutil.process_iter(["pid", "name"]):
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            continue
        for connection in connections:
            if connection.status == psutil.CONN_LISTEN:
                holders[connection.laddr.port] = f"pid {process.pid} ({process.info['name']})"
    return holders
