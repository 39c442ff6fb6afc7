"""What the report reads of a run folder, each file optional.

A run that was interrupted or failed deserves a report more than one that went well, so
a missing file is a shorter report and not an error.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.errors import UserError
from bench.report import _drawn
from bench.report._contests import KINDS
from bench.verdict.raw import Catalogue, catalogue

Json = dict[str, Any]

# An SVG above this is slow to open; its PNG says the same in fewer bytes.
_SVG_BYTES = 600_000
_DESCRIPTION = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the run: its file, its data and what it shows in words."""

    name: str
    file: Path
    alt: str
    data: str | None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run as its report shows it. Links are relative to the folder and quoted.

    ``document`` is the one of `bench stages`, ``compared`` holds those of other verbs
    by the names of `KINDS`. ``staged`` is False where only they were made.
    """

    folder: Path
    document: Json
    compared: dict[str, Json]
    staged: bool
    manifest: Json
    machine: Json
    errors: list[Json]
    pictures: list[Picture]
    profiles: list[tuple[str, str]]
    notebooks: list[Json]
    sentinel: list[float]
    samples: Catalogue

    def link(self, name: str) -> str | None:
        """Relative address of a file of the run; None when there is none."""
        return _link(self.folder, name)


def read(folder: Path, document: Json | None = None) -> RunFolder:
    """Everything that a report shows of ``folder``.

    Raises UserError when it is not a folder, or when one of its files is not JSON.
    """
    if not folder.is_dir():
        raise UserError(
            "is not a folder", file=folder, remedy="name a run that `bench list` shows"
        )
    manifest = _json(folder / "manifest.json")
    found = document if document is not None else _json(folder / "stages.json")
    compared = {
        name: each for name in KINDS if (each := _json(folder / f"{name}.json"))
    }
    machine = next(
        (
            each["machine"]
            for each in (found, *compared.values())
            if each.get("machine")
        ),
        None,
    ) or _json(folder / "machine.json")
    parameters = manifest.get("parameters") or {}
    known = {
        "run": manifest.get("run"),
        "command": manifest.get("command"),
        "limits": parameters.get("limits"),
        "machine": machine,
    }
    return RunFolder(
        folder,
        {key: value for key, value in known.items() if value} | _set(found),
        compared,
        bool(found) or not compared,
        manifest,
        machine,
        _errors(folder / "errors.jsonl"),
        _pictures(folder),
        _profiles(folder),
        _notebooks(folder, manifest),
        _drawn.sentinel(folder / "figures" / "run_order.csv"),
        catalogue(folder, manifest),
    )


def _set(document: Json) -> Json:
    return {key: value for key, value in document.items() if value is not None}


def _json(path: Path) -> Json:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot be read: {error}",
            file=path,
            remedy="restore this file, or make the run again",
        ) from error
    return found if isinstance(found, dict) else {}


def _errors(path: Path) -> list[Json]:
    """Lines of errors.jsonl; one that a crash cut short is shown as it is."""
    if not path.is_file():
        return []
    found: list[Json] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if line.strip():
            found.append(row if isinstance(row, dict) else {"message": line})
    return found


def _pictures(folder: Path) -> list[Picture]:
    files: dict[str, dict[str, Path]] = {}
    for path in sorted((folder / "figures").glob("*.*")):
        files.setdefault(path.stem, {})[path.suffix] = path
    found = []
    for name, kinds in files.items():
        svg, png = kinds.get(".svg"), kinds.get(".png")
        small = svg is not None and (png is None or svg.stat().st_size <= _SVG_BYTES)
        file = svg if small else png
        if file is not None:
            data = _link(folder, f"figures/{name}.csv")
            found.append(Picture(name, file, _alt(svg) or name, data))
    return found


def _alt(svg: Path | None) -> str:
    """The alternative text that `bench.figures.save` put into the picture."""
    if svg is None:
        return ""
    match = _DESCRIPTION.search(svg.read_text(encoding="utf-8", errors="replace"))
    return html.unescape(match[1]) if match else ""


def _profiles(folder: Path) -> list[tuple[str, str]]:
    files = sorted(path for path in (folder / "profiles").glob("*") if path.is_file())
    return [(path.name, quote(f"profiles/{path.name}")) for path in files]


def _notebooks(folder: Path, manifest: Json) -> list[Json]:
    """Notebooks that the manifest names, then those that only lie in the folder."""
    stated = manifest.get("notebooks") or {}
    names = list(stated) if isinstance(stated, dict) else []
    names += sorted({p.stem for p in (folder / "notebooks").glob("*")} - set(names))
    found = []
    for name in names:
        state = stated.get(name) or {}
        page, source = f"notebooks/{name}.html", f"notebooks/{name}.ipynb"
        found.append(
            {
                "name": name,
                "status": state.get("status", "unknown"),
                "seconds": state.get("seconds"),
                "page": _link(folder, page),
                "source": _link(folder, source),
            }
        )
    return found


def _link(folder: Path, name: str) -> str | None:
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    return quote(name) if inside and path.is_file() else None
