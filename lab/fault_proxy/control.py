"""The control port: one JSON object a line in, one out."""

import asyncio
import json
from typing import Any

from lab.fault_proxy.faults import DEFAULT_DURATION_S
from lab.fault_proxy.proxy import Proxy

_MAX_DELAY_MS = 60_000
_MAX_DURATION_S = 24 * 3600


class BadCommand(ValueError):
    """The line is not a command; the message says why."""


async def serve_control(proxy: Proxy, address: tuple[str, int]) -> asyncio.Server:
    """Take commands until closed. Raises `OSError` when the port is taken."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = answer_to(proxy, line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
                if not answer[
                    "ok"
                ]:  # a browser tricked into talking to this port sends HTTP: it ends at its first line
                    break
        except (ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(converse, *address)


def answer_to(proxy: Proxy, line: bytes) -> dict[str, Any]:
    """Do what a line says and describe the state that results."""
    try:
        _obey(proxy, line)
    except BadCommand as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True, "connections": proxy.connections, **proxy.faults.as_data()}


def _obey(proxy: Proxy, line: bytes) -> None:
    try:
        command = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadCommand("not JSON") from error
    if not isinstance(command, dict):
        raise BadCommand("not a JSON object")
    for_s = None if "for_s" in command and command["for_s"] is None else _number(command, "for_s", DEFAULT_DURATION_S)
    match command.get("do"):
        case "status":
            pass
        case "heal":
            proxy.faults.heal()
        case "delay":
            to_server_ms, to_client_ms = _number(command, "to_server_ms", 0), _number(command, "to_client_ms", 0)
            proxy.faults.set_delay(to_server_ms / 1e3, to_client_ms / 1e3, for_s=for_s)
        case "refuse" | "hang" as kind:
            proxy.faults.set_fault(kind, for_s=for_s)
        case "cut" if "after_reply_bytes" in command:
            passing = int(_number(command, "after_reply_bytes", 0))
            proxy.faults.set_fault("cut", for_s=for_s, after_reply_bytes=passing)
        case "cut":
            proxy.cut()
        case other:
            raise BadCommand(f"unknown: {other!r}; use status, heal, delay, refuse, hang or cut")


_LIMITS = {"for_s": _MAX_DURATION_S, "to_server_ms": _MAX_DELAY_MS, "to_client_ms": _MAX_DELAY_MS}


def _number(command: dict[str, Any], name: str, default: float) -> float:
    value = command.get(name, default)
    limit = _LIMITS.get(name, 2**53)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= limit:
        raise BadCommand(f"{name} must be a number from 0 to {limit}")
    return value
