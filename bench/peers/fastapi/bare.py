"""FastAPI without authentication: the control of the two applications beside it."""

from fastapi import FastAPI

from bench.peers.fastapi.me import Me

app = FastAPI(openapi_url=None)


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    """Answer the question that every server is asked before it is measured."""
    return {"status": "ready"}


@app.get("/unguarded")
async def unguarded() -> Me:
    """Answer about nobody."""
    return Me(sub="guest", name="Guest", roles=["user"], scope="orders:read orders:write", issued_at=1767225600.123)
