"""Everything that the measured Workers need: hosts, data, and the compiled module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from bench.errors import BenchError
from bench.measure import affinity
from bench.offload import OPTIONS, Option, case, hosts
from bench.offload._index import question as asked
from bench.offload.questions import Question, ask, vectors
from bench.path.http import Request
from bench.services import Services
from bench.workerd import bundle, project, sandbox, tools
from bench.workerd.isolates import Cost, Isolates
from bench.world import NOW

TIMEOUT_S = 10.0
"""How long the Worker waits for a host."""
_PUT_AT_ONCE = 100


class Answer(msgspec.Struct):
    """What the Worker answers: ids in their order, bytes of bodies it sent and got."""

    ids: list[str]
    sent: int
    received: int


@dataclass(frozen=True)
class Scene:
    """Hosts that run and know ``questions``; ``module`` is the Worker; ``gpu`` says in
    a line which GPU the service has, or why it has none."""

    questions: Sequence[Question]
    services: Services
    module: Path
    gpu: str
    timeout_s: float = TIMEOUT_S
    cases: Mapping[str, tuple[Option, Question]] = field(init=False)

    def __post_init__(self) -> None:
        """Name the cases: every option at every size."""
        cases = {
            case(option.name, question.size): (option, question)
            for question in self.questions
            for option in OPTIONS.values()
        }
        object.__setattr__(self, "cases", cases)

    def isolates(self, count: int, *, trace: bool = False) -> Isolates:
        """A process with ``count`` isolates of the Worker, to be started."""
        dims = {question.dims: question.query for question in self.questions}
        folder = sandbox.write(
            self.module,
            count,
            data={
                f"QUERY_{size}": np.array(query, dtype="<f4").tobytes()
                for size, query in dims.items()
            },
            endpoints={"outbound": self.services.outbound},
            variables={
                "TENANT": self.questions[0].tenant,
                "TIMEOUT_S": str(self.timeout_s),
            },
        )
        return Isolates(folder, count, trace=trace)

    def cost(self, name: str, isolates: Isolates, isolate: int) -> tuple[Cost, Answer]:
        """What a request of the case ``name`` costs, and its answer, which is right.

        Raises BenchError where it is not, WorkerdError where there is none.
        """
        option, question = self.cases[name]
        path = f"/{option.name}?k={question.k}&dims={question.dims}"
        cost, (status, body) = isolates.cost(isolate, Request("GET", path, {}, b""))
        if status != 200:
            raise BenchError(f"{name}: {body.decode(errors='replace')[:300]}")
        answer = msgspec.json.decode(body, type=Answer)
        try:
            question.check(option, answer.ids)
        except BenchError as error:
            raise BenchError(f"{name}: {error}") from error
        return cost, answer

    def check(self, names: Sequence[str]) -> dict[str, str]:
        """What is wrong with which of the cases ``names``; nothing is timed."""
        wrong = {}
        try:
            with self.isolates(1) as isolates:
                for name in names:
                    try:
                        self.cost(name, isolates, 0)
                    except BenchError as error:
                        wrong[name] = str(error)
        except BenchError as error:
            return dict.fromkeys(names, str(error))
        return wrong


@contextmanager
def stage(
    grid: Sequence[tuple[int, int]], seed: int, *, timeout_s: float = TIMEOUT_S
) -> Iterator[Scene]:
    """Start the hosts on the driving cores, give them their data, compile the Worker.

    Raises BenchError where that fails.
    """
    with (
        hosts.start(set(affinity.plan().driving) or None) as running,
        tempfile.TemporaryDirectory(prefix="workbench-") as folder,
    ):
        questions = ask(grid, seed)
        fill(running, questions)
        module = Path(folder, "offload.mjs")
        clock = {"CLOCK_MS": str(round(NOW * 1000))}
        entry = bundle.ENTRIES / "offload.ts"
        bundle.build(project.load(tools.PROJECT), entry, module, clock)
        yield Scene(questions, running, module, hosts.info(running)["gpu"], timeout_s)


def fill(running: Services, questions: Sequence[Question]) -> None:
    """Let the index know its answers, and the service its vectors."""
    for each in questions:
        for values in (True, False):
            named = asked(each.k, each.dims, values=values)
            running.put(hosts.INDEX, {named: each.body(values=values)})
    held = vectors(questions)
    for start in range(0, len(held), _PUT_AT_ONCE):
        part = held[start : start + _PUT_AT_ONCE]
        running.put(hosts.RERANK, {"vectors": part})
