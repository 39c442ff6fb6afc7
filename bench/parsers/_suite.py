"""How right a parser is: edge cases of our own, and JSONTestSuite where it is there.

JSONTestSuite (github.com/nst/JSONTestSuite, MIT) says by the name of a file what is
right: ``y_`` must be accepted, ``n_`` must be rejected, ``i_`` is free.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import UserError
from bench.files import read_input
from bench.parsers import _hosts
from bench.parsers._answers import Outcome, why_different
from bench.parsers._compare import short
from bench.parsers._edges import ACCEPT, FREE, REJECT, Text, edges

__all__ = ["Text", "correctness", "edges", "suite", "summary"]

_EXPECTED = {"y": ACCEPT, "n": REJECT, "i": FREE}
_LIMIT = 2**20  # bytes of one file; the largest of the suite is a quarter of it
_FLAWS = {
    "accepted": "accepts_wrong",
    "rejected": "rejects_wrong",
    "crashed": "crashed",
}
Row = dict[str, Any]


def suite(folder: Path) -> list[Text]:
    """The cases of JSONTestSuite's folder ``test_parsing``.

    The value of a ``y_`` file is what ``json`` makes of it; the project says that all
    of them are plain JSON. Raises UserError where the folder is missing or another.
    """
    remedy = "name the folder test_parsing of a checkout of nst/JSONTestSuite"
    if not folder.is_dir():
        message = "is not a folder" if folder.exists() else "does not exist"
        raise UserError(message, file=folder, remedy=remedy)
    found = [
        _of_suite(path)
        for path in sorted(folder.glob("*.json"))
        if path.name[:2] in ("y_", "n_", "i_")
    ]
    if not found:
        message = "holds no file called y_*.json, n_*.json or i_*.json"
        raise UserError(message, file=folder, remedy=remedy)
    return found


def _of_suite(path: Path) -> Text:
    size = path.stat().st_size if path.is_file() else 0
    text = b"" if size == 0 else read_input(path, what="a JSON file", limit=_LIMIT)
    group = path.name[0]
    try:
        value = json.loads(text) if group == "y" else None
    except ValueError as error:
        raise UserError(
            f"is called y_ and is not JSON: {error}",
            file=path,
            remedy="restore it from nst/JSONTestSuite",
        ) from error
    return Text(path.stem, group, text, _EXPECTED[group], value)


def correctness(modules: Mapping[str, ModuleType], cases: Sequence[Text]) -> list[Row]:
    """What each parser makes of each case; parsers that never answer ``full`` are out.

    Rows: parser, runtime, case, group (the topic of an edge case; y, n or i), expected
    (accept, reject, free), found (accepted, rejected, crashed), ok (None where free),
    why. A crash is never ok.
    """
    texts = {case.name: case.text for case in cases}
    rows = []
    for name, module in modules.items():
        found = _hosts.host(module).outcomes(name, module, texts)
        rows += [
            {"parser": name, "runtime": module.RUNTIME}
            | _judged(case, found[case.name], javascript=module.RUNTIME == "workerd")
            for case in cases
            if case.name in found
        ]
    return rows


def _judged(case: Text, outcome: Outcome, *, javascript: bool) -> Row:
    ok: bool | None = None
    why = outcome.why
    if outcome.state == "accepted":
        why = f"gives {short(outcome.value)}" if case.expected != ACCEPT else ""
    if outcome.state == "crashed":
        ok = False
    elif case.expected == REJECT:
        ok = outcome.state == "rejected"
    elif case.expected == ACCEPT and outcome.state == "rejected":
        ok = False
    elif case.expected == ACCEPT:
        why = why_different(
            case.value, outcome.value, javascript=javascript, digits=True
        )
        ok = not why
    return {
        "case": case.name,
        "group": case.topic,
        "expected": case.expected,
        "found": outcome.state,
        "ok": ok,
        "why": "" if ok else why,
    }


def summary(rows: Iterable[Row]) -> list[Row]:
    """One row a parser: how many of each flaw, and the topics that have one.

    ``free`` counts the cases that the standard leaves open, ``free_accepted`` how many
    of them it takes; ``flaws`` are topics, of JSONTestSuite the beginning of the names
    such as n_number.
    """
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = row["parser"], row["runtime"]
        line = found.setdefault(key, _empty(*key))
        if row["expected"] == FREE:
            line["free"] += 1
            line["free_accepted"] += row["found"] == "accepted"
        if row["ok"] is False:
            line[_kind(row)] += 1
            topic = _topic(row)
            if topic not in line["flaws"]:
                line["flaws"].append(topic)
    return list(found.values())


def _empty(parser: str, runtime: str) -> Row:
    counts = ("accepts_wrong", "rejects_wrong", "wrong_values", "crashed")
    return {
        "parser": parser,
        "runtime": runtime,
        **dict.fromkeys((*counts, "free_accepted", "free"), 0),
        "flaws": [],
    }


def _kind(row: Row) -> str:
    if row["found"] == "accepted" and row["expected"] == ACCEPT:
        return "wrong_values"
    return _FLAWS[row["found"]]


def _topic(row: Row) -> str:
    if row["group"] not in _EXPECTED:
        return str(row["group"])
    return "_".join(row["case"].split("_")[:2])
