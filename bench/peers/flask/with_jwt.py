"""Flask with Flask-JWT-Extended, as its documentation has it."""

import base64
import os
from typing import Any

from flask import Flask
from flask_jwt_extended import JWTManager, get_jwt, jwt_required

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = base64.urlsafe_b64decode(os.environ["JWT_SECRET"] + "==")
app.config["JWT_ALGORITHM"] = "HS256"
app.config["JWT_DECODE_ISSUER"] = os.environ["JWT_ISSUER"]
app.config["JWT_DECODE_AUDIENCE"] = os.environ["JWT_AUDIENCE"]
app.config["JWT_TOKEN_LOCATION"] = ["headers"]
manager = JWTManager(app)
NAME, STRATEGY = os.environ["NAME"], os.environ["STRATEGY"]


@manager.invalid_token_loader
def refuse(reason: str) -> tuple[dict[str, str], int]:
    """Answer 401, as RFC 6750 has it, where the extension would answer 422."""
    return {"error": reason}, 401


@app.get("/readyz")
def readyz() -> dict[str, str]:
    """Answer the question that every server is asked before it is measured."""
    return {"status": "ready"}


@app.get("/me")
@jwt_required()
def me() -> dict[str, Any]:
    """Answer about the caller."""
    claims = get_jwt()
    return {
        "sub": claims["sub"],
        "name": claims["name"],
        "roles": claims["roles"],
        "scope": claims["scope"],
        "server": NAME,
        "strategy": STRATEGY,
        "issued_at": claims["iat"],
    }
