"""Flask without authentication: the control of the application beside it."""

import os
from typing import Any

from flask import Flask

app = Flask(__name__)
NAME, STRATEGY = os.environ["NAME"], os.environ["STRATEGY"]


@app.get("/readyz")
def readyz() -> dict[str, str]:
    """Answer the question that every server is asked before it is measured."""
    return {"status": "ready"}


@app.get("/unguarded")
def unguarded() -> dict[str, Any]:
    """Answer about nobody."""
    return {
        "sub": "guest",
        "name": "Guest",
        "roles": ["user"],
        "scope": "orders:read orders:write",
        "server": NAME,
        "strategy": STRATEGY,
        "issued_at": 1767225600.123,
    }
