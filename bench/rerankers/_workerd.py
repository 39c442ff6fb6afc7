"""Re-rankers in workerd: each in an isolate of a process of its own.

What ``ranker(input)`` returns is the TypeScript source of a module that exports
``ranker``, a ``Ranker`` of ``bench/workerd/entries/reranking.ts``, and may import from
there, as ``entries/<name>``. It is given ArrayBuffer for ``json`` and ``float32``, text
for ``base64``, and matches for ``lists`` and ``fresh``. A re-ranker with the name
``WASM`` brings WebAssembly: bytes by the name that its source imports them by.

Values are ``fresh`` when the request before the measured one has parsed them: what an
isolate holds outlives a request. (Parsing and ranking together, less parsing alone,
would be the difference of two numbers that are twenty times as large.)
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import ModuleType

from bench.errors import BenchError
from bench.measure.process import Turn
from bench.path import wire
from bench.rerankers import Case, Ranking
from bench.rerankers._jobs import Job, job
from bench.rerankers._judge import judged
from bench.workerd import sandbox, tools
from bench.workerd.isolates import Isolates
from bench.workerd.loops import Loops
from bench.workerd.process import WorkerdError

_SEED = 1  # of processes in which nothing is timed
_COMPILED_S = 0.05
_PARSED = ", parsed"  # as reranking.ts names the case
_BINDINGS = {
    "lists": "response",
    "fresh": "response",
    "json": "response",
    "float32": "float32",
    "base64": "base64",
}


def entry(file: str, **exports: str) -> Callable[[str], str | None]:
    """``ranker`` of a module whose code is ``bench/workerd/entries/<file>.ts``.

    ``exports`` say by input which name of it is the ranker.
    """

    def ranker(given: str) -> str | None:
        name = exports.get(given)
        if name is None:
            return None
        return f'export {{ {name} as ranker }} from "entries/{file}";\n'

    return ranker


def version() -> str:
    """The version of workerd, which V8 is a part of. Raises BenchError without it."""
    return f"workerd {tools.version()}"


def start(
    name: str, module: ModuleType, cases: Mapping[str, Case], *, seed: int
) -> Rankings:
    """A fresh process whose isolate holds the jobs of ``cases``; a turn is n rankings.

    Raises BenchError where the source does not compile.
    """
    folder = _folder(module, cases)
    fresh = {key for key, case in cases.items() if case.input == "fresh"}
    return Rankings(lambda: Isolates(folder, 1), seed, list(cases), fresh)


class Rankings(Loops):
    """The cases of an isolate, ``fresh`` those whose values a request parses, once for
    each ranking, before the one that counts."""

    def __init__(
        self,
        start: Callable[[], Isolates],
        seed: int,
        cases: Sequence[str],
        fresh: Collection[str],
    ) -> None:
        super().__init__(start, seed=seed)
        self._cases, self._fresh = cases, fresh

    def ready(self) -> None:
        """Wait until the isolate listens; prepare every case and let V8 compile it.

        A first turn that prepares would tell nothing of how many rankings fill one.
        """
        super().ready()
        for case in self._cases:
            until, n = time.monotonic() + _COMPILED_S, 1
            while time.monotonic() < until:
                self.turn(case, n)
                n *= 2

    def turn(self, case: str, n: int = 1) -> Turn:
        """n rankings of ``case``. Raises WorkerdError with what it threw."""
        if case in self._fresh:
            super().turn(f"{case}{_PARSED}", n)
        return super().turn(case, n)


def judge(name: str, module: ModuleType, cases: Mapping[str, Case]) -> dict[str, str]:
    """Case -> '', or why its ranking is wrong, in words."""
    try:
        folder = _folder(module, cases)
        with closing(Loops(lambda: Isolates(folder, 1), seed=_SEED)) as running:
            running.ready()
            return {key: _judged(running, key, case) for key, case in cases.items()}
    except BenchError as error:
        return dict.fromkeys(cases, str(error))


def _judged(running: Loops, key: str, case: Case) -> str:
    try:
        found = json.loads(running.answer(key))
        order = [int(place) for place in found["order"]]
        ranking = Ranking(order, [float(score) for score in found["scores"]])
    except WorkerdError as error:
        return str(error)
    except (LookupError, TypeError, ValueError) as error:
        return f"answers no ranking: {type(error).__name__}: {error}"
    return judged(case, [ranking])


def _folder(module: ModuleType, cases: Mapping[str, Case]) -> Path:
    """The configuration of the process, with the cases' jobs as bindings."""
    data: dict[str, bytes] = {}
    bound: dict[tuple[int, int, Path | None], str] = {}
    wanted = []
    for key, (k, dims, form, file) in cases.items():
        prefix = bound.setdefault((k, dims, file), f"job{len(bound)}")
        wanted.append({"name": key, "input": form, "job": prefix})
    for own, prefix in bound.items():
        made = job(*own)
        data[f"{prefix}.job"] = _told(made)
        forms = {each["input"] for each in wanted if each["job"] == prefix}
        data |= {f"{prefix}.{_BINDINGS[form]}": _body(made, form) for form in forms}
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        source = _entry(module, wanted, Path(folder))
        built = sandbox.bundled(source, Path(folder))
        return sandbox.write(built, data=data, wasm=getattr(module, "WASM", None))


def _told(made: Job) -> bytes:
    """A job without its values: ``Job`` of reranking.ts."""
    matches = wire.loads(made.response_without_values)["matches"]
    return wire.dumps(
        {
            "query": made.query,
            "matches": [match | {"values": []} for match in matches],
            "tenant": made.tenant,
            "now": made.now,
        }
    )


def _body(made: Job, form: str) -> bytes:
    if form == "base64":
        return made.base64.encode("ascii")
    return made.buffer if form == "float32" else made.response


def _entry(
    module: ModuleType, wanted: Sequence[Mapping[str, str]], folder: Path
) -> str:
    """Source of the isolate; the rankers' own lies beside it in ``folder``."""
    lines = [
        'import { looped } from "entries/looped";',
        'import { cases } from "entries/reranking";',
    ]
    for form in sorted({each["input"] for each in wanted}):
        source = module.ranker(form)
        if source is None:
            raise BenchError(f"{module.__file__}: cannot rank {form}")
        (folder / f"{form}.ts").write_text(source, encoding="utf-8")
        lines.append(f'import {{ ranker as {form} }} from "./{form}";')
    listed = ", ".join(
        f"{{ ...{json.dumps(each)}, ranker: {each['input']} }}" for each in wanted
    )
    lines.append(f"export default looped((env) => cases(env, [{listed}]));\n")
    return "\n".join(lines)
