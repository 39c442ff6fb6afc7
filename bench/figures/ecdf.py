"""How CPU per request is distributed, and how far its tail reaches.

The left panel shows the whole distribution, the right one only what the left cannot:
on two log axes a rare slow request is as visible as a common one. A percentile is
marked only where enough requests lie beyond it to say where it is; its height names
it, so the shape of the mark is free to name the invocation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._common import (
    INK,
    LIMIT,
    LINE,
    empty,
    invocation_colour,
    invocations_of,
    limit_label,
    milliseconds,
    phases_of,
    plain_log,
    spoken,
    styled,
    whole_cpu,
)
from bench.platform import LimitProfile

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

TITLE = "Distribution and tail of CPU per request"

# Percentiles, marked where at least five samples are expected beyond.
_MARKS = (50, 95, 99)
_BEYOND = 5
# One shape an invocation, in the order of the result: colour is never alone.
_SHAPES = "osD^v*PX"
# More points than this on one line add bytes and no pixel.
_POINTS = 1500


class _Line(NamedTuple):
    runtime: str
    phase: str
    invocation: str
    shape: str
    values: NDArray[np.float64]  # sorted, ms

    @property
    def name(self) -> str:
        return f"{self.invocation} {self.phase}"

    def marks(self) -> list[tuple[int, float]]:
        """Percentiles that the sample size supports, with their values in ms."""
        import numpy as np

        n = len(self.values)
        return [
            (q, float(np.quantile(self.values, q / 100, method="inverted_cdf")))
            for q in _MARKS
            if n * (100 - q) >= 100 * _BEYOND
        ]


def draw(
    result: dict[str, Any], samples: pd.DataFrame, limits: LimitProfile
) -> tuple[Figure, pd.DataFrame]:
    """ECDF and CCDF of CPU in ms; the frame has the points of each drawn line."""
    lines = list(_lines(result, samples))
    with styled():
        if not lines:
            text = "No request was measured as a whole: there is no distribution."
            return empty(text), _table([])
        return _figure(result, lines, limits), _table(lines)


def _lines(result: dict[str, Any], samples: pd.DataFrame) -> Iterator[_Line]:
    import numpy as np

    whole = whole_cpu(samples)
    found = {
        (str(runtime), str(phase), str(invocation)): group["value"].to_numpy(float)
        for (runtime, phase, invocation), group in whole.groupby(
            ["runtime", "phase", "invocation"], sort=False
        )
    }
    invocations = invocations_of(result, (key[2] for key in found))
    phases = phases_of(key[1] for key in found)
    for key in sorted(
        found, key=lambda key: (key[0], invocations.index(key[2]), phases.index(key[1]))
    ):
        shape = _SHAPES[invocations.index(key[2]) % len(_SHAPES)]
        yield _Line(*key, shape, np.sort(found[key]))


def _thinned(line: _Line) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and the share of samples up to each; every point of the tail is kept."""
    import numpy as np

    n = len(line.values)
    share = np.arange(1, n + 1) / n
    if n <= _POINTS:
        return line.values, share
    body = np.linspace(0, n - 1, _POINTS // 2)
    tail = n - np.geomspace(1, n, _POINTS // 2)
    keep = np.unique(np.concatenate([body, tail]).astype(int))
    return line.values[keep], share[keep]


def _figure(result: dict[str, Any], lines: list[_Line], limits: LimitProfile) -> Figure:
    from matplotlib.figure import Figure

    rows = -(-len(lines) // 3)
    figure = Figure(figsize=(9.5, 4.2 + 0.25 * rows), label=_alt(lines))
    left, right = figure.subplots(1, 2)
    runtimes = dict.fromkeys(spoken(line.runtime) for line in lines)
    for line in lines:
        colour, style = invocation_colour(line.invocation), LINE.get(line.phase, ":")
        name = f"{line.name} ({line.runtime})" if len(runtimes) > 1 else line.name
        values, share = _thinned(line)
        left.step(
            values,
            share,
            where="post",
            color=colour,
            linestyle=style,
            marker=line.shape,
            markevery=[],  # for the legend; the marks have their exact place below
            markeredgecolor="white",
            label=f"{name}, n = {len(line.values):,}",
        )
        # The largest sample has nothing beyond it; a log axis cannot show that zero.
        right.step(
            values[:-1], 1 - share[:-1], where="post", color=colour, linestyle=style
        )
        _mark(left, right, line, colour)
    for axes, share_of in ((left, "at or below"), (right, "above")):
        _finish(axes, lines, f"share of requests {share_of}")
        for limit in sorted({limits.cpu_ms_for(line.invocation) for line in lines}):
            _limit(axes, limit, limit_label(result, limits.name, limit), lines)
        plain_log(axes.xaxis)
    left.set_ylim(0, 1.02)
    left.set_title(f"{', '.join(runtimes)}, distribution", pad=17)
    right.set_title("tail", pad=17)
    right.set_yscale("log")
    right.set_ylim(0.35 / max(len(line.values) for line in lines), 1.3)
    plain_log(right.yaxis)
    _legend(figure, lines)
    return figure


def _mark(left: Axes, right: Axes, line: _Line, colour: str) -> None:
    for q, value in line.marks():
        for axes, share in ((left, q / 100), (right, 1 - q / 100)):
            axes.plot(
                [value],
                [share],
                line.shape,
                color=colour,
                markeredgecolor="white",
                markersize=6.5,
                zorder=6,
            )


def _finish(axes: Axes, lines: list[_Line], name: str) -> None:
    axes.set_xscale("log")
    low, high = _reach(lines)
    axes.set_xlim(low / 1.15, high * 1.15)
    axes.set_xlabel("CPU per request (ms, log scale)")
    axes.set_ylabel(name)


def _reach(lines: list[_Line]) -> tuple[float, float]:
    return (
        min(float(line.values[0]) for line in lines),
        max(float(line.values[-1]) for line in lines),
    )


def _limit(axes: Axes, limit: float, text: str, lines: list[_Line]) -> None:
    """The limit as a line where it is near, else as a note that says which way."""
    low, high = _reach(lines)
    if low / 3 <= limit <= high * 3:
        axes.set_xlim(
            min(axes.get_xlim()[0], limit / 1.15), max(axes.get_xlim()[1], limit * 1.15)
        )
        axes.axvline(limit, color=LIMIT, linewidth=1.8, zorder=5)
        place, align, at = limit, "center", "data"
    else:
        beyond = limit > high
        text = (
            f"{text} \N{RIGHTWARDS ARROW}" if beyond else f"\N{LEFTWARDS ARROW} {text}"
        )
        place, align, at = (
            (1, "right", "axes fraction") if beyond else (0, "left", "axes fraction")
        )
    axes.annotate(
        text,
        (place, 1),
        xycoords=(at, "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha=align,
        va="bottom",
        fontsize=8,
        fontweight="bold",
        color=INK,
    )


def _legend(figure: Figure, lines: list[_Line]) -> None:
    handles, names = figure.axes[0].get_legend_handles_labels()
    shown = sorted({q for line in lines for q, _ in line.marks()})
    figure.legend(
        handles,
        names,
        loc="outside lower center",
        # A column an invocation, warm above cold.
        ncols=min(len({(line.runtime, line.invocation) for line in lines}), 4),
        title=f"marks at {', '.join(f'p{q}' for q in shown)}" if shown else None,
        title_fontsize=8.5,
    )


def _table(lines: list[_Line]) -> pd.DataFrame:
    import pandas as pd

    columns = ["runtime", "phase", "invocation", "cpu_ms", "share"]
    parts = []
    for line in lines:
        values, share = _thinned(line)
        head = dict(
            zip(columns, (line.runtime, line.phase, line.invocation), strict=False)
        )
        parts.append(pd.DataFrame({**head, "cpu_ms": values, "share": share}))
    return pd.concat(parts) if parts else pd.DataFrame(columns=columns)


def _alt(lines: list[_Line]) -> str:
    """The figure in words: sample sizes and the percentiles that are marked."""
    parts = []
    for line in lines:
        marks = ", ".join(f"p{q} {milliseconds(v)} ms" for q, v in line.marks())
        parts.append(
            f"{line.name} of {len(line.values):,} requests: "
            f"{marks or 'too few requests for a percentile'}"
        )
    return f"Cumulative distribution and tail of CPU per request. {'; '.join(parts)}."
