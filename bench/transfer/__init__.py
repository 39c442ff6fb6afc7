"""From milliseconds of this machine to those of production: the transfer factor.

A local millisecond is not Cloudflare's. `bench calibrate` fits the factor between them
from a log of production, and a run keeps it as ``transfer.json``; the verdicts of that
run then carry its interval. Without one they carry the range 0.5 to 2.

    sources/      what production tells, one file each: tail, Logpush, Workers Logs, ...
    local.py      what the same requests cost in a run
    likelihood.py how likely a log is, given a factor
    fit.py        the factor and its interval
    calibrate.py  the document, and its place in a run

Nothing of a log but numbers, outcomes from a fixed list and the name of the file may
reach a result or an error: no header, URL or address.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any

import msgspec
import numpy as np

from bench.errors import UserError
from bench.files import read_input
from bench.verdict.answer import TRANSFER_HIGH, TRANSFER_LOW

NAME = "transfer.json"
SCHEMA = 1
LEAST, MOST = 0.05, 20.0
"""Factors beyond these are not believed, and no interval goes further."""

_DRAWN = 5
_LARGEST = 2**20
_WHERE = "calibrate again with `bench calibrate LOG --run RUN`"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Production CPU over local CPU, with its 95 % interval.

    ``n`` requests count, ``censored`` of which were ended by the CPU limit, so that
    theirs is only known to be at least that much. ``source`` names the kind and the
    files of the log, ``workload`` what stood for it here. ``spread`` is the standard
    deviation of the logarithm that is left beside the local one, ``cold_share`` the
    part of requests that look like the first of an isolate; None where a source cannot
    tell. ``left_out`` counts what does not count, by why.
    """

    factor: float
    low: float
    high: float
    n: int
    censored: int
    source: str
    workload: str
    doubts: tuple[str, ...] = ()
    bad_rows: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    spread: float | None = None
    cold_share: float | None = None

    def as_row(self) -> dict[str, Any]:
        """Its fields as JSON has them."""
        return asdict(self) | {
            "doubts": list(self.doubts),
            "left_out": dict(self.left_out),
        }


def of_run(folder: Path) -> Transfer | None:
    """The factor that the run in ``folder`` keeps, None where it keeps none.

    Raises UserError that names the file and the field of one that is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return None
    data = read_input(path, what="a transfer.json", limit=_LARGEST)
    try:
        found = msgspec.json.decode(data, type=Transfer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(str(error), file=path, remedy=_WHERE) from error
    if not LEAST <= found.low <= found.factor <= found.high <= MOST:
        raise UserError(
            f"{found.low:g} <= {found.factor:g} <= {found.high:g} is no interval "
            f"within {LEAST:g} to {MOST:g}",
            file=path,
            field="factor",
            remedy=_WHERE,
        )
    return found


def factors(transfer: Transfer | None) -> tuple[float, ...]:
    """Five factors that verdicts are drawn over, in ascending order.

    Without a ``transfer`` they divide the assumed range evenly, ends included. With one
    they are equally likely: the middles of five equal parts of a log-normal law with
    its estimate and interval, each side with a width of its own.
    """
    if transfer is None:
        even = np.geomspace(TRANSFER_LOW, TRANSFER_HIGH, _DRAWN)
        return tuple(float(factor) for factor in even)
    normal = NormalDist()
    end = normal.inv_cdf(0.975)
    centre = math.log(transfer.factor)
    below, above = centre - math.log(transfer.low), math.log(transfer.high) - centre
    places = (normal.inv_cdf((i + 0.5) / _DRAWN) / end for i in range(_DRAWN))
    return tuple(
        math.exp(centre + place * (above if place > 0 else below)) for place in places
    )
