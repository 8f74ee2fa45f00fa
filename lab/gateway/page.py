"""The page: one document that carries this browser's token, and files beside it that are the same for everyone."""

import mimetypes
from html import escape
from pathlib import Path

from aiohttp import hdrs, web

from lab.gateway.access import LEARNERS
from lab.gateway.forward import COOKIE

STATIC = Path(__file__).resolve().parents[1] / "static"
_PLACEHOLDER = "{{page-token}}"
_TEXT_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}


class Page:
    """The files, read once: an event loop never waits for a disk."""

    def __init__(self, directory: Path = STATIC) -> None:
        self._document = (directory / "index.html").read_text(encoding="utf-8")
        self._files = {
            path.relative_to(directory).as_posix(): (path.read_bytes(), _content_type(path))
            for path in sorted(directory.rglob("*"))
            if path.is_file() and path.name != "index.html"
        }

    def document(self, page_token: str) -> str:
        """Return the document with a token in it."""
        return self._document.replace(_PLACEHOLDER, escape(page_token))

    def file(self, name: str) -> tuple[bytes, str] | None:
        """Return a file and its type."""
        return self._files.get(name)

    @property
    def weight_bytes(self) -> int:
        """What all of it weighs."""
        return len(self._document.encode()) + sum(len(body) for body, _ in self._files.values())


PAGE = web.AppKey("page", Page)


async def document(request: web.Request) -> web.StreamResponse:
    """Answer with the page, and with the cookie that makes this browser a learner of its own."""
    cookie = request.app[COOKIE]
    learner = request.app[LEARNERS].welcome(request.cookies.get(cookie))
    response = web.Response(text=request.app[PAGE].document(learner.page_token), content_type="text/html")
    response.headers.add(hdrs.SET_COOKIE, f"{cookie}={learner.name}; Path=/; HttpOnly; SameSite=Strict")
    return response


async def static_file(request: web.Request) -> web.StreamResponse:
    """Answer with a file of the page."""
    found = request.app[PAGE].file(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    body, content_type = found
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-cache"})


def _content_type(path: Path) -> str:
    known = _TEXT_TYPES.get(path.suffix)
    return f"{known}; charset=utf-8" if known else mimetypes.guess_type(path.name)[0] or "application/octet-stream"
