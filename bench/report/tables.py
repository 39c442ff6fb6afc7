"""The tables of a document as a notebook shows them: every row, sensible digits.

A bare frame would hide rows behind an ellipsis and print digits that no clock carries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.figures._common import number
from bench.platform import LimitProfile
from bench.report import _evidence, _isolate, _shape

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

Row = dict[str, Any]
_PLACE = ("runtime", "phase", "invocation")
_STAGE: dict[str, tuple[str, Callable[[Any], str]]] = {
    "cpu_ms": ("CPU (ms)", _shape.ms),
    "low": ("low", _shape.ms),
    "high": ("high", _shape.ms),
    "io_ms": ("around I/O (ms)", _shape.ms),
    "compute_ms": ("compute (ms)", _shape.ms),
    "alone_ms": ("alone (ms)", _shape.ms),
    "profile_ms": ("profile (ms)", _shape.ms),
    "n": ("n", "{:.0f}".format),
    "error": ("error", _shape.text),
}


def stages(document: Row) -> Styler:
    """CPU of each stage in ms, in path order; its ``data`` is the frame.

    Columns that hold nothing in any row are left out.
    """
    import pandas as pd

    names = [*_PLACE, "stage", *_STAGE]
    rows = _evidence.in_order(document, document.get("rows") or [])
    table = pd.DataFrame(rows).reindex(columns=names)
    table = table.set_index([*_PLACE, "stage"]).dropna(axis="columns", how="all")
    shapes = {_STAGE[key][0]: _STAGE[key][1] for key in table.columns}
    names_shown = {key: name for key, (name, _) in _STAGE.items()}
    return _styled(table.rename(columns=names_shown), shapes)


def wholes(document: Row) -> Styler:
    """Each invocation as a whole with the checks on it; its ``data`` is the frame."""
    import pandas as pd

    rows = [
        {key: row.get(key) for key in _PLACE} | _whole(row)
        for row in _evidence.in_order(document, document.get("invocations") or [])
    ]
    table = pd.DataFrame(rows, columns=list(rows[0]) if rows else list(_PLACE))
    styler = _styled(table.set_index(list(_PLACE)), {})
    # Doubts are sentences: they wrap.
    words = "text-align: left; white-space: normal; min-width: 12em"
    last = f"td.col{len(table.columns) - len(_PLACE) - 1}"
    return styler.set_table_styles(
        [{"selector": last, "props": words}], overwrite=False
    )


def _whole(row: Row) -> Row:
    """Texts of one row: a number and its interval are read together."""
    control = row.get("control") or {}
    doubts = [str(doubt) for doubt in row.get("doubts") or []]
    locked = _with_ends(row, "locked_ms", _shape.ms, "locked_low", "locked_high")
    return {
        "CPU (ms)": _with_ends(row, "whole_cpu_ms", _shape.ms, "low", "high"),
        "under the lock (ms)": locked,
        "floor (ms)": _shape.ms(row.get("floor_cpu_ms")),
        "closure": _with_ends(
            row, "closure", _shape.signed_percent, "closure_low", "closure_high"
        ),
        "A/A control": _with_ends(control, "ratio", _shape.ratio, "low", "high"),
        "run delay (ms)": _shape.ms(row.get("run_delay_ms")),
        "helpers (ms)": _shape.ms(row.get("helpers_ms")),
        "wall (ms)": _shape.ms(row.get("wall_ms")),
        "n": _shape.text(row.get("n")),
        "verdict": "; ".join([_shape.text(row.get("verdict")), *doubts]),
    }


def _with_ends(
    row: Row, key: str, shape: Callable[[Any], str], low: str, high: str
) -> str:
    if number(row.get(key)) is None:
        return _shape.MISSING
    return f"{shape(row.get(key))} [{shape(row.get(low))}, {shape(row.get(high))}]"


def article(document: Row) -> Styler:
    """The article's table beside ours, from the ``article`` rows of the document."""
    return shown(_evidence.article(document))


def warming(document: Row) -> Styler:
    """CPU in ms of the first requests of a fresh isolate or process."""
    return shown(_evidence.warming(document))


def instruments(document: Row) -> Styler:
    """What each instrument says of each invocation, in ms."""
    return shown(_evidence.instruments(document))


def isolate(document: Row, limits: LimitProfile) -> Styler:
    """Start-up, size, memory and conversion against their limits."""
    return shown(_isolate.isolate(document, limits))


def shown(found: _evidence.Table) -> Styler:
    """Any table of the report, with its notes as the caption."""
    import html

    import pandas as pd

    table = pd.DataFrame(found.rows, columns=found.head).set_index(found.head[0])
    styler = _styled(table, {})
    if not found.notes:
        return styler
    caption = "<br>".join(map(html.escape, found.notes))
    return styler.set_caption(caption).set_table_styles(
        [{"selector": "caption", "props": "caption-side: bottom; text-align: left"}],
        overwrite=False,
    )


def _styled(table: pd.DataFrame, shapes: dict[Any, Any]) -> Styler:
    # A fixed id: equal tables give equal notebooks.
    styler = table.style.set_uuid("workbench").format(
        shapes, na_rep=_shape.MISSING, escape="html"
    )
    styler = styler.format_index(escape="html").format_index(escape="html", axis=1)
    return styler.set_table_styles(
        [
            {
                "selector": "th.row_heading",
                "props": "text-align: left; vertical-align: top",
            },
            {"selector": "td", "props": "text-align: right; white-space: nowrap"},
        ]
    )
