"""What the figures of a capacity plan read of its document, and its line of traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._common import INK, PALETTE, number
from bench.figures._contest import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOTHING = "No capacity was planned: there is nothing to draw."
_LINES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1, 1.4)), "-.", (0, (7, 1, 1, 1)))
_MARKERS = "os^Dv"
_LEAST, _MOST = 1e-12, 1e15
_COLOURS = (6, 0, 2, 4, 12)  # of the palette, far apart in lightness too


def profiles(document: Row) -> list[str]:
    """Names of the limit profiles, in the order of the document."""
    named = document.get("profiles")
    return [str(name) for name in named] if isinstance(named, list) else []


def look(place: int) -> dict[str, Any]:
    """Colour, line and marker of the profile at a place, told apart in grey too."""
    return {
        "color": PALETTE[_COLOURS[place % len(_COLOURS)]],
        "linestyle": _LINES[place % len(_LINES)],
        "marker": _MARKERS[place % len(_MARKERS)],
        "markersize": 4.5,
    }


def expected(document: Row) -> float | None:
    """Requests a second that are expected; None where that is no positive number."""
    traffic = document.get("traffic")
    rate = number(traffic.get("rate")) if isinstance(traffic, dict) else None
    return rate if rate is not None and _LEAST < rate < _MOST else None


def positive(row: Row, key: str) -> float | None:
    """A number above zero, None for all else, and for what no log axis can show."""
    found = number(row.get(key))
    return found if found is not None and _LEAST < found < _MOST else None


def traffic_line(axes: Axes, document: Row) -> None:
    """The expected traffic as a vertical line with its rate above the axes."""
    rate = expected(document)
    if rate is None:
        return
    axes.axvline(rate, color=INK, linewidth=1.4, zorder=5)
    axes.annotate(
        f"expected: {spoken(rate)} a second",
        (rate, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8,
        fontweight="bold",
        color=INK,
    )


def spoken(rate: float) -> str:
    """A rate with three significant digits: 0.012, 5.38, 12,000."""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
