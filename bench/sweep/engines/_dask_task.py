"""What a worker of a Dask cluster does for a sweep: introduce itself, execute a cell.

These functions run on other machines, in the code that is there; what they get and
give are plain values.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, UserError
from bench.measure import affinity
from bench.sweep import _archive, _cores, _keys, _paths, work
from bench.sweep._cell import FAILED, LOST, Cell, Outcome

if TYPE_CHECKING:
    from distributed import Worker


# Before this process steps aside: all that its cells may have.
_CORES = _cores.allowed()
OTHER_CODE = "its code, fixtures or locks are not those of this checkout"
OTHER_INPUT = "it has other files where these parameters name some:"


@dataclass(frozen=True, slots=True)
class Introduction:
    """A worker: its code, its machine, and how many cells it takes at once.

    ``measures`` of its ``threads`` may be cells that measure.
    """

    code: str
    host: str
    threads: int
    measures: int


@dataclass(frozen=True, slots=True)
class Answer:
    """How a cell ended on ``worker``, and the archive of what it left.

    ``outcome`` is None where the worker refuses, because it has not what the driver
    has; ``refusal`` says what.
    """

    worker: str
    outcome: Outcome | None
    archive: bytes = b""
    refusal: str = ""


def introduce(dask_worker: Worker) -> Introduction:
    """Who ``dask_worker``, given by Dask, is."""
    step_aside()
    state = dask_worker.state
    measures = int(state.total_resources.get("measure", 0))
    code = _keys.digest_of_code()
    return Introduction(code, _keys.host(), state.nthreads, measures)


def inputs(cell: Cell) -> dict[str, Any]:
    """Parameters of ``cell`` with the hash of each file, as it is on this machine.

    Raises UserError for a file that is not there.
    """
    return _paths.digests(cell.verb, cell.parameters, "", "parameters")


def perform(cell: Cell, attempt: int, code: str, wanted: dict[str, Any]) -> Answer:
    """Execute ``cell`` where this worker has the ``code`` and the inputs that are
    ``wanted``."""
    from distributed import get_worker

    worker, host = get_worker(), _keys.host()
    who = f"{worker.address} ({host})"
    refusal = _refusal(cell, code, wanted)
    if refusal:
        return Answer(who, None, refusal=refusal)
    try:
        # A worker that was killed leaves it; Dask removes it when the next one starts.
        place = worker.local_directory
        with tempfile.TemporaryDirectory(prefix="cell-", dir=place) as scratch:
            with _on_all_cores():
                outcome = work.execute(cell, Path(scratch), tick=_watch(worker))
            outcome, archive = _packed(replace(outcome, attempts=attempt), scratch)
    except OSError as error:
        why = f"the worker: {error.strerror or error}"
        outcome, archive = Outcome(cell.key, LOST, host, 0.0, why, attempt), b""
    return Answer(who, outcome, archive)


def step_aside() -> None:
    """Keep all threads of this process off the cores that measure, if there are others.

    What they start later begins there too, save the cells.
    """
    left = _CORES - {place.measuring for place in _cores.places(_CORES)}
    tasks = Path("/proc/self/task")
    for task in tasks.iterdir() if left and tasks.is_dir() else ():
        with contextlib.suppress(ProcessLookupError):
            affinity.pin(int(task.name), left)


@contextlib.contextmanager
def _on_all_cores() -> Iterator[None]:
    """Let what this thread starts have every core that the worker was given."""
    before = _cores.allowed()
    affinity.pin(0, _CORES)
    try:
        yield
    finally:
        affinity.pin(0, before)


def _watch(worker: Worker) -> Callable[[], None]:
    """Raises once the driver, or the scheduler for it, wants this cell no more: it was
    interrupted, or it is gone."""
    key = worker.get_current_task()

    def look() -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state != "executing":
            raise BenchError("nobody waits for this cell any more")

    return look


def _refusal(cell: Cell, code: str, wanted: dict[str, Any]) -> str:
    if _keys.digest_of_code() != code:
        return OTHER_CODE
    try:
        here = inputs(cell)
    except UserError as error:
        return error.message
    return "" if here == wanted else f"{OTHER_INPUT} {cell.parameters}"


def _packed(outcome: Outcome, folder: str) -> tuple[Outcome, bytes]:
    try:
        return outcome, _archive.pack(Path(folder))
    except _archive.ArchiveError as error:
        why = f"what it left cannot travel: {error}"
        return replace(outcome, status=FAILED, error=why), b""
