"""What the figures of parsers and re-rankers read of their documents, and how they
tell runtimes apart: by colour, marker and fill."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.figures._axes import Estimate
from bench.figures._common import lighter, number, runtime_colour, spoken

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

Row = dict[str, Any]

# What Workers runs by itself, what it is compared with, what it can run besides.
_ORDER = ("workerd", "cpython", "pyodide")
_MARKER = {"workerd": "o", "cpython": "s", "pyodide": "D"}
_LINE = {"workerd": "-", "cpython": (0, (4, 1.6)), "pyodide": (0, (1, 1.4))}
# The colour of what is wrong, and letters of a title.
WRONG = "#6e1200"
TITLE = 66
_NAME = 24  # letters of a name: theirs may be a sentence
_MAIN_JOB = (8, 1536)
# Generated bodies that differ in size alone are called so (`bench.parsers._bodies`).
_SIZED = "transcript of "


def listed(document: Row, key: str) -> list[Row]:
    """The rows of a list of the document; what is no row is left out."""
    return [row for row in document.get(key) or [] if isinstance(row, dict)]


def estimate(row: Row, key: str, low: str, high: str) -> Estimate | None:
    """A number of a row with its interval; None where it has none."""
    value = number(row.get(key))
    if value is None:
        return None
    return Estimate(value, number(row.get(low)), number(row.get(high)))


def control(table: Row) -> Estimate | None:
    """The ratio of the reference to itself, as a row of ``tables`` holds it."""
    found = table.get("control")
    if not isinstance(found, dict):
        return None
    return estimate(found, "ratio", "low", "high")


def cost(row: Row) -> Estimate | None:
    """CPU in us; None for what is wrong, failed, or free of any cost."""
    found = estimate(row, "cpu_us", "low", "high")
    return None if row.get("error") or not found or found.value <= 0 else found


def ratio(row: Row) -> Estimate | None:
    """CPU relative to the reference's; None for what is wrong or failed."""
    found = estimate(row, "ratio", "ratio_low", "ratio_high")
    return None if row.get("error") or not found or found.value <= 0 else found


def failure(row: Row) -> str:
    """Why a row has no number, in words; nothing where it has one."""
    error = str(row.get("error") or "")
    if row.get("correct") is False:
        return f"wrong: {error or 'the answer differs'}"
    return error


def cut(text: str, width: int) -> str:
    """``text`` in one line of at most ``width`` letters."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}\N{HORIZONTAL ELLIPSIS}"


def named(value: object) -> str:
    """A name as a figure shows it, with room for what stands beside."""
    return cut(str(value), _NAME)


def in_order(names: Iterable[object]) -> list[str]:
    """Each runtime once: workerd, CPython, Pyodide, then any other."""
    present = dict.fromkeys(map(str, names))
    return sorted(
        present, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)
    )


def fastest(rows: Iterable[Row]) -> set[int]:
    """Places of the rows that are the cheapest of their runtime."""
    best: dict[str, tuple[float, int]] = {}
    for place, row in enumerate(rows):
        found = cost(row)
        if found is not None:
            mine = (found.value, place)
            runtime = str(row.get("runtime"))
            best[runtime] = min(best.get(runtime, mine), mine)
    return {place for _, place in best.values()}


def mark(runtime: str) -> Row:
    """Colour, marker and fill of a runtime: grey tells them apart too."""
    colour = runtime_colour(runtime)
    return {
        "color": colour,
        "marker": _MARKER.get(runtime, "v"),
        "markerfacecolor": colour if runtime == "workerd" else lighter(colour, 0.85),
        "markersize": 5,
    }


def line(runtime: str) -> Row:
    """The same for a line through points."""
    return {"linestyle": _LINE.get(runtime, "-."), "color": runtime_colour(runtime)}


def handle(runtime: str, *, lined: bool = False) -> Line2D:
    """What the legend shows for a runtime."""
    from matplotlib.lines import Line2D

    style = line(runtime) if lined else {"linestyle": ""}
    return Line2D([], [], **(style | mark(runtime)), label=spoken(runtime))


def is_sized(row: Row) -> bool:
    """Whether a row is about a body of the generated family."""
    return str(row.get("fixture")).startswith(_SIZED)


def main_fixture(document: Row) -> str:
    """The body that the document is about: the first."""
    rows = listed(document, "tables") or listed(document, "rows")
    return str(rows[0].get("fixture")) if rows else ""


def job(row: Row) -> tuple[int, int]:
    """k and dims of a row of re-ranking; zeros where they are no numbers."""
    return int(number(row.get("k")) or 0), int(number(row.get("dims")) or 0)


def main_job(rows: Iterable[Row]) -> tuple[int, int]:
    """The article's job where ``rows`` have it, else the first of theirs."""
    jobs = [job(row) for row in rows]
    return _MAIN_JOB if _MAIN_JOB in jobs or not jobs else jobs[0]


def spoken_job(k: int, dims: int) -> str:
    """A job as a title says it: 8 x 1,536."""
    return f"{k:,} \N{MULTIPLICATION SIGN} {dims:,}"


def limit(document: Row) -> tuple[str, float | None]:
    """Name and ms of CPU of the limit that the document was made for."""
    found = document.get("limits")
    if not isinstance(found, dict):
        return str(found or ""), None
    return str(found.get("name") or ""), number(found.get("cpu_ms"))
