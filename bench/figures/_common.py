"""What every figure shares, so that one stage looks the same everywhere.

Colour is never alone: a stage also has its number in the path, a phase its line style
and marker, a runtime its place or its marker.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_STYLE = Path(__file__).with_name("_style.mplstyle")

PHASES = ("warm", "cold")
LINE = {"warm": "-", "cold": (0, (4, 1.6))}
MARKER = {"warm": "o", "cold": "^"}
INK = "#222222"
LIMIT = "#111111"
FLOOR = "#c9c9c9"

# petroff10, then four darker tones: a path has more stages than ten, and the four are
# far in lightness from the tone of the same hue.
PALETTE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300",
    "#b9ac70", "#717581", "#92dadd", "#1d4f7c", "#5c1670", "#5d6b1e", "#6e1200",
)  # fmt: skip

_SPOKEN = {"cpython": "CPython", "pyodide": "Pyodide"}

# Stage -> place in PALETTE. The costliest neighbours of the path get the tones that
# differ most; a stage that is not named here gets one by its name.
_STAGES = {
    "auth": 3, "parse_request": 9, "validate": 8, "rate_limit": 7,
    "load_conversation": 4, "embed": 1, "retrieve": 0, "rerank": 2, "assemble": 12,
    "complete": 5, "stream": 6, "save_turn": 10, "summarize": 11,
    "receive": 3, "parse_transcript": 0, "chunk": 1, "store": 4, "enqueue": 5,
    "embed_chunks": 1, "upsert": 0,
}  # fmt: skip
_INVOCATIONS = {"chat": 0, "ingest": 6, "consume": 4, "webhook": 12, "agent": 5}
_RUNTIMES = {"workerd": 6, "cpython": 0, "pyodide": 4}


def stage_colour(stage: str) -> str:
    """The colour of a stage, the same in every figure and every run."""
    place = _STAGES.get(stage, zlib.crc32(stage.encode()) % len(PALETTE))
    return PALETTE[place]


def invocation_colour(invocation: str) -> str:
    """The colour of an invocation (chat, ingest, consume) as a whole."""
    known = _INVOCATIONS.get(invocation)
    return PALETTE[zlib.crc32(invocation.encode()) % 10 if known is None else known]


def runtime_colour(runtime: str) -> str:
    """The colour of a runtime, where a figure has one line or dot a runtime."""
    return PALETTE[_RUNTIMES.get(runtime, zlib.crc32(runtime.encode()) % 10)]


@contextmanager
def styled() -> Iterator[None]:
    """The house style, for the time of drawing or saving one figure."""
    import matplotlib.style

    with matplotlib.style.context(_STYLE):
        yield


def lighter(colour: str, share: float = 0.62) -> tuple[float, float, float]:
    """``colour`` mixed with white; ``share`` of it is white."""
    from matplotlib.colors import to_rgb

    red, green, blue = (part + (1 - part) * share for part in to_rgb(colour))
    return red, green, blue


def number(value: Any) -> float | None:
    """A finite float, or None for everything else that a result may hold."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) < float("inf") else None


def milliseconds(value: float) -> str:
    """``value`` ms with three significant digits and no exponent: 0.042, 6.21, 30,000.

    Digits before the point are never rounded away, and none below 0.1 us is shown:
    the clocks do not carry them.
    """
    size = abs(value)
    if size < 0.5e-4:
        return "0"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits if size >= 0.1 else 4}f}"


def duration(us: float) -> str:
    """``us`` microseconds in the unit that reads best: 41.2 us, 1.23 ms, 2,048 ms."""
    if abs(us) < 1000:
        return f"{milliseconds(us)} \N{MICRO SIGN}s"
    return f"{milliseconds(us / 1000)} ms"


def spoken(runtime: object) -> str:
    """The id of a runtime as a sentence or a title names it."""
    return _SPOKEN.get(str(runtime), str(runtime))


def foreign(result: dict[str, Any]) -> set[str]:
    """Runtimes of ``result`` that Workers does not use: limits are not theirs."""
    rows = result.get("invocations") or []
    return {str(row.get("runtime")) for row in rows if row.get("workers") is False}


def runtimes_of(result: dict[str, Any], names: Iterable[object]) -> list[str]:
    """Each runtime among ``names`` once, those that Workers uses first."""
    others = foreign(result)
    return sorted(dict.fromkeys(map(str, names)), key=lambda name: name in others)


def phases_of(names: Iterable[str]) -> list[str]:
    """Each phase once: warm, cold, then any other."""
    present = dict.fromkeys(names)
    return sorted(present, key=lambda p: PHASES.index(p) if p in PHASES else 9)


def invocations_of(result: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Each of ``names`` once, in the order of the result and then of appearance."""
    present = dict.fromkeys(names)
    known = [str(row.get("invocation")) for row in result.get("rows") or []]
    return [name for name in dict.fromkeys([*known, *present]) if name in present]


def whole_cpu(samples: pd.DataFrame, stage: str = "whole") -> pd.DataFrame:
    """Rows of ``samples`` with the finite, positive CPU in ms of ``stage``.

    Without those of the A/A control, which measures the same again, and of other
    instruments. Always has the columns cell, runtime, phase, invocation, process, seq
    and value.
    """
    import pandas as pd

    columns = ["cell", "runtime", "phase", "invocation", "process", "seq", "value"]
    if not {*columns, "stage", "variant", "metric"} <= set(samples.columns):
        return pd.DataFrame(columns=columns)
    wanted = (samples["stage"] == stage) & (samples["metric"] == "cpu")
    wanted &= samples["variant"] == "plain"
    found = samples.loc[wanted, columns].copy()
    for column in ("process", "seq", "value"):
        found[column] = pd.to_numeric(found[column], errors="coerce")
    value = found["value"]
    whole = found[(value > 0) & (value < float("inf"))]
    return whole.fillna({"process": 0, "seq": 0})


def plain(text: str) -> str:
    """``text`` without what matplotlib would take for mathematics."""
    return text.replace("$", r"\$")


def empty(text: str) -> Figure:
    """A figure that says in words why there is nothing to draw."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.2), label=text)
    figure.text(0.5, 0.5, text, ha="center", va="center", color=INK, wrap=True)
    return figure
