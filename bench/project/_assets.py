"""Static assets: which file answers a path, as Cloudflare serves them.

``html_handling`` is served as its default, ``auto-trailing-slash``, without the
redirects between the two forms of a path; ``_headers`` and ``_redirects`` are not read
(Cloudflare docs, Workers static assets, 2026-08).
"""

from __future__ import annotations

import mimetypes
from collections.abc import Container, Mapping
from typing import Any
from urllib.parse import unquote

from bench.services._messages import Answer, Call, Reply
from bench.services._service import Base

_APP, _PAGE = "single-page-application", "404-page"


def found(path: str, files: Container[str]) -> str | None:
    """The file that answers ``path`` of a URL; None where none does.

    Files are known by name, so that no path leads anywhere else.
    """
    name = unquote(path).lstrip("/")
    stem = name.rstrip("/")
    tried = [name, f"{stem}/index.html" if stem else "index.html", f"{stem}.html"]
    return next((each for each in tried if each and each in files), None)


class Service(Base):
    """``put`` takes ``{"files": {name: bytes}, "not_found": how}``."""

    def clear(self) -> None:
        """Forget all files."""
        self._files: Mapping[str, bytes] = {}
        self._not_found = ""

    def put(self, data: Any) -> None:
        """Serve these files instead."""
        self._files, self._not_found = data["files"], data["not_found"]

    def handle(self, call: Call) -> Answer:
        """The file, or what stands for one that is not there."""
        if call.method not in ("GET", "HEAD"):
            return Reply(405)
        name = found(call.path, self._files)
        if name is not None:
            return self._file(name, 200)
        if self._not_found == _APP and "index.html" in self._files:
            return self._file("index.html", 200)
        if self._not_found == _PAGE and "404.html" in self._files:
            return self._file("404.html", 404)
        return Reply(404)

    def _file(self, name: str, status: int) -> Reply:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Reply(status, {"Content-Type": kind}, self._files[name])
