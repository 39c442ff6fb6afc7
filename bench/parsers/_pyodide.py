"""Parsers in Pyodide, CPython compiled to WebAssembly. Not workerd: under Node.

A Python Worker is Pyodide in workerd, whose bundle comes from the network alone; the
same interpreter from its npm package under Node is what can be measured offline. V8 is
Node's, Python is Pyodide's, and there is no snapshot of memory.

What ``reader`` returns is Python source whose last expression is a function of bytes;
it may import the standard library and those modules of ``bench`` that need no more.
The body lies in Pyodide's memory before the clock starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

from bench.errors import BenchError
from bench.measure import affinity
from bench.measure.process import KEPT, TURN_SECONDS, Child, ChildError, Turn
from bench.parsers import Case, Question
from bench.parsers._answers import Outcome, reference, why_different
from bench.parsers._children import each
from bench.parsers._peak import added_by
from bench.parsers._travel import whole
from bench.paths import ROOT
from bench.workerd import tools
from bench.workerd.threads import Reading, Threads

_FOLDER = tools.MODULES / "pyodide"
_SCRIPT = Path(__file__).with_suffix(".mjs")
_OTHER = Question("full", "other")
_SEED = 1  # of processes in which nothing is timed
_BROKEN = b"["
_COMPILED_ONCE = ("--liftoff-only", "--no-opt", "--no-maglev")
_Cases = Mapping[str, Mapping[str, str]]  # source, mode, kind, file by case
_FLOORS = 21  # readings of the empty turn that its cost is the median of


class Pyodide(Child):
    """A subject of `bench.measure.turns`: Node with Pyodide, and the bodies in it.

    CPU is that of Node's main thread, read from outside, less an empty turn; ``extra``
    of a turn has the helper threads' CPU in ns. Raises BenchError where Node or
    Pyodide is not there.
    """

    def __init__(
        self,
        cases: _Cases,
        *,
        seed: int,
        flags: Sequence[str] = (),
    ) -> None:
        setup = {
            "pyodide": str(_folder()),
            "bench": str(ROOT / "bench"),
            "seed": str(seed % 2**32),
            "cases": dict(cases),
        }
        self.seed = seed
        self.cores = affinity.plan()
        self.startup_cpu_ns = 0
        self._process = subprocess.Popen(
            [str(tools.node()), *flags, str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what matters is in an answer, too
            env={key: os.environ[key] for key in KEPT if key in os.environ},
        )
        self._buffer = b""
        self._floors: deque[int] = deque(maxlen=_FLOORS)
        self.pid = self._process.pid
        self._threads = Threads(self.pid)
        affinity.pin(self.pid, self.cores.driving)
        self._send(setup)

    def ready(self) -> None:
        """Wait for Pyodide and move to the measuring core. Raises ChildError."""
        super().ready()
        for _ in range(_FLOORS):
            self._floor()

    def turn(self, case: str, n: int = 1) -> Turn:
        """Answer ``case`` n times. Raises ChildError."""
        self._floor()
        before = self._threads.now()
        began = time.perf_counter_ns()
        self._ask({"run": case, "n": n})
        wall = time.perf_counter_ns() - began
        after = self._settled()
        delay = None
        if after.run_delay is not None and before.run_delay is not None:
            delay = after.run_delay - before.run_delay
        spent = after.cpu - before.cpu - round(median(self._floors))
        extra = {"helpers": after.helpers - before.helpers}
        return Turn(case, n, max(spent, 1), wall, delay, extra)

    def answer(self, case: str) -> Any:
        """What `bench.parsers._pyodide_subject` says. Raises ChildError."""
        return json.loads(self._ask({"answer": case})["said"])

    def _floor(self) -> None:
        before = self._threads.now()
        self._ask({"run": "", "n": 0})
        self._floors.append(self._settled().cpu - before.cpu)

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        self._send(command)
        return self._receive(TURN_SECONDS)

    def _settled(self) -> Reading:
        try:
            return self._threads.settled()
        except ProcessLookupError:
            raise self._died() from None


def start(
    name: str, module: ModuleType, cases: Mapping[str, Case], *, seed: int
) -> Pyodide:
    """A fresh process that holds the bodies of ``cases``; ``ready`` waits for it.

    Raises BenchError where Node or Pyodide is not there.
    """
    return Pyodide(_told(name, module, cases), seed=seed)


def judge(name: str, module: ModuleType, cases: Mapping[str, Case]) -> dict[str, str]:
    """Case -> '', or why its answer is wrong, in words."""
    found = {}
    for case, said in _each(_told(name, module, cases)):
        if isinstance(said, ChildError):
            found[case] = f"crashed: {said}"
            continue
        state, tokens, why = said
        if state == "accepted":
            question, file = cases[case]
            expected = reference(question, file.read_bytes())
            different = why_different(expected, whole(tokens))
            found[case] = f"differs at {different}" if different else ""
        else:
            found[case] = f"raised {why}"
    return found


def outcomes(
    name: str, module: ModuleType, texts: Mapping[str, bytes]
) -> dict[str, Outcome]:
    """What becomes of each text when all of it is asked; {} where it never is."""
    if module.reader(_OTHER) is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        files = {text: Path(folder, str(n)) for n, text in enumerate(texts)}
        for text, file in files.items():
            file.write_bytes(texts[text])
        cases = {text: Case(_OTHER, file) for text, file in files.items()}
        found = _each(_told(name, module, cases))
        return {text: _outcome(said) for text, said in found}


def peak_bytes(name: str, module: ModuleType, case: Case, *, seed: int) -> int | None:
    """Resident memory that one answer adds to Node at its peak, in a fresh process that
    has refused a body before; None where it is not told.

    WebAssembly compiled once, because the compiler's own memory is no part of an
    answer; memory of Pyodide that lay free is not seen.
    """
    with tempfile.NamedTemporaryFile(prefix="workbench-") as broken:
        broken.write(_BROKEN)
        broken.flush()
        cases = {"asked": case, "refused": Case(case.question, Path(broken.name))}
        told = _told(name, module, cases)
        with Pyodide(told, seed=seed, flags=_COMPILED_ONCE) as process:
            try:
                process.ready()
                process.answer("refused")
                return added_by(lambda: process.turn("asked"), process.pid)
            except ChildError:
                return None


@cache
def version() -> str:
    """Versions of Python, Pyodide and Node. Raises BenchError where one is missing."""
    lock = json.loads((_folder() / "pyodide-lock.json").read_bytes())
    package = json.loads((_folder() / "package.json").read_bytes())
    node = subprocess.run(
        [str(tools.node()), "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    python = lock["info"]["python"]
    return f"{python} (Pyodide {package['version']}, Node {node.removeprefix('v')})"


def _folder() -> Path:
    if not (_FOLDER / "pyodide.mjs").is_file():
        raise BenchError(f"pyodide is not installed; run `{tools.INSTALL}`")
    return _FOLDER


def _told(name: str, module: ModuleType, cases: Mapping[str, Case]) -> _Cases:
    told = {}
    for case, (question, file) in cases.items():
        source = module.reader(question)
        if source is None:
            raise BenchError(f"{name} has no answer to {question.mode} of {file.name}")
        told[case] = {
            "source": source,
            "mode": question.mode,
            "kind": question.kind,
            "file": str(file),
        }
    return told


def _outcome(said: Any) -> Outcome:
    if isinstance(said, ChildError):
        return Outcome("crashed", why=str(said))
    state, tokens, why = said
    return Outcome(state, whole(tokens)) if tokens else Outcome("rejected", why=why)


def _each(cases: _Cases) -> Iterator[tuple[str, Any]]:
    return each(
        cases,
        lambda left: Pyodide(left, seed=_SEED),
        lambda process, case: process.answer(case),
    )
