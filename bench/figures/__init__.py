"""One file a figure: adding a figure to every report is adding a file here.

A figure module exports ``TITLE: str`` and
``draw(result, samples, limits) -> (Figure, DataFrame)``: `result` is the document that
it draws, `samples` the tidy samples of the run, `limits` the limit profile. ``SOURCE``
names the document by the verb that makes it, one of `SOURCES`; a module without it
draws that of `bench stages`. The frame is the data that was drawn, and the figure's
label is its alternative text. A figure whose data is missing draws a sentence that
says so; it never raises.
"""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench import registry
from bench.errors import BenchError, writing
from bench.files import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bench.platform import LimitProfile

SOURCES = (
    "stages", "parsers", "rerank", "matrix", "workloads", "remedies", "claims",
    "capacity", "compare", "history", "sweep", "worker", "versions",
)  # fmt: skip
_LETTERS = 15.8  # of small print that fit in an inch


def load() -> dict[str, ModuleType]:
    """Figure modules by name, in alphabetical order.

    Raises BenchError that names the file of one that draws no known document.
    """
    found = registry.load("bench.figures", ("TITLE", "draw"))
    for module in found.values():
        if source(module) not in SOURCES:
            raise BenchError(
                f"{module.__file__}: SOURCE is {source(module)!r} and not one of "
                f"{', '.join(SOURCES)}"
            )
    return found


def source(module: ModuleType) -> str:
    """Which document a figure draws: ``stages`` unless it says otherwise."""
    return str(getattr(module, "SOURCE", SOURCES[0]))


def save(folder: Path, name: str, figure: Figure, data: pd.DataFrame) -> list[Path]:
    """Write ``name``.svg, .png (150 dpi) and .csv into ``folder``; return the paths.

    Equal figures give equal bytes: the SVG has a fixed hash salt and no date. Its
    title and description hold the alternative text. Raises UserError when the disk
    refuses.
    """
    from bench.figures._common import styled

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    svg, png = io.BytesIO(), io.BytesIO()
    text = {"Title": name, "Description": str(figure.get_label())}
    with styled():
        figure.savefig(svg, format="svg", metadata={**text, "Date": None})
        figure.savefig(png, format="png", metadata=text)
    csv = data.to_csv(index=False, lineterminator="\n").encode()
    whole = {"svg": svg.getvalue(), "png": png.getvalue(), "csv": csv}
    paths = [folder / f"{name}.{suffix}" for suffix in whole]
    for path, content in zip(paths, whole.values(), strict=True):
        write_whole(path, content)
    return paths


def save_all(
    folder: Path,
    source_name: str,
    result: dict[str, Any],
    samples: pd.DataFrame,
    limits: LimitProfile,
) -> None:
    """Draw, sign and save every figure of the document of ``source_name``."""
    for name, module in load().items():
        if source(module) == source_name:
            drawn, data = module.draw(result, samples, limits)
            save(folder, name, sign(drawn, result), data)


def sign(figure: Figure, result: dict[str, Any]) -> Figure:
    """Put run, host, runtimes and n in small print above ``figure``; returns it."""
    from bench.figures._common import spoken

    machine = result.get("machine") or {}
    groups = [
        f"{spoken(row.get('runtime'))} {row.get('phase')} "
        f"n = {row['n']:,} process groups"
        for row in result.get("totals") or []
        if row.get("n")
    ]
    groups += _compared(result)
    small = [f"run {result.get('run')}", f"host {machine.get('host')}", *groups]
    # Above: below stand the legends, and the layout keeps no two things apart there.
    width = round(_LETTERS * figure.get_figwidth())
    text = textwrap.fill("; ".join(small), width)
    figure.suptitle(text, x=0.01, ha="left", fontsize=7, color="0.35")
    return figure


def caption(result: dict[str, Any]) -> str:
    """What a reader must know beside any figure of ``result``, in one paragraph.

    Sample counts, host, runtimes, what the intervals mean, and the command.
    """
    from bench.figures._contest import listed

    machine = result.get("machine") or {}
    counts = [
        f"{row.get('phase')} n = {row['n']:,} process groups ({row.get('runtime')})"
        for row in result.get("totals") or []
        if row.get("n")
    ] + _compared(result)
    versions = [
        str(machine[key]) if key == "python" else f"{key} {machine[key]}"
        for key in ("python", "workerd")
        if machine.get(key)
    ]
    # What was derived from a run counts no groups of its own.
    blank = [] if listed(result, "rows") else ["no finished measurement"]
    parts = [
        *(counts or blank),
        f"host {machine.get('host') or 'unknown'}",
        *versions,
        "CPU is thread CPU time on one pinned core",
        f"intervals are {_confidence(result):.4g} % over process groups",
        f"made by: {result.get('command') or 'a command that was not recorded'}",
    ]
    return "; ".join(parts)


def _confidence(result: dict[str, Any]) -> float:
    """Per cent; a document that corrects for many rows says its own."""
    from bench.figures._common import number

    rules = result.get("rules")
    found = number(rules.get("confidence")) if isinstance(rules, dict) else None
    return 100 * found if found and 0 < found < 1 else 95.0


def _compared(result: dict[str, Any]) -> list[str]:
    """How many groups a comparison has, or the rows of what is none; nothing for the
    path, whose wholes say it."""
    from bench.figures._common import number
    from bench.figures._contest import listed

    def said(what: str, rows: list[dict[str, Any]]) -> list[str]:
        found = sorted({int(n) for row in rows if (n := number(row.get("n")))})
        ends = dict.fromkeys((found[0], found[-1])) if found else ()
        counted = " to ".join(f"{count:,}" for count in ends)
        return [f"{what}n = {counted} process groups"] if counted else []

    options = listed(result, "options")
    counts = said("re-rankers " if options else "", listed(result, "tables"))
    for phase in dict.fromkeys(str(row.get("phase")) for row in options):
        mine = [row for row in options if str(row.get("phase")) == phase]
        counts += said(f"{phase} requests ", mine)
    if not counts and "totals" not in result:
        counts += said("", listed(result, "rows"))
    return counts
