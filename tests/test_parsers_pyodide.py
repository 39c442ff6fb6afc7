"""Parsers in Pyodide under Node: right answers, measured from outside, offline."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from bench import fixture_set
from bench.errors import BenchError
from bench.measure.process import ChildError
from bench.parsers import KINDS, Case, Question, _pyodide, pyodide_json
from bench.parsers._answers import kind_of

TRANSCRIPT = fixture_set.ROOT / "transcript.json"
FULL = Question("full", "transcript")


@pytest.fixture(autouse=True)
def pyodide():
    try:
        _pyodide.version()
    except BenchError as error:
        pytest.skip(str(error))


def cases_of(files):
    return {
        f"{mode}\t{file.name}": Case(Question(mode, kind), file)
        for file in files
        if (kind := kind_of(file.read_bytes()))
        for mode in KINDS[kind]
    }


def a_parser(reader):
    return SimpleNamespace(RUNTIME="pyodide", reader=reader)


ADDS = "import json\ndef read(body):\n  return {**json.loads(body), 'x': 1}\nread"
WRONG = {
    Question("full", "vectorize"): (ADDS, "differs at $: has a key 'x'"),
    Question("fields", "vectorize"): ("lambda body: 7", "raised TypeError: "),
    Question("full", "embedding"): ("lambda body: {}['a']", "raised KeyError: 'a'"),
    Question("fields", "embedding"): ("lambda body: body.x", "raised AttributeError"),
}


def test_committed_bodies_and_wrong_parsers():
    def reader(question):
        return WRONG.get(question, (pyodide_json.reader(question), ""))[0]

    cases = cases_of(sorted(fixture_set.ROOT.glob("*.json")))
    judged = _pyodide.judge("some wrong", a_parser(reader), cases)
    assert list(judged) == list(cases)
    for name, (question, _) in cases.items():
        if question in WRONG:
            assert judged[name].startswith(WRONG[question][1])
        else:
            assert judged[name] == ""
    assert {case.question.mode for case in cases.values()} == set(KINDS["transcript"])


def test_recorded_bodies(real):
    folders = ("deepgram", "embeddings", "vectorize", "json")
    files = [file for each in folders for file in sorted((real / each).glob("*.json"))]
    cases = cases_of(files)
    judged = _pyodide.judge("pyodide_json", pyodide_json, cases)
    assert judged == dict.fromkeys(cases, "")
    assert len(cases) > 20


def test_values_travel_as_they_are_and_a_crash_is_no_end():
    depth = 100_000
    texts = {
        "integers": b"[1,1.0,-0,-0.0,9007199254740993,123456789012345678901234567890]",
        "constants": b'{"n":[NaN,Infinity,-Infinity,1e400]}',
        "half a pair": b'["\\ud800",{"":"\\u0000"}]',
        "no json": b"[1,]",
        "deep": b"[" * depth + b"]" * depth,
        "after it": b'{"b":1,"a":2,"b":3}',
    }
    found = _pyodide.outcomes("pyodide_json", pyodide_json, texts)
    assert list(found) == list(texts)
    integers = [1, 1.0, 0, -0.0, 9007199254740993, 123456789012345678901234567890]
    assert repr(found["integers"].value) == repr(integers)
    nan, *others = found["constants"].value["n"]
    assert math.isnan(nan)
    assert others == [math.inf, -math.inf, math.inf]
    assert found["half a pair"].value == ["\ud800", {"": "\0"}]
    assert found["no json"].state == "rejected"
    assert found["no json"].why.startswith("JSONDecodeError: ")
    # Today it is a crash; a Pyodide that copes would say so in one of two ways.
    assert found["deep"].state in {"crashed", "rejected", "accepted"}
    assert found["deep"].state != "crashed" or "stack" in found["deep"].why
    assert found["after it"].state == "accepted"
    assert repr(found["after it"].value) == "{'b': 3, 'a': 2}"


def test_turns_cost_the_main_thread_cpu():
    cases = cases_of([TRANSCRIPT])
    started = _pyodide.start("pyodide_json", pyodide_json, cases, seed=5)
    with closing(started) as subject:
        subject.ready()
        assert subject.seed == 5
        assert subject.startup_cpu_ns > 1e8
        for case in cases:
            few, many = (subject.turn(case, n) for n in (1, 40))
            assert 0 < few.cpu < many.cpu < 3 * many.wall
            assert (many.case, many.n, set(many.extra)) == (case, 40, {"helpers"})
        assert not psutil.Process(subject.pid).net_connections("inet")
        with pytest.raises(ChildError, match="gone"):
            subject.turn("gone", 1)
        with pytest.raises(ChildError, match="ended"):
            subject.turn(case, 1)
    # What was imported from the checkout has left nothing there.
    root = Path(_pyodide.__file__).parents[1]
    assert not list(root.rglob("*.cpython-314*"))


def test_a_source_that_is_no_python_is_an_error():
    case = Case(FULL, TRANSCRIPT)
    module = a_parser(lambda question: "def (")
    judged = _pyodide.judge("x", module, {"a": case, "b": case})
    assert set(judged) == {"a", "b"}
    assert all(said.startswith("crashed: SyntaxError") for said in judged.values())


def test_a_question_without_an_answer_is_an_error():
    assert pyodide_json.reader(Question("first", "other")) is None
    silent = a_parser(lambda question: None)
    case = Case(Question("first", "transcript"), TRANSCRIPT)
    with pytest.raises(BenchError, match="no answer to first"):
        _pyodide.start("x", silent, {"a": case}, seed=1)
    assert _pyodide.outcomes("x", silent, {"a": b"1"}) == {}


def test_memory_of_an_answer_is_read_from_outside(tmp_path):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of a process can be reset on Linux only")
    file = tmp_path / "large.json"
    file.write_bytes(b"[" + b'{"a":"some text"},' * 100_000 + b"1]")
    case = Case(Question("full", "other"), file)
    peak = _pyodide.peak_bytes("pyodide_json", pyodide_json, case, seed=1)
    # A hundred thousand dicts, however small, of 32-bit pointers.
    assert peak > 100_000 * 50


def test_without_pyodide_or_node_there_is_a_remedy(monkeypatch, tmp_path):
    _pyodide.version.cache_clear()
    monkeypatch.setattr(_pyodide, "_FOLDER", tmp_path)
    for ask in (
        pyodide_json.version,
        lambda: _pyodide.start("x", pyodide_json, {}, seed=1),
        lambda: _pyodide.judge("x", pyodide_json, {"a": Case(FULL, TRANSCRIPT)}),
    ):
        with pytest.raises(BenchError, match=r"not installed; run `python -m"):
            ask()
