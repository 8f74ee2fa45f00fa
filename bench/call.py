"""One HTTP request, for what is not measured: proofs, logouts, metrics."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and body of an answer."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object, an empty one when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def call(
    url: str,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    form: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> Reply:
    """Send one request over a connection of its own; raise OSError when nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT_S)
    sent = dict(headers or {})
    content: str | None = form
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    if body is not None:
        content, sent["Content-Type"] = json.dumps(body), "application/json"
    try:
        connection.request(method, parts.path + path, content, sent)
        response = connection.getresponse()
        return Reply(response.status, response.read())
    finally:
        connection.close()


def metric(url: str, name: str, label: str = "") -> float:
    """Return one number from a server's metrics, summed over label sets that contain a text; 0 when it has none."""
    total = 0.0
    for line in call(url, "/metrics").body.decode().splitlines():
        series, _, value = line.rpartition(" ")
        if series.partition("{")[0] == name and label in series:
            total += float(value)
    return total
