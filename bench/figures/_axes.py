"""What figures draw on axes in the same way: log axes and intervals on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._common import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.lines import Line2D

TIMES = "\N{MULTIPLICATION SIGN}"
# The mark of what a log axis cannot show.
_BEYOND = "<"


def plain_log(axis: Axis) -> None:
    """Name a log axis in plain numbers, 0.1 1 10, and not in powers.

    Called after drawing, because the range decides how many are named.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    low, high = axis.get_view_interval()
    ratio = high / low if low > 0 else float("inf")
    if ratio < 4:
        axis.set_major_locator(MaxNLocator(4))
    else:
        subs = (1, 2, 3, 4, 6) if ratio < 10 else (1, 2, 5) if ratio < 100 else (1,)
        axis.set_major_locator(LogLocator(base=10, subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axis.set_minor_formatter(NullFormatter())


class Estimate(NamedTuple):
    """A number with its interval, whose ends may be unknown."""

    value: float
    low: float | None
    high: float | None


def log_floor(estimates: list[Estimate], smallest: float) -> float:
    """Where a log axis ends on the left: below every estimate above ``smallest``.

    An end of an interval does not count, because it may lie anywhere near zero.
    """
    values = [e.value for e in estimates if e.value >= smallest]
    return min(values, default=smallest) / 2


def log_interval(
    axes: Axes, estimate: Estimate, place: float, edge: float, **mark: Any
) -> None:
    """A dot with its interval at height ``place`` of a log axis that ends at ``edge``.

    What reaches zero or below ends in an arrow at the edge: such a number is the
    difference of two noisy ones, and a log axis has no place for it. ``mark`` are
    properties of the dot, its colour too.
    """
    value, low, high = estimate
    colour = mark["color"]
    if low is not None and high is not None and high > edge:
        axes.plot([max(low, edge), high], [place] * 2, "-", color=colour, linewidth=1.3)
        caps = [end for end in (low, high) if end >= edge]
        axes.plot(caps, [place] * len(caps), "|", color=colour, markersize=6)
    if value < edge or (low is not None and low < edge):
        axes.plot([edge], [place], _BEYOND, color=colour, markersize=5, clip_on=False)
    if value >= edge:
        axes.plot([value], [place], linestyle="", zorder=4, **mark)


def beyond_key() -> Line2D:
    """What the legend shows beside the words for an arrow at the edge."""
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color=INK, marker=_BEYOND, markersize=5, linewidth=1.3,
        label="reaches zero or below: a difference of two requests",
    )  # fmt: skip


def factor(value: float) -> str:
    """A ratio with two significant digits: 0.17, 1.3, 5.2, 24."""
    digits = 0 if value >= 10 else 1 if value >= 1 else 2
    return f"{value:,.{digits}f}{TIMES}"


def ratio_text(found: Estimate) -> str:
    """A ratio with its interval, as many digits as tell the two ends apart.

    One that is too small for them, a difference that may be zero, only has an upper
    end.
    """
    smallest = found.value if found.low is None else min(found.value, found.low)
    if smallest < 1e-4 and found.high is not None:
        return f"at most {found.high:.2g}"
    ends = enumerate((100, 10, 0.1, 0.01))
    digits = next((place for place, end in ends if found.value >= end), 4)
    if found.low is None or found.high is None:
        return f"{found.value:,.{digits}f}"
    low, high = (f"{end:,.{digits}f}" for end in found[1:] if end is not None)
    return f"{found.value:,.{digits}f} [{low}, {high}]"


def aside(
    axes: Axes, place: float, lines: list[str], *, size: float, step: float
) -> None:
    """``lines`` to the right of the axes at height ``place``, the first one bold.

    ``size`` of the letters and ``step`` from line to line are in points.
    """
    for line, text in enumerate(lines):
        beside(
            axes,
            place,
            text,
            at=(6, step * ((len(lines) - 1) / 2 - line)),
            fontsize=size,
            fontweight="normal" if line else "bold",
            color="#555555" if line else INK,
        )


def beside(
    axes: Axes,
    place: float,
    text: str,
    *,
    at: tuple[float, float] = (6, 0),
    **letters: Any,
) -> None:
    """``text`` to the right of the axes at height ``place``, off by ``at`` points."""
    look: dict[str, Any] = {"fontsize": 7.5, "color": INK} | letters
    axes.annotate(
        text,
        (1, place),
        xycoords=("axes fraction", "data"),
        xytext=at,
        textcoords="offset points",
        va="center",
        **look,
    )
