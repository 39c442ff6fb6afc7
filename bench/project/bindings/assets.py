"""Static assets: files of a folder, which the Worker may ask for."""

from __future__ import annotations

from typing import Any

import msgspec

from bench.project import Binding
from bench.project.bindings._values import Name, Target, plain

FIELD = "assets"
NOTE = (
    "files of the folder; a request for one of them never reaches the Worker, unless "
    "run_worker_first says so, and costs no CPU"
)
SERVICE = "_assets"


class Entry(msgspec.Struct):
    """The folder, and when it answers."""

    directory: Target = ""
    binding: Name | None = None
    html_handling: Target = "auto-trailing-slash"
    not_found_handling: Target = "none"
    run_worker_first: bool | list[str] = False


def read(entries: list[Entry], name: str) -> list[Binding]:
    """One binding; without a name the files are there all the same."""
    return [
        Binding(
            each.binding or UNNAMED,
            "assets",
            each.directory,
            _details(each),
            "" if each.directory else "its folder is not named",
        )
        for each in entries
    ]


UNNAMED = "(static assets)"
"""Files that the Worker itself cannot ask for."""


def _details(entry: Entry) -> dict[str, Any]:
    return {
        "not_found": entry.not_found_handling,
        "html": entry.html_handling,
        "worker_first": entry.run_worker_first,
    }


def value(binding: Binding, isolate: str) -> str:
    """A service, as on Cloudflare."""
    return plain(binding, "service")
