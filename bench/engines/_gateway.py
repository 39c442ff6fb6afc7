"""A real Worker in front of a real engine: what a request costs it, and its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec
from numpy import asarray

from bench.engines import _history, postgres
from bench.engines._client import Running
from bench.engines._corpus import WANTED, Corpus, Floats
from bench.errors import BenchError
from bench.path.http import Request
from bench.workerd import bundle, project, sandbox, tools
from bench.workerd.isolates import Cost, Isolates

COMPLEX, LARGE = "rag_complex", "conversation_large"
"""The workloads, as `bench.workloads` names them."""
TIMEOUT_S = 10.0
K = 8
QUESTION, ANSWER = "What may be refunded, and until when? " * 5, "It depends. " * 75


class Answer(msgspec.Struct):
    """Ids in their order; calls made, bytes of the bodies sent and received in them."""

    ids: list[str]
    calls: int
    sent: int
    received: int


@dataclass(frozen=True)
class Gateway:
    """``running`` is seeded; ``module`` is the Worker; ``right`` the ids that each of
    the ``vectors`` finds. ``workloads`` are those that the engine serves."""

    running: Running
    module: Path
    corpus: Corpus
    vectors: Floats
    workloads: Sequence[str]
    fixtures: Mapping[str, str] = field(init=False)
    right: Mapping[int, Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Find out what is right: what the engine itself answers."""
        right = {
            place: [str(m.id) for m in self.running.query(vector, WANTED, K)]
            for place, vector in enumerate(self.vectors)
        }
        fixtures = {
            COMPLEX: f"{self.running.count}x{self.corpus.vectors.shape[1]}",
            LARGE: f"{_history.LONG_MESSAGES} messages",
        }
        object.__setattr__(self, "right", right)
        object.__setattr__(self, "fixtures", fixtures)

    def isolates(self, count: int, *, trace: bool = False) -> Isolates:
        """A process with ``count`` isolates of the Worker, to be started."""
        statements = _history.STATEMENTS | {
            "search": postgres.statement(len(WANTED.kinds))
        }
        folder = sandbox.write(
            self.module,
            count,
            endpoints={"outbound": self.running.outbound},
            variables={
                "FILTER": json.dumps(asdict(WANTED)),
                "STATEMENTS": json.dumps(statements),
                "TIMEOUT_S": str(TIMEOUT_S),
            },
        )
        return Isolates(folder, count, trace=trace)

    def cost(
        self, isolates: Isolates, isolate: int, workload: str, number: int
    ) -> tuple[Cost, Answer]:
        """What request ``number`` of ``workload`` costs, and its right answer.

        Raises BenchError where it is wrong, WorkerdError where there is none.
        """
        place = number % len(self.vectors)
        request, right = self._request(workload, place)
        cost, (status, body) = isolates.cost(isolate, request)
        if status != 200:
            raise BenchError(f"{workload}: {body.decode(errors='replace')[:300]}")
        answer = msgspec.json.decode(body, type=Answer)
        if answer.ids != right:
            raise BenchError(f"{workload}: {answer.ids} instead of {right}")
        return cost, answer

    def _request(self, workload: str, place: int) -> tuple[Request, Sequence[str]]:
        if workload == LARGE:
            limit = _history.LONG_MESSAGES
            turn = {"question": QUESTION, "answer": ANSWER, "now": 1_790_000_000}
            path = f"/conversation?id={_history.LONG}&limit={limit}"
            body = json.dumps(turn).encode()
            return Request("POST", path, {}, body), _history.long_ids()
        vector = asarray(self.vectors[place], dtype="<f4").tobytes()
        path = f"/{self.running.name}?k={K}"
        return Request("POST", path, {}, vector), self.right[place]


def build(folder: Path) -> Path:
    """The Worker's module, in ``folder``. Raises BenchError where it fails."""
    entry = bundle.ENTRIES / "gateway.ts"
    return bundle.build(project.load(tools.PROJECT), entry, folder / "gateway.mjs")
