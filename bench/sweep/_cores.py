"""Places to measure: pairs of cores, and the locks that keep two cells apart.

A cell that measures has one process on the core that it is given and the driver,
services and starting processes of its verb on others (``bench.measure.affinity``).
Those cost time of the measured requests too, so a place is a pair of physical cores
that nobody else is given, and siblings of the measuring core stay empty. Two cores are
one place, and then nothing runs beside it: an analysis would take the core from the
services. Sweeps that know nothing of each other meet at a lock file for each core.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Place:
    """``cores`` of one cell, of which ``measuring`` is the last; its siblings belong to
    the place and are in neither. None and no cores where the system cannot pin.
    """

    measuring: int | None
    cores: frozenset[int]
    owned: frozenset[int]


def allowed() -> frozenset[int]:
    """Cores that this process may use; none where the system does not tell."""
    if not hasattr(os, "sched_getaffinity"):
        return frozenset()
    return frozenset(os.sched_getaffinity(0))


def places(cores: frozenset[int]) -> list[Place]:
    """Every place that ``cores`` have, at least one."""
    if not cores:
        return [Place(None, cores, cores)]
    physical = _physical(cores)
    if len(physical) == 1:
        return [Place(max(cores), cores, cores)]
    # A verb measures on the last of its cores, so a pair is in ascending order.
    pairs = zip(physical[::2], physical[1::2], strict=False)
    return [
        Place(max(high), frozenset({max(high), *low}), low | high)
        for low, high in pairs
    ]


def rest(cores: frozenset[int], taken: list[Place]) -> frozenset[int]:
    """Cores that no place has."""
    return cores - {core for place in taken for core in place.owned}


class Hold:
    """The locks of one place; ``handles`` may be handed to the process that uses it,
    so that they outlive a driver which is killed for as long as that runs."""

    def __init__(self, handles: list[int]) -> None:
        """Use ``hold`` instead."""
        self.handles = handles

    def release(self) -> None:
        """Let go; a process that has the handles still holds the place."""
        for handle in self.handles:
            os.close(handle)
        self.handles = []


def hold(place: Place) -> Hold | None:
    """Take the locks of ``place``, all or none; None where another process has one."""
    taken = Hold([])
    for core in [str(core) for core in sorted(place.owned)] or ["all"]:
        path = Path(tempfile.gettempdir(), f"workbench-core-{core}.lock")
        handle = _opened(path)
        taken.handles.append(handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            taken.release()
            return None
    return taken


def _opened(path: Path) -> int:
    """A handle to lock: read-only is enough, also where another user made the file."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        # Linux lets nobody create what is another user's in a folder of all.
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o644)


@contextmanager
def holding(
    measuring: int | None, tick: Callable[[], None] = lambda: None
) -> Iterator[tuple[Place, Hold]]:
    """A place of this machine, the one with core ``measuring`` or any; waits for it,
    and calls ``tick``, which may raise, meanwhile."""
    every = places(allowed())
    mine = [each for each in every if measuring in {None, each.measuring}]
    held = None
    while held is None:
        for place in mine or every:
            held = hold(place)
            if held is not None:
                break
        else:
            time.sleep(POLL_S)
            tick()
    try:
        yield place, held
    finally:
        held.release()


def _physical(cores: frozenset[int]) -> list[frozenset[int]]:
    """Logical cores by the physical one that they share, the lowest first."""
    groups: dict[str, set[int]] = {}
    for core in cores:
        path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
        try:
            siblings = path.read_text(encoding="ascii").strip()
        except OSError:
            siblings = str(core)
        groups.setdefault(siblings, set()).add(core)
    return sorted(map(frozenset, groups.values()), key=max)
