"""The distribution of CPU per request as data, apart from how it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures._common import invocations_of, phases_of, runtimes_of, whole_cpu

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

# Percentiles, marked where at least five samples are expected beyond.
_MARKS = (50, 95, 99)
_BEYOND = 5
# One shape an invocation, in the order of the result: colour is never alone.
_SHAPES = "osD^v*PX"
# More points than this on one line add bytes and no pixel.
_POINTS = 1500


class Line(NamedTuple):
    """The requests of one invocation, in one phase and runtime."""

    runtime: str
    phase: str
    invocation: str
    shape: str
    values: NDArray[np.float64]  # sorted, ms

    @property
    def name(self) -> str:
        """What the line is called where its runtime is known."""
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


def lines_of(result: dict[str, Any], samples: pd.DataFrame) -> Iterator[Line]:
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
    runtimes = runtimes_of(result, (key[0] for key in found))

    def order(key: tuple[str, str, str]) -> tuple[int, ...]:
        runtime, phase, invocation = key
        places = runtimes.index(runtime), invocations.index(invocation)
        return (*places, phases.index(phase))

    for key in sorted(found, key=order):
        shape = _SHAPES[invocations.index(key[2]) % len(_SHAPES)]
        yield Line(*key, shape, np.sort(found[key]))


def thinned(line: Line) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def table(lines: list[Line]) -> pd.DataFrame:
    import pandas as pd

    columns = ["runtime", "phase", "invocation", "cpu_ms", "share"]
    parts = []
    for line in lines:
        values, share = thinned(line)
        head = dict(
            zip(columns, (line.runtime, line.phase, line.invocation), strict=False)
        )
        parts.append(pd.DataFrame({**head, "cpu_ms": values, "share": share}))
    return pd.concat(parts) if parts else pd.DataFrame(columns=columns)
