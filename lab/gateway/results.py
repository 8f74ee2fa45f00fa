"""`/lab/result`: the figures of the last benchmark, as far as the page draws them."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

RESULT_DIRECTORIES: web.AppKey[Sequence[Path]] = web.AppKey("result_directories")
_SCHEMA = 1
_OF_AN_ARM = (
    "strategy", "server_cpu_us", "margin_cpu_us", "no_difference", "store_commands_per_request", "store_cpu_us",
    "bytes_up", "bytes_down", "noisy",
)  # fmt: skip
_OF_A_LATENCY = ("p50", "p99", "rate_rps", "saturated")
_OF_A_LAG = ("p50", "p99", "max", "bound", "resolution_ms")
_OF_A_MACHINE = ("cpu", "cores", "system", "kernel", "python", "commit", "dirty")


async def last_result(request: web.Request) -> web.StreamResponse:
    """Answer with the youngest result file that can be read; with none the page says how to make one."""
    found = await asyncio.to_thread(youngest_result, request.app[RESULT_DIRECTORIES])
    return web.json_response(found or {"file": None})


def youngest_result(directories: Sequence[Path]) -> dict[str, Any] | None:
    """Return the figures of the run that was started last; one meant for publication goes before a quick one."""
    files = [file for directory in directories if directory.is_dir() for file in directory.rglob("*.json")]
    results = [(file, data) for file in files if (data := _result(file)) is not None]
    if not results:
        return None
    file, data = max(results, key=lambda one: (not one[1].get("quick"), str(one[1].get("started_at", ""))))
    return {
        "file": f"{file.parent.name}/{file.name}",
        "started_at": data.get("started_at"),
        "command": data.get("command"),
        "quick": bool(data.get("quick")),
        "machine": _some(data.get("machine"), _OF_A_MACHINE),
        "noise": data.get("noise"),
        "bill": data.get("bill"),
        "settings": data.get("settings"),
        "arms": {name: _arm(arm) for name, arm in data["arms"].items()},
    }


def _result(file: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or data.get("schema") != _SCHEMA or not isinstance(data.get("arms"), dict):
        return None
    if not any(isinstance(arm, dict) and arm.get("revocation_lag_ms") for arm in data["arms"].values()):
        return None  # of peers, or of one choice: there is no frontier in it
    return data


def _arm(arm: dict[str, Any]) -> dict[str, Any]:
    return {
        **_some(arm, _OF_AN_ARM),
        "latency_ms": _some(arm.get("latency_ms"), _OF_A_LATENCY),
        "revocation_lag_ms": _some(arm.get("revocation_lag_ms"), _OF_A_LAG),
    }


def _some(data: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: data[name] for name in names if name in data} if isinstance(data, dict) else {}
