"""What the rows of a report rest on: an entry for each, with the command that prints
its raw samples and the one that measures them again.

Tables say what their rows were derived from, as ids of evidence and patterns of such
ids (`bench.verdict.raw`). Rows with the same ones share an entry. Entries are numbered
as the page asks for them, so they stand at its end.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.report._run import RunFolder
from bench.store import RESULTS
from bench.verdict.claims._ground import FIXTURES, PLATFORM, SOURCE
from bench.verdict.evidence import PARTS
from bench.verdict.raw import ANY, Held

Row = dict[str, Any]
# Which verb measures a cell, by a name that only the keys of its cells have.
_VERBS = {
    "measurement": "stages",
    "first": "parsers",
    "contest": "parsers",
    "offload": "rerank",
    "workload": "workloads",
    "engine": "workloads",
    "remedy": "remedies",
    "worker": "worker",
}
_PATH = "stages.json"
_CONTESTS = {"parse": "parsers", "rerank": "rerank"}
# Verbs that derive their document from samples, and so begin with a run.
_DERIVED = ("matrix", "claims", "capacity")
_TRANSCRIBED = ("stages", "parsers")
_LIMITED = ("stages", "parsers", "rerank", "workloads", "claims")
# What every verb can be told that a run of all of them was.
_SHARED = frozenset({"profile", "limits", "seed", "transcript"})
_DOCUMENTED = (PLATFORM, SOURCE, FIXTURES)
_LIST_PLATFORM, _CHECK_FIXTURES = "bench list platform", "bench fixtures --check"
_TOLD = 8  # ids in an entry


@dataclass(slots=True)
class Entry:
    """What a row rests on. ``prints`` are commands that show it, ``measures`` those
    that make it again, ``cells`` its rows by cell, ``documents`` rows of a file of the
    run as (file, its link if any, which)."""

    anchor: str
    idents: list[str] = field(default_factory=list)
    more: int = 0
    rows: int = 0
    cells: dict[str, int] = field(default_factory=dict)
    documents: list[tuple[str, str | None, str]] = field(default_factory=list)
    prints: list[str] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)


class Raw:
    """The entries of one page."""

    def __init__(self, run: RunFolder) -> None:
        """Of a run, whose samples need not be there."""
        self._run = run
        self._anchors: dict[tuple[str, ...], str] = {}

    def anchor(self, origin: Sequence[str]) -> str:
        """The name of the entry of what a row rests on; blank where it is nothing."""
        key = tuple(dict.fromkeys(origin))
        if not key:
            return ""
        return self._anchors.setdefault(key, f"r{len(self._anchors) + 1}")

    @property
    def total(self) -> int:
        """How many raw rows the run has."""
        return self._run.samples.rows

    def entries(self) -> list[Entry]:
        """An entry for everything that was asked for until now."""
        return [self._entry(name, origin) for origin, name in self._anchors.items()]

    def cells(self) -> list[Row]:
        """The cells of the run in the order in which they were measured."""
        cells = self._run.manifest.get("cells")
        known = cells if isinstance(cells, dict) else {}
        return [
            {
                "id": name,
                "key": ", ".join(f"{k} {v}" for k, v in _key(cell).items()),
                "state": str(cell.get("state")),
                "rows": cell.get("rows"),
                "seconds": cell.get("seconds"),
            }
            for name, cell in known.items()
            if isinstance(cell, dict)
        ]

    def again(self, verb: str) -> str:
        """The command that makes the document of ``verb`` again."""
        return _again(self._run, verb)

    def _entry(self, anchor: str, origin: tuple[str, ...]) -> Entry:
        entry = Entry(anchor)
        sampled = list(dict.fromkeys(filter(None, map(_sampled, origin))))
        held = [found for each in sampled for found in self._run.samples.find(each)]
        self._count(entry, {found.ident: found for found in held})
        if sampled:
            cells = " ".join(f"--cell {shlex.quote(each)}" for each in sampled)
            entry.prints.append(f"bench samples {_place(self._run)} {cells}")
        for each in origin:
            if each not in sampled:
                self._beside(entry, each)
        return entry

    def _beside(self, entry: Entry, ident: str) -> None:
        """Add what is no sample: a row of a document, a limit, an input, a source."""
        if ident.startswith(_DOCUMENTED):
            entry.idents.append(ident)
            claims = _again(self._run, "claims")
            commands = (_LIST_PLATFORM, claims, _CHECK_FIXTURES)
            command = commands[[*map(ident.startswith, _DOCUMENTED)].index(True)]
            entry.prints += [] if command in entry.prints else [command]
        elif "#" in ident:
            name, _, which = ident.partition("#")
            link = self._run.link(name)
            entry.documents.append((name, link, _spoken(which)))
            again = _again(self._run, name.removesuffix(".json"))
            entry.measures += [] if again in ("", *entry.measures) else [again]

    def _count(self, entry: Entry, held: Mapping[str, Held]) -> None:
        entry.idents = list(held)[:_TOLD]
        entry.more = max(len(held) - _TOLD, 0)
        for found in held.values():
            entry.rows += found.rows
            for cell, rows in found.cells.items():
                entry.cells[cell] = entry.cells.get(cell, 0) + rows
        known = self._run.manifest.get("cells") or {}
        verbs = dict.fromkeys(_verb(known.get(cell) or {}) for cell in entry.cells)
        entry.measures = [_again(self._run, verb) for verb in verbs]


def _sampled(ident: str) -> str:
    """The pattern of samples that an id of evidence means, blank where it means none.

    A row of a document that says where it was measured means the samples there.
    """
    if ident.startswith(_DOCUMENTED):
        return ""
    document, _, which = ident.partition("#")
    if not which:
        return ident if ident.count("/") == len(PARTS) - 1 else ""
    pairs = [pair.partition("=") for pair in which.split("/")[1:]]
    named = {name: value for name, _, value in pairs}
    if document != _PATH or not set(named) <= set(PARTS):
        return ""
    return "/".join(named.get(name, ANY) for name in PARTS)


def _key(cell: Mapping[str, Any]) -> Row:
    key = cell.get("key")
    return key if isinstance(key, dict) else {}


def _verb(cell: Mapping[str, Any]) -> str:
    """The verb that measures a cell; blank for one that none is known of."""
    key = _key(cell)
    contest = _CONTESTS.get(str(key.get("contest")))
    return contest or next((verb for name, verb in _VERBS.items() if name in key), "")


def _again(run: RunFolder, verb: str) -> str:
    """The command line that repeats what ``verb`` did in this run.

    That of a run of every notebook is told by its verb as long as the run was told
    nothing that only a notebook can be; any other command is its own.
    """
    command = str(run.manifest.get("command") or run.document.get("command") or "")
    parameters = run.manifest.get("parameters") or {}
    seed = ["--seed", str(run.manifest.get("seed", 1))]
    if verb in _DERIVED:
        chosen = _limits(parameters) if verb == "claims" else []
        return shlex.join(["bench", verb, _place(run), *chosen, *seed])
    plain = isinstance(parameters, dict) and set(parameters) <= _SHARED
    if not verb or not command.startswith("bench run") or not plain:
        return command
    line = ["bench", verb, *_option("profile", run.manifest.get("profile")), *seed]
    if verb in _TRANSCRIBED:
        line += _option("transcript", parameters.get("transcript"))
    return shlex.join([*line, *(_limits(parameters) if verb in _LIMITED else [])])


def _limits(parameters: Mapping[str, Any]) -> list[str]:
    return _option("limits", parameters.get("limits"))


def _option(name: str, value: Any) -> list[str]:
    return [] if value is None else [f"--{name}", str(value)]


def _place(run: RunFolder) -> str:
    """The folder of the run as a command names it from the checkout, never whole."""
    folder = run.folder.resolve()
    inside = folder.parent == RESULTS.resolve()
    return f"{RESULTS.name}/{folder.name}" if inside else folder.name


def _spoken(which: str) -> str:
    """``rows/runtime=workerd/stage=auth`` as words."""
    table, *pairs = which.replace("%2F", "\0").split("/")
    said = ", ".join(pair.replace("=", " ", 1) for pair in pairs)
    text = f"{table} with {said}" if said else table
    return text.replace("\0", "/").replace("%25", "%")
