"""One phase of a measurement: groups until they tell enough, or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import count
from typing import Any, TypeVar

from bench.errors import BenchError, UserError
from bench.measure.sizes import PhaseSize, late

Row = dict[str, Any]
Group = TypeVar("Group")


def until_known(
    source: Generator[Group],
    size: PhaseSize,
    keep: Callable[[int, Group], list[Row]],
    width: Callable[[Sequence[Row]], float],
    *,
    first: int = 0,
    on_group: Callable[[int], None],
    ended: Callable[[], bool] = lambda: False,
) -> tuple[list[Row], BenchError | None]:
    """Rows that ``keep`` made of the groups, and the error that ended them early.

    ``keep`` is told how many groups there were before. There are ``size.min_groups``
    with the ``first`` of an earlier attempt, and more until ``width`` of the rows is
    the target or time is up; ``ended`` says before each group that no more is worth
    while. ``source`` is closed. An error of the user's is raised.
    """
    rows: list[Row] = []
    began = time.monotonic()
    try:
        with closing(source):
            for done in count():
                if ended():
                    break
                if first + done >= size.min_groups:
                    spent = time.monotonic() - began
                    if late(spent, done, size.seconds) or (
                        width(rows) <= size.target_width
                    ):
                        break
                on_group(done + 1)
                rows += keep(done, next(source))
    except UserError:
        raise
    except BenchError as error:
        # What was measured before counts.
        return rows, error
    return rows, None
