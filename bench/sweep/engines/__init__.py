"""One file an engine: adding a place for the cells of a sweep is adding a file here.

An engine module exports ``create(options) -> Engine`` and ``HELP``, one line that says
where its cells run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol

from bench import registry
from bench.sweep._cell import Cell, Outcome

Keep = Callable[[Cell, Outcome, Path], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What an engine is told.

    ``scratch`` is an empty folder of this machine, on the disk of the sweep, which is
    removed after it; ``attempts`` how often a cell is tried at most while it is lost;
    ``scheduler`` an address, for engines that have one; ``note`` tells the user why
    nothing happens for a while.
    """

    scratch: Path
    attempts: int
    scheduler: str | None = None
    note: Callable[[str], None] = lambda text: None


class Engine(Protocol):
    """Where cells run."""

    def run(self, cells: Sequence[Cell], keep: Keep) -> None:
        """Execute ``cells`` in the given order, as many at once as there are places.

        ``keep`` is called in the driver once an attempt has finished, with a folder
        of this machine that holds what the cell left; it moves it. A cell that was
        lost is tried again by the engine, and kept once it gives up. Whatever this
        raises, no process of a cell is left behind.
        """


def load() -> dict[str, ModuleType]:
    """Engine modules by name, in alphabetical order."""
    return registry.load(__name__, ("create", "HELP"))
