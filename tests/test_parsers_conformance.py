"""What every JSON parser promises."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from workerd_support import needs_workerd

from bench import fixture_set, parsers
from bench.errors import BenchError
from bench.parsers import KINDS, Case, Question, _hosts, load
from bench.parsers._answers import kind_of

PARSERS = load()
QUESTIONS = [Question(mode, kind) for kind, modes in KINDS.items() for mode in modes]
BODIES = sorted(fixture_set.ROOT.glob("*.json"))
TRANSCRIPT = fixture_set.ROOT / "transcript.json"


def ready(module) -> None:
    """Skip, saying why, where the parser cannot run."""
    if module.RUNTIME == "workerd":
        needs_workerd()
    try:
        module.version()
    except BenchError as error:
        pytest.skip(str(error))


def cases_of(module, files: list[Path]) -> dict[str, Case]:
    """Every question about every file that the parser has an answer to."""
    found = {}
    for file in files:
        kind = kind_of(file.read_bytes())
        for mode in KINDS[kind]:
            question = Question(mode, kind)
            if module.reader(question) is not None:
                found[f"{mode}/{file.name}"] = Case(question, file)
    return found


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_says_what_it_is(name):
    module = PARSERS[name]
    assert module.__doc__
    assert module.RUNTIME in parsers.HOSTS
    assert len(module.NOTE.split()) > 3
    ready(module)
    assert any(letter.isdigit() for letter in module.version())


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_answers_something_and_says_none_to_the_rest(name):
    module = PARSERS[name]
    assert any(module.reader(question) is not None for question in QUESTIONS)
    assert module.reader(Question("fields", "other")) is None
    assert module.reader(Question("no such mode", "transcript")) is None


@pytest.mark.parametrize("name", PARSERS)
def test_every_answer_on_every_committed_body_is_right(name):
    module = PARSERS[name]
    ready(module)
    cases = cases_of(module, BODIES)
    assert cases
    found = _hosts.host(module).judge(name, module, cases)
    assert found == dict.fromkeys(cases, "")


def test_the_reference_answers_every_question():
    reference = PARSERS[parsers.REFERENCE]
    assert all(reference.reader(question) is not None for question in QUESTIONS)


def test_every_question_is_asked_of_a_committed_body():
    kinds = {kind_of(file.read_bytes()) for file in BODIES}
    assert kinds == set(KINDS)


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_gives_turns_and_its_memory(name):
    module = PARSERS[name]
    ready(module)
    host, cases = _hosts.host(module), cases_of(module, [TRANSCRIPT])
    case = next(iter(cases))
    with closing(host.start(name, module, cases, seed=1)) as subject:
        subject.ready()
        one, many = subject.turn(case, 1), subject.turn(case, 50)
    assert (one.n, many.n) == (1, 50)
    # Wall time has what the machine did meanwhile; CPU is of the subject alone.
    assert one.cpu < many.cpu
    assert one.wall > 0
    peak = host.peak_bytes(name, module, cases[case], seed=1)
    assert peak is None or 0 <= peak < 2**30


def sees_all(answer, body: bytes) -> bool:
    try:
        answer(body)
    except ValueError:
        return True
    return False


def test_who_stops_early_says_so():
    question = Question("first", "transcript")
    broken = TRANSCRIPT.read_bytes()[:-100] + b"?"
    for name, module in PARSERS.items():
        answer = module.reader(question)
        if module.RUNTIME == "cpython" and answer is not None:
            assert sees_all(answer, broken) != ("stops" in module.NOTE), name
