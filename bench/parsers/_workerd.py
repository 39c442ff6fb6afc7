"""Parsers in workerd: each in an isolate of its own process, measured from outside.

What ``reader`` returns is the TypeScript source of a function
``(body: Uint8Array) => value | Promise<value>``; lines that import may stand before it
(``entries/<name>`` lies beside ``looped.ts``, ``worker/<name>`` is the Worker's). The
body stands as the bytes of a request that has arrived. What turns them into a value is
counted, copying it into a Response and decoding UTF-8 included; the network is not.

A value travels to the driver as ``entries/flat.ts`` writes it, with all its numbers as
doubles, because JavaScript has no others: 1 and 1.0 cannot be told apart.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import cache
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import BenchError
from bench.parsers import Case, Question
from bench.parsers._answers import Outcome, plain, reference, why_different
from bench.parsers._peak import added_by
from bench.parsers._travel import whole
from bench.workerd import sandbox, tools
from bench.workerd.isolates import Isolates
from bench.workerd.loops import CaseError, Loops
from bench.workerd.process import WorkerdError

_OTHER = Question("full", "other")
_SEED = 1  # of processes in which nothing is timed
_BROKEN = b"["
_INTERPRETED = ("--no-opt", "--no-maglev")
# The Worker's names of what a turn has.
_NAMES = {"startMs": "start_ms", "endMs": "end_ms"}
_ENTRY = """\
import {{ flat }} from "entries/flat";
import {{ looped }} from "entries/looped";
{imports}

const shown = (value: unknown) => new Response(flat(value));

