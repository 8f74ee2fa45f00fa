"""Ask a server whether it is ready. Standard library only: a container's health check starts this every few seconds."""

import http.client
from http import HTTPStatus
from urllib.parse import urlsplit


def is_ready(url: str, *, timeout_s: float = 2.0) -> bool:
    """Tell whether a GET of `url`, by default of its /readyz, is answered with 200."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = make(parts.netloc, timeout=timeout_s)
    except http.client.InvalidURL:
        return False
    try:
        connection.request("GET", parts.path if parts.path.strip("/") else "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
