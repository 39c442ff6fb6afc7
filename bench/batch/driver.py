"""Executes the notebooks one after the other and keeps what each of them left.

One at a time, because they measure: two would see each other. A notebook that fails
keeps its executed copy, and the others go on.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.batch._outcome import DIED, FAILED, INTERRUPTED, KILLED, NOT_STARTED, OK
from bench.batch._process import NotebookProcess
from bench.batch._publish import publish
from bench.batch.parameters import NOTEBOOKS, measures, select, validate
from bench.errors import BenchError
from bench.paths import ROOT, folders_of, private
from bench.progress import Follower, Progress
from bench.store import Run

# Starting a kernel can fail by chance: parallel kernels collide on ports
# (nteract/papermill issue 511), and a process can be killed, by the system where memory
# runs out. The second attempt measures only what the first has not finished. A cell
# that failed is never tried again.
ATTEMPTS = 2
_AGAIN = {NOT_STARTED, DIED, KILLED}
LIMIT_S = 3600.0


class NotebookError(BenchError):
    """A notebook did not run to its end."""


@dataclass(frozen=True, slots=True)
class NotebookResult:
    """How a notebook ended: ``ok``, ``failed`` or ``interrupted``.

    ``output`` is the executed copy relative to the run, None when not even its first
    cell was reached; ``error`` says what went wrong.
    """

    name: str
    status: str
    seconds: float
    output: str | None
    error: str | None


def run_batch(
    run: Run,
    parameters: dict[str, Any],
    *,
    selected: list[str] | None = None,
    progress: Progress,
    folder: Path = NOTEBOOKS,
    limit_s: float = LIMIT_S,
) -> list[NotebookResult]:
    """Execute the notebooks of ``folder``, or the ``selected`` ones, in ``run``.

    Each gets the parameters that it declares; paths in them count from the checkout.
    Raises UserError before anything starts for an unknown notebook or parameter. A
    notebook over ``limit_s`` seconds is ended and has failed. An interruption ends
    the batch: its notebook is ``interrupted`` and the last in the list.
    """
    paths = select(selected, folder)
    given = validate(parameters, paths)
    results: list[NotebookResult] = []
    for place, path in enumerate(paths):
        run.notebook(path.stem, "running", 0.0, None)

        def show(fraction: float, label: str, done: int = place) -> None:
            progress.at((done + fraction) / len(paths), label)

        result = _execute(run, path, given[path.stem], limit_s, show)
        run.notebook(result.name, result.status, result.seconds, result.output)
        if result.status == FAILED:
            run.record_error(NotebookError(result.error), notebook=result.name)
        results.append(result)
        if result.status == INTERRUPTED:
            break
    return results


def _execute(
    run: Run,
    path: Path,
    parameters: dict[str, Any],
    limit_s: float,
    show: Callable[[float, str], None],
) -> NotebookResult:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        status, error, executed = "", "", Path(folder)
        try:
            for attempt in range(ATTEMPTS):
                scratch = Path(folder, str(attempt))
                scratch.mkdir()
                executed = scratch / "executed.ipynb"
                status, error = _attempt(run, path, parameters, scratch, limit_s, show)
                if status not in _AGAIN:
                    break
        except KeyboardInterrupt:
            status, error = INTERRUPTED, "interrupted by the user"
        if status not in {OK, FAILED, INTERRUPTED}:
            status, error = FAILED, f"{status}: {error}"
        error = private(error, hide=folders_of(parameters))
        output = None
        if executed.is_file():
            output = publish(run, path.stem, executed, parameters, error)
    seconds = time.monotonic() - start
    return NotebookResult(path.stem, status, seconds, output, error or None)


def _attempt(
    run: Run,
    path: Path,
    parameters: dict[str, Any],
    scratch: Path,
    limit_s: float,
    show: Callable[[float, str], None],
) -> tuple[str, str]:
    show(0.0, path.stem)
    process = NotebookProcess(
        _relative(path),
        parameters,
        _relative(run.path),
        scratch,
        forked=not measures(path, parameters),
    )
    reports = Follower(process.progress)

    def tick() -> None:
        state = reports.latest()
        if state is not None:
            show(state.fraction, f"{path.stem}: {state.label}")

    return process.wait(limit_s, tick)


def _relative(path: Path) -> Path:
    # The process runs in the checkout, and executed notebooks store their paths.
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.absolute()