export default looped((env: Record<string, ArrayBuffer>) => {{
  const bodies = {names}.map((name) => new Uint8Array(env[name]));
  return {{
{cases}
  }};
}});
"""

# Case -> (how it is read, name of the binding that holds its body)
_Reads = Mapping[str, tuple[str, str]]


def start(
    name: str, module: ModuleType, cases: Mapping[str, Case], *, seed: int
) -> Loops:
    """A fresh process that holds the bodies of ``cases``; ``ready`` waits for it.

    Raises BenchError where workerd cannot run or a reader does not compile.
    """
    isolates = _isolates(*_asked(name, module, cases), measured=True)
    return Loops(lambda: isolates, seed=seed)


def fresh(name: str, module: ModuleType, case: Case, count: int) -> Isolates:
    """A process of ``count`` isolates that have answered nothing yet; the name of the
    case is empty. Raises as ``start``."""
    reads, bodies = _asked(name, module, {"": case})
    return _isolates(reads, bodies, measured=True, count=count)


def judge(name: str, module: ModuleType, cases: Mapping[str, Case]) -> dict[str, str]:
    """Case -> '', or why its answer is wrong, in words."""
    reads, bodies = _asked(name, module, cases)
    found = {}
    for case, said in _each(reads, bodies):
        if isinstance(said, CaseError):
            found[case] = f"raised {said.said}"
        elif isinstance(said, BenchError):
            found[case] = f"crashed: {said}"
        else:
            found[case] = _wrong(cases[case], said)
    return found


def outcomes(
    name: str, module: ModuleType, texts: Mapping[str, bytes]
) -> dict[str, Outcome]:
    """What becomes of each text when all of it is asked; {} where it never is."""
    source = module.reader(_OTHER)
    if source is None:
        return {}
    bodies = {f"body{n}": text for n, text in enumerate(texts.values())}
    reads = {text: (source, body) for text, body in zip(texts, bodies, strict=True)}
    return {text: _outcome(said) for text, said in _each(reads, bodies)}


def peak_bytes(name: str, module: ModuleType, case: Case, *, seed: int) -> int | None:
    """Resident memory that one answer adds to workerd at its peak, in a fresh process
    that has refused a body before; None where it is not told.

    Without V8's optimising compilers, whose own memory, 10 MB and more for a moment,
    is no part of an answer.
    """
    reads, bodies = _asked(name, module, {"": case})
    (source, _), refused = reads[""], "refused"
    reads = {**reads, refused: (source, refused)}
    bodies = {**bodies, refused: _BROKEN}
    isolates = _isolates(reads, bodies, measured=False, v8_flags=_INTERPRETED)
    with closing(Loops(lambda: isolates, seed=seed)) as loops:
        loops.ready()
        with suppress(CaseError):
            loops.turn(refused)
        try:
            return added_by(lambda: loops.turn(""), isolates.pid)
        except WorkerdError:
            return None


def version() -> str:
    """Versions of workerd and its V8. Raises BenchError where workerd cannot run."""
    _check()
    return f"{tools.version()} (V8 {tools.v8_version() or 'of unknown version'})"


def _check() -> None:
    reason = tools.unavailable()
    if reason is not None:
        raise BenchError(reason)


def _asked(
    name: str, module: ModuleType, cases: Mapping[str, Case]
) -> tuple[dict[str, tuple[str, str]], dict[str, bytes]]:
    """How each case is read, and the bodies, each once however often it is asked."""
    files = dict.fromkeys(case.file for case in cases.values())
    bindings = {file: f"body{n}" for n, file in enumerate(files)}
    reads = {}
    for case, (question, file) in cases.items():
        source = module.reader(question)
        if source is None:
            raise BenchError(f"{name} has no answer to {question.mode} of {file.name}")
        reads[case] = source, bindings[file]
    return reads, {body: file.read_bytes() for file, body in bindings.items()}


def _each(reads: _Reads, bodies: Mapping[str, bytes]) -> Iterator[tuple[str, Any]]:
    """(case, its answer made whole, or the error); a process that has ended is followed
    by a new one for the cases that are left.

    A reader that does not compile is an error of all of them.
    """
    _check()
    left = dict(reads)
    while left:
        try:
            isolates = _isolates(left, bodies, measured=False)
        except BenchError as error:
            yield from ((case, error) for case in left)
            return
        with closing(Loops(lambda: isolates, seed=_SEED)) as loops:  # noqa: B023
            loops.ready()
            for case in list(left):
                del left[case]
                try:
                    yield case, whole(json.loads(loops.answer(case)))
                except CaseError as error:
                    yield case, error
                except WorkerdError as error:
                    yield case, error
                    break


def _wrong(case: Case, answer: Any) -> str:
    question = case.question
    expected = reference(question, case.file.read_bytes())
    try:
        if question.mode == "chunks":
            answer = [{_NAMES.get(k, k): v for k, v in turn.items()} for turn in answer]
        found = plain(question, answer)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return f"gives what is no answer: {error}"
    why = why_different(expected, found, javascript=True)
    return f"differs at {why}" if why else ""


def _outcome(said: Any) -> Outcome:
    if isinstance(said, CaseError):
        return Outcome("rejected", why=said.said)
    if isinstance(said, BenchError):
        return Outcome("crashed", why=str(said))
    return Outcome("accepted", said)


def _isolates(
    reads: _Reads,
    bodies: Mapping[str, bytes],
    *,
    measured: bool,
    v8_flags: Sequence[str] = (),
    count: int = 1,
) -> Isolates:
    _check()
    sources = list(dict.fromkeys(source for source, _ in reads.values()))
    names = list(bodies)
    cases = [
        f"    {json.dumps(case)}: {{ run: () => read{sources.index(source)}"
        f"(bodies[{names.index(body)}]!), shown }},"
        for case, (source, body) in reads.items()
    ]
    entry = _ENTRY.format(
        imports="\n".join(
            f'import read{n} from "./read{n}";' for n in range(len(sources))
        ),
        names=json.dumps(names),
        cases="\n".join(cases),
    )
    module = _bundled(entry, tuple(map(_exported, sources)))
    folder = sandbox.write(module, count, data=bodies, v8_flags=v8_flags)
    return Isolates(folder, count, measured=measured)


def _exported(source: str) -> str:
    """A module whose default export is the function of ``source``."""
    lines = source.strip().splitlines()
    imports = list(takewhile(lambda line: line.startswith("import "), lines))
    function = "\n".join(lines[len(imports) :])
    return "\n".join([*imports, f"export default {function}"])


@cache
def _bundled(entry: str, readers: tuple[str, ...]) -> Path:
    """The module of ``entry``, made once a process."""
    folder = Path(tempfile.mkdtemp(dir=_folder().name))
    for number, reader in enumerate(readers):
        (folder / f"read{number}.ts").write_text(reader, encoding="utf-8")
    return sandbox.bundled(entry, folder)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="workbench-")
