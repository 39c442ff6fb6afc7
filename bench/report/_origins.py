"""What the rows of the request path rest on, as patterns of ids of samples.

A stage in workerd is the difference of two requests, one ended after the stage and one
before it, so it rests on the rows of both (`bench.measure.samples`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.verdict.raw import pattern

Row = dict[str, Any]
Origin = tuple[str, ...]
_PLACE = ("runtime", "phase", "invocation")
_WORKERS, _METERED, _NOTHING = "workerd", "metered", "nothing"


def _place(row: Mapping[str, Any]) -> Row:
    return {name: row.get(name) for name in _PLACE}


def stages(document: Row, row: Mapping[str, Any]) -> list[str]:
    """Names of the stages of an invocation in path order."""
    return [
        str(each.get("stage"))
        for each in document.get("rows") or []
        if _place(each) == _place(row)
    ]


def stage(document: Row, row: Mapping[str, Any], name: str) -> Origin:
    """A stage of the invocation of ``row``: in the path, alone and profiled."""
    found = [pattern(**_place(row), stage=name)]
    if row.get("runtime") == _WORKERS:
        names = [_NOTHING, *stages(document, row)]
        before = names[names.index(name) - 1] if name in names[1:] else _NOTHING
        found.append(pattern(**_place(row), stage=before, variant=_METERED))
    return tuple(found)


def floor(row: Mapping[str, Any]) -> Origin:
    """The same request with no stage in it."""
    names = ["floor", *([_NOTHING] if row.get("runtime") == _WORKERS else [])]
    return tuple(pattern(**_place(row), stage=name) for name in names)


def whole(row: Mapping[str, Any]) -> Origin:
    """An invocation as a whole, its control and its other instruments included."""
    return (pattern(**_place(row), stage="whole"),)


def locked(document: Row, row: Mapping[str, Any]) -> Origin:
    """The time of the whole under the lock, which its last stage ends."""
    names = stages(document, row)
    last = [pattern(**_place(row), stage=names[-1], variant=_METERED)] if names else []
    return (*last, *whole(row))


def checked(document: Row, row: Mapping[str, Any]) -> Origin:
    """What the checks on an invocation compare: its whole, stages and floor.

    A journey has no invocation and rests on all of them.
    """
    if row.get("invocation") is None:
        here = {name: row.get(name) for name in ("runtime", "phase")}
        kinds = dict.fromkeys(
            str(each.get("invocation")) for each in document.get("invocations") or []
        )
        return tuple(pattern(**here, invocation=kind) for kind in kinds)
    return (pattern(**_place(row)),)


def instruments(document: Row, row: Mapping[str, Any]) -> Origin:
    """A whole by three instruments, less the floor."""
    return (*locked(document, row), *floor(row))


def warming(row: Mapping[str, Any]) -> Origin:
    """The first requests, and the warm level beside them."""
    here = {name: row.get(name) for name in ("runtime", "invocation")}
    return (
        pattern(**here, stage="warming"),
        pattern(**here, phase="warm", stage="whole", variant="plain"),
        pattern(**here, phase="cold", stage="whole", variant="plain"),
    )


def article(document: Row, rows: Iterable[Mapping[str, Any]]) -> Origin:
    """The chat stages that are summed for a row of the article's table, by runtime and
    phase."""
    return tuple(
        dict.fromkeys(
            ident
            for row in rows
            for name in row.get("stages") or []
            for ident in stage(document, {**row, "invocation": "chat"}, str(name))
        )
    )


def isolate(row: Mapping[str, Any]) -> Origin:
    """Start-up, script, heap or conversion of an isolate."""
    here = {"runtime": row.get("runtime"), "stage": row.get("what")}
    if row.get("what") == "conversion":
        return (pattern(**here),)
    return (pattern(**here, variant=row.get("variant")),)
