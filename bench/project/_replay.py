"""What a project keeps for its replay: requests, seeds and answers in its ``replay``.

``bench worker DIR`` without options replays what is there:

    requests.har, .ndjson or .txt   the requests
    outbound.ndjson                 answers to fetch
    kv/NAME.json, d1/NAME.sql, vectorize/NAME.ndjson, r2/NAME/
                                    what the binding NAME holds at first
    .dev.vars                       variables and secrets for the replay alone

An option replaces what is here under the same name. Anything else in the folder but a
README is refused: a misspelt name would be left out of a measurement in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import UserError
from bench.files import sha256
from bench.project import requests
from bench.project._dotenv import NAME as VARIABLES
from bench.project._dotenv import read as read_variables
from bench.project._names import shown
from bench.project._seeds import read_folder

FOLDER = "replay"
_KINDS = {"kv": ".json", "d1": ".sql", "vectorize": ".ndjson", "r2": ""}
_OUTBOUND = "outbound.ndjson"
_REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class Replay:
    """Files of a replay; ``folder`` is None where a project keeps none."""

    folder: Path | None = None
    requests: Path | None = None
    outbound: Path | None = None
    seeds: Mapping[tuple[str, str], Path] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def said(self) -> list[str]:
        """What a user is told before it starts."""
        if self.folder is None:
            return []
        held = [f"{kind} {name}" for kind, name in self.seeds]
        named = [path.name for path in (self.requests, self.outbound) if path]
        parts = [*named, *held, *([VARIABLES] if self.variables else [])]
        return [f"from {shown(self.folder.name)}/: {shown(', '.join(parts), 300)}"]


def find(project: Path, env: str | None = None) -> Replay:
    """What the project in the folder ``project`` keeps; variables of ``env``.

    Raises UserError that names what is neither of the above, or there twice.
    """
    folder = project / FOLDER
    if not folder.is_dir() or folder.is_symlink():
        return Replay()
    asked, outbound, seeds = [], None, {}
    for path in _within(folder):
        if path.name in _KINDS and path.is_dir():
            for each in _within(path):
                seeds[path.name, _binding(each, path.name)] = each
        elif path.name == _OUTBOUND:
            outbound = path
        elif path.stem == _REQUESTS and path.suffix in _suffixes():
            asked.append(path)
        elif path.name != "README.md" and not path.name.startswith(VARIABLES):
            raise _unknown(path, f"requests.ndjson, {_OUTBOUND}, {', '.join(_KINDS)}")
    if len(asked) > 1:
        raise UserError(
            "are two files of requests",
            file=folder,
            field=", ".join(path.name for path in asked),
            remedy="leave one",
        )
    own = read_variables(folder, env)
    return Replay(folder, asked[0] if asked else None, outbound, seeds, own)


def digests(
    seeds: Mapping[tuple[str, str], Path], outbound: Path | None
) -> dict[str, str]:
    """SHA-256 of everything that is put before the first request, by what it is."""
    found = {f"{kind}:{name}": _digest(path) for (kind, name), path in seeds.items()}
    return found | ({"outbound": _digest(outbound)} if outbound is not None else {})


def _digest(path: Path) -> str:
    if path.is_dir():
        files = read_folder(path)
        listed = (f"{sha256(data)} {name}\n" for name, data in files.items())
        return sha256("".join(listed).encode())
    return sha256(path.read_bytes()) if path.is_file() else ""


def _within(folder: Path) -> list[Path]:
    """What is in ``folder``; nothing that leads elsewhere."""
    found = sorted(folder.iterdir())
    for path in found:
        if path.is_symlink():
            raise UserError("is a link", file=path, remedy="put the file itself there")
    return found


def _binding(path: Path, kind: str) -> str:
    suffix = _KINDS[kind]
    if not path.name.endswith(suffix) or path.is_dir() != (not suffix):
        raise _unknown(path, f"NAME{suffix}" if suffix else "a folder of files")
    return path.name.removesuffix(suffix)


def _suffixes() -> set[str]:
    return {suffix for each in requests.load().values() for suffix in each.SUFFIXES}


def _unknown(path: Path, known: str) -> UserError:
    return UserError(
        f"{shown(path.name)} is no part of a replay",
        file=path.parent,
        remedy=f"rename it, or move it elsewhere; known are: {known}",
    )
