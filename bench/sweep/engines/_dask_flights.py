"""The driver's end of a Dask cluster: hand out cells, take answers, try again.

One flight is one attempt at one cell. The loop never blocks on Dask for long, because
it also starts a local cluster's workers again and gives up when none is left.
"""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from distributed import CancelledError, Client, Future
from distributed.scheduler import KilledWorker

from bench.errors import BenchError, UserError
from bench.paths import private
from bench.sweep import _archive, _keys
from bench.sweep._cell import FAILED, LOST, Cell, Outcome
from bench.sweep.engines import Keep, Options
from bench.sweep.engines._dask_cluster import Cluster
from bench.sweep.engines._dask_places import Places, refused
from bench.sweep.engines._dask_task import Answer, inputs, perform

PATIENCE_S = 60.0
"""How long a sweep waits for a worker that can take one of its cells."""
_POLL_S = 0.5


@dataclass(slots=True)
class _Flight:
    cell: Cell
    attempt: int
    future: Future[Answer]
    started: float


class Flights:
    """All attempts of one sweep at its cells."""

    def __init__(
        self, client: Client, cluster: Cluster | None, options: Options, keep: Keep
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._options = options
        self._keep = keep
        self._code = _keys.code()
        self._places = Places(client, self._code)
        self._name = uuid.uuid4().hex[:8]  # others may use the scheduler too
        self._waiting: deque[tuple[Cell, int]] = deque()
        self._flying: dict[str, _Flight] = {}
        self._landed: queue.SimpleQueue[tuple[str, Answer | BaseException]]
        self._landed = queue.SimpleQueue()
        self._useful_at = time.monotonic()

    def run(self, cells: Sequence[Cell]) -> None:
        """Until each of ``cells`` is kept."""
        self._waiting.extend((cell, 1) for cell in cells)
        while self._waiting or self._flying:
            if self._cluster is not None:
                self._cluster.mend()
            self._places.look()
            self._hand_out()
            self._check_patience()
            try:
                key, answer = self._landed.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            self._land(self._flying.pop(key), answer)

    def cancel(self) -> None:
        """Forget all that is under way: workers end the cells that they are at."""
        futures = [flight.future for flight in self._flying.values()]
        self._client.cancel(futures)  # type: ignore[no-untyped-call]
        self._flying.clear()

    def _hand_out(self) -> None:
        while self._waiting:
            flying = [flight.cell.measures for flight in self._flying.values()]
            if not self._places.free(flying, self._waiting[0][0].measures):
                return
            self._start(*self._waiting.popleft())

    def _start(self, cell: Cell, attempt: int) -> None:
        key = f"sweep-{self._name}-{cell.key}-{attempt}"
        future = self._client.submit(
            perform,
            cell,
            attempt,
            self._code,
            inputs(cell),
            key=key,
            pure=False,
            resources={"measure": 1} if cell.measures else None,
        )
        self._flying[key] = _Flight(cell, attempt, future, time.monotonic())
        # A thread each: an answer can be lost with its worker while it is fetched, and
        # is then waited for until the cell has run again.
        threading.Thread(target=self._await, args=(future,), daemon=True).start()

    def _await(self, future: Future[Answer]) -> None:
        answer: Answer | BaseException
        try:
            answer = future.result()
        except BaseException as error:  # judged by the driver's thread
            answer = error
        self._landed.put((str(future.key), answer))

    def _land(self, flight: _Flight, answer: Answer | BaseException) -> None:
        if isinstance(answer, Answer):
            if answer.outcome is None:
                raise refused(answer.worker, answer.refusal)
            outcome, archive = answer.outcome, answer.archive
        else:
            outcome, archive = self._without_answer(flight, answer), b""
        flight.future.release()  # type: ignore[no-untyped-call]
        if outcome.status == LOST and outcome.attempts < self._options.attempts:
            self._waiting.append((flight.cell, outcome.attempts + 1))
            return
        folder = self._options.scratch / f"{flight.cell.key}-{outcome.attempts}"
        self._keep(flight.cell, _unpacked(outcome, archive, folder), folder)

    def _without_answer(self, flight: _Flight, error: BaseException) -> Outcome:
        """The outcome of an attempt whose worker did not answer with one."""
        seconds = round(time.monotonic() - flight.started, 3)
        lost = Outcome(flight.cell.key, LOST, "", seconds, "", flight.attempt)
        if isinstance(error, KilledWorker):
            return replace(
                lost,
                host=self._places.host(error.last_worker.address),
                error="its worker died",
                # A scheduler of the user's tries on its own, as often as it is set to.
                attempts=flight.attempt + error.allowed_failures,
            )
        if isinstance(error, CancelledError | OSError | TimeoutError):
            return replace(lost, error=f"its answer was lost: {_said(error)}")
        return replace(lost, status=FAILED, error=_said(error))

    def _check_patience(self) -> None:
        cells = [cell for cell, _ in self._waiting]
        cells += [flight.cell for flight in self._flying.values()]
        if not cells or any(self._places.can(cell.measures) for cell in cells):
            self._useful_at = time.monotonic()
        elif time.monotonic() - self._useful_at > PATIENCE_S:
            raise self._nobody()

    def _nobody(self) -> BenchError:
        if self._cluster is not None:
            return BenchError(f"no local worker starts\n{self._cluster.log()}".rstrip())
        any_there = self._places.can(False)
        return UserError(
            "no worker of the cluster offers the resource that measuring cells need"
            if any_there
            else f"the cluster has had no worker for {PATIENCE_S:g} s",
            field="--scheduler",
            remedy=f"start one on each host: dask worker {self._options.scheduler} "
            '--resources "measure=1"; then run the same command, which goes on',
        )


def _said(error: BaseException) -> str:
    return private(f"{type(error).__name__}: {error}".rstrip(": "))


def _unpacked(outcome: Outcome, archive: bytes, folder: Path) -> Outcome:
    """Fill the new ``folder``; the outcome, failed where that must not be done."""
    try:
        if archive:
            _archive.unpack(archive, folder)
    except _archive.ArchiveError as error:
        why = f"what it left cannot be unpacked: {error}"
        outcome = replace(outcome, status=FAILED, error=why)
    folder.mkdir(exist_ok=True)
    return outcome
