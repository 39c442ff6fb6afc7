"""The workers of a Dask cluster as a sweep sees them: who they are and what they take.

Each new one is asked to introduce itself, and must have the code of the driver.
"""

from __future__ import annotations

from collections.abc import Sequence

from distributed import Client

from bench.errors import UserError
from bench.sweep.engines._dask_task import OTHER_CODE, Introduction, introduce


class Places:
    """What the workers of a cluster can take; ``look`` brings it up to date."""

    def __init__(self, client: Client, code: str) -> None:
        """``code`` is the hash that every worker must have too."""
        self._client = client
        self._code = code
        self._workers: dict[str, Introduction] = {}
        self._hosts: dict[str, str] = {}

    def look(self) -> None:
        """Meet who has joined and forget who has left.

        Raises UserError for a worker with other code, and when the scheduler has gone.
        """
        try:
            there = set(self._client.nthreads())  # type: ignore[no-untyped-call]
            new = there - set(self._workers)
            met = (
                self._client.run(introduce, workers=list(new), on_error="return")
                if new
                else {}
            )
        except (OSError, TimeoutError, ValueError) as error:
            raise UserError(
                f"the scheduler has gone ({error}); what had finished is kept",
                field="--scheduler",
                remedy="start it again, then run the same command, which goes on",
            ) from error
        self._workers = {name: self._workers[name] for name in there - new}
        for address, answer in met.items():
            self._meet(address, answer)

    def can(self, measures: bool) -> bool:
        """Whether some worker takes such a cell, now or when it is free."""
        return any(
            worker.measures if measures else worker.threads
            for worker in self._workers.values()
        )

    def free(self, flying: Sequence[bool], measures: bool) -> bool:
        """Whether one more cell has a place beside those that are ``flying``, each
        given by whether it measures."""
        workers = self._workers.values()
        if len(flying) >= sum(worker.threads for worker in workers):
            return False
        return not measures or sum(flying) < sum(worker.measures for worker in workers)

    def host(self, address: str) -> str:
        """Id of the machine of a worker that is or was there, blank for a stranger."""
        return self._hosts.get(address, "")

    def _meet(self, address: str, answer: Introduction | BaseException) -> None:
        if isinstance(answer, Introduction):
            if answer.code != self._code:
                raise refused(f"{address} ({answer.host})", OTHER_CODE)
            self._workers[address] = answer
            self._hosts[address] = answer.host
        elif not isinstance(answer, OSError):  # it has left meanwhile
            # What it was asked to do is not in its code, or is not what it is here.
            raise refused(address, f"{OTHER_CODE}: {answer}") from answer


def refused(worker: str, why: str) -> UserError:
    """The error for a ``worker`` that has not what the driver has."""
    return UserError(
        f"worker {worker} is refused: {why}",
        field="--scheduler",
        remedy="bring its checkout to the state of this one, `make run` there for the "
        "packages, and start it again; what had finished is kept",
    )
