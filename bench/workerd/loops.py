"""Cases that an isolate runs many times within one request.

A call of some microseconds cannot be read from outside: what a request costs around it
is a hundred times more. So one request runs the case n times, and the same request with
n = 0 is subtracted. The counterpart inside the isolate is ``entries/looped.ts``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from statistics import median
from urllib.parse import quote

from bench.measure.process import Turn
from bench.path.http import Request
from bench.workerd.isolates import Isolates
from bench.workerd.process import WorkerdError

HEADER = "x-loops"
# Readings of the empty request that its cost is the median of.
_FLOORS = 21
_OK = 200
_SAID = 300  # characters of what a case threw


class CaseError(WorkerdError):
    """A case threw, or there is none of that name; ``said`` has the isolate's words."""

    def __init__(self, case: str, said: str) -> None:
        super().__init__(f"{case}: {said}")
        self.said = said


class Loops:
    """A subject of `bench.measure.turns`: the cases of the first isolate.

    ``less`` maps a case to another one whose cost is subtracted from it, such as what
    makes its input.
    """

    def __init__(
        self,
        start: Callable[[], Isolates],
        *,
        seed: int,
        less: Mapping[str, str] | None = None,
    ) -> None:
        self.seed = seed
        self.startup_cpu_ns = 0
        self._isolates = start()
        self._less = less or {}
        self._floors: deque[int] = deque(maxlen=_FLOORS)

    def ready(self) -> None:
        """Wait until the isolate listens, on the measuring core."""
        self._isolates.ready()
        for _ in range(_FLOORS):
            self._floor()

    def turn(self, case: str, n: int = 1) -> Turn:
        """Run ``case`` n times in one request; ``extra`` has the helpers' CPU in ns.

        Raises CaseError with what the case threw, WorkerdError where workerd ended.
        """
        # Once before the clock: the caches hold what another process used.
        self._said(case, self._isolates.ask(0, request(case, 1)))
        self._floor()
        spent, helpers, wall = self._net(case, n)
        if case in self._less:
            made, made_helpers, made_wall = self._net(self._less[case], n)
            spent, helpers = spent - made, helpers - made_helpers
            wall -= made_wall
        return Turn(case, n, max(spent, 1), max(wall, 1), None, {"helpers": helpers})

    def answer(self, case: str) -> bytes:
        """What ``case`` makes, as JSON. Raises as ``turn`` does."""
        return self._said(case, self._isolates.ask(0, request(case)))

    def close(self) -> None:
        """End the process; safe to call twice."""
        self._isolates.close()

    def _net(self, case: str, n: int) -> tuple[int, int, int]:
        cost, answer = self._isolates.cost(0, request(case, n))
        self._said(case, answer)
        return cost.cpu - round(median(self._floors)), cost.helpers, cost.wall

    def _floor(self) -> None:
        cost, _ = self._isolates.cost(0, request("", 0))
        self._floors.append(cost.cpu)

    @staticmethod
    def _said(case: str, answer: tuple[int, bytes]) -> bytes:
        status, body = answer
        if status != _OK:
            said = " ".join(body.decode(errors="replace").split())
            raise CaseError(case, said[:_SAID])
        return body


def request(case: str, n: int | None = None) -> Request:
    """The request that runs ``case`` n times, or that asks for its answer."""
    headers = {} if n is None else {HEADER: str(n)}
    return Request("GET", f"/{quote(case, safe='')}", headers, b"")
