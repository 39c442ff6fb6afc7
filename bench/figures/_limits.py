"""How a limit stands in a figure: as a line, or as a word that says where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.figures._axes import TIMES
from bench.figures._common import INK, LIMIT
from bench.platform import limit_profiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROOM_FOR_NAME = 0.24  # of the axis


def limit_label(name: str, limit: float, *, scale: bool) -> str:
    """The limit of profile ``name`` in words; ``scale`` where no runtime beside it is
    one that Workers uses, so that it only gives the scale."""
    return f"Workers {name}, {limit:,g} ms{' (for scale)' if scale else ''}"


def limit_line(
    axes: Axes,
    limit: float,
    label: str,
    *,
    own: bool = True,
    rows: tuple[float, float] | None = None,
) -> None:
    """A vertical line at ``limit`` ms with its name above the axes.

    ``own`` is the chosen profile: bold; the others are thin and dotted. ``rows`` are
    the ends of the line on the other axis where it does not span all of it.
    """
    style: dict[str, Any] = {
        "color": LIMIT,
        "linewidth": 1.8 if own else 0.9,
        "linestyle": "-" if own else ":",
        "zorder": 5,
    }
    if rows is None:
        axes.axvline(limit, **style)
    else:
        axes.plot([limit, limit], rows, **style)
    low, high = axes.get_xlim()
    place = (limit - low) / (high - low)
    axes.annotate(
        label,
        (limit, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        # Near an end of the axis the name stays inside it.
        ha="left" if place < 0.15 else "right" if place > 0.85 else "center",
        va="bottom",
        fontsize=8,
        fontweight="bold" if own else "normal",
        color=INK,
        bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "linewidth": 0},
    )


def other_limits(axes: Axes, own: set[float], right: float) -> None:
    """The limits of the other profiles where they fall on the axis, names apart."""
    taken = sorted(own)
    for profile in limit_profiles().values():
        limit = profile.cpu_ms
        apart = all(abs(limit - t) > _ROOM_FOR_NAME * right for t in taken)
        if limit < right and apart:
            limit_line(axes, limit, f"{profile.name} {limit:,g} ms", own=False)
            taken.append(limit)


def off_axis(axes: Axes, limit: str, times: float, of: str) -> None:
    """Say under the axis which limit it does not reach, and how far that is."""
    axes.set_xlabel(
        f"{limit}, is off the axis: {times:,.0f} {TIMES} the longest "
        f"bar{of} \N{RIGHTWARDS ARROW}"
    )
