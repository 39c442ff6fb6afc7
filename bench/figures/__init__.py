"""One file a figure: adding a figure to every report is adding a file here.

A figure module exports ``TITLE: str`` and
``draw(result, samples, limits) -> (Figure, DataFrame)``: `result` is the document of
`bench stages`, `samples` the tidy samples of the run, `limits` the limit profile. The
frame is the data that was drawn, and the figure's label is its alternative text. A
figure whose data is missing draws a sentence that says so; it never raises.
"""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bench import registry
from bench.errors import writing
from bench.files import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_SMALL_PRINT = 150  # letters that fit in a line over a figure of 9.5 inches


def load() -> dict[str, ModuleType]:
    """Figure modules by name, in alphabetical order."""
    return registry.load("bench.figures", ("TITLE", "draw"))


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
    small = [f"run {result.get('run')}", f"host {machine.get('host')}", *groups]
    # Above: below stand the legends, and the layout keeps no two things apart there.
    text = textwrap.fill("; ".join(small), _SMALL_PRINT)
    figure.suptitle(text, x=0.01, ha="left", fontsize=7, color="0.35")
    return figure


def caption(result: dict[str, Any]) -> str:
    """What a reader must know beside any figure of ``result``, in one paragraph.

    Sample counts, host, runtimes, what the intervals mean, and the command.
    """
    machine = result.get("machine") or {}
    counts = [
        f"{row.get('phase')} n = {row['n']:,} process groups ({row.get('runtime')})"
        for row in result.get("totals") or []
        if row.get("n")
    ]
    versions = [
        str(machine[key]) if key == "python" else f"{key} {machine[key]}"
        for key in ("python", "workerd")
        if machine.get(key)
    ]
    parts = [
        *(counts or ["no finished measurement"]),
        f"host {machine.get('host') or 'unknown'}",
        *versions,
        "CPU is thread CPU time on one pinned core",
        "intervals are 95 % over process groups",
        f"made by: {result.get('command') or 'a command that was not recorded'}",
    ]
    return "; ".join(parts)
