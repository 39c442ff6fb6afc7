"""JSON parsers in workerd: right answers, and wrong ones caught."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from workerd_support import needs_workerd

from bench import fixture_set
from bench.errors import BenchError
from bench.parsers import KINDS, Case, Question, _workerd, v8_json, v8_stream, v8_text
from bench.parsers._answers import kind_of
from bench.workerd.loops import Loops

PARSERS = {"v8_json": v8_json, "v8_text": v8_text, "v8_stream": v8_stream}
TRANSCRIPT = fixture_set.ROOT / "transcript.json"
EMBEDDING = fixture_set.ROOT / "embedding.json"
FULL = Question("full", "other")


@pytest.fixture(autouse=True)
def workerd():
    needs_workerd()


def cases_of(module, files):
    """Every question that ``module`` answers about ``files``."""
    questions = {
        file: [Question(mode, kind) for mode in KINDS[kind]]
        for file in files
        if (kind := kind_of(file.read_bytes()))
    }
    return {
        f"{question.mode}\t{file.name}": Case(question, file)
        for file, asked in questions.items()
        for question in asked
        if module.reader(question) is not None
    }


def a_parser(source):
    """A parser module with this reader, whatever it is asked."""
    return SimpleNamespace(RUNTIME="workerd", reader=lambda question: source)


def judge(source, mode, kind, file=TRANSCRIPT):
    case = Case(Question(mode, kind), file)
    return _workerd.judge("given", a_parser(source), {"case": case})["case"]


# --- answers -----------------------------------------------------------------------


@pytest.mark.parametrize("name", PARSERS)
def test_committed_bodies(name):
    module = PARSERS[name]
    cases = cases_of(module, sorted(fixture_set.ROOT.glob("*.json")))
    assert _workerd.judge(name, module, cases) == dict.fromkeys(cases, "")
    full = sum(case.question.mode == "full" for case in cases.values())
    assert (full == 0) == (name == "v8_stream")
    assert {case.question.mode for case in cases.values()} >= {
        *("fields", "first", "chunks")
    }


@pytest.mark.parametrize("name", PARSERS)
def test_recorded_bodies(real, name):
    module = PARSERS[name]
    folders = ("deepgram", "embeddings", "vectorize", "json")
    files = [file for each in folders for file in sorted((real / each).glob("*.json"))]
    cases = cases_of(module, files)
    assert _workerd.judge(name, module, cases) == dict.fromkeys(cases, "")
    assert len(cases) > 20


def test_ten_megabytes(tmp_path):
    recorded = json.loads(TRANSCRIPT.read_bytes())
    (best,) = recorded["results"]["channels"][0]["alternatives"]
    best["words"] *= 10_000_000 // len(json.dumps(best["words"])) + 1
    file = tmp_path / "large.json"
    file.write_bytes(json.dumps(recorded).encode())
    assert file.stat().st_size > 10_000_000
    for module, modes in ((v8_json, ["full"]), (v8_stream, ["first", "chunks"])):
        cases = {mode: Case(Question(mode, "transcript"), file) for mode in modes}
        assert _workerd.judge("large", module, cases) == dict.fromkeys(cases, "")


def test_a_stream_is_asked_only_for_a_part():
    kinds = [Question("full", kind) for kind in KINDS]
    assert [v8_stream.reader(question) for question in kinds] == [None] * len(KINDS)
    assert _workerd.outcomes("v8_stream", v8_stream, {"a": b"1"}) == {}
    with pytest.raises(BenchError, match="no answer to full"):
        _workerd.start("v8_stream", v8_stream, {"a": Case(FULL, TRANSCRIPT)}, seed=1)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("() => ({})", r"differs at \$: lacks the key 'metadata'"),
        ("() => { throw new RangeError('no\\n more') }", "raised RangeError: no more"),
        ("async () => { await 0; null.x; }", "raised TypeError: "),
        ("(body) => body.x.y", "raised TypeError: "),
    ],
)
def test_a_wrong_parser_is_told_what_is_wrong(source, says):
    assert re.match(says, judge(source, "full", "transcript"))


def test_an_answer_that_is_none_says_so():
    assert judge("() => [7]", "fields", "transcript").startswith("gives what is no")
    assert judge("() => ['x']", "fields", "embedding", EMBEDDING).startswith(
        "gives what is no"
    )
    assert judge("() => 7", "chunks", "transcript").startswith("gives what is no")


def test_a_parser_may_import_and_need_not_be_asynchronous():
    source = (
        'import { scan } from "worker/fields";\n'
        'import { turns } from "worker/transcript";\n'
        "(body: Uint8Array) => turns(scan(body, false))"
    )
    assert judge(source, "chunks", "transcript") == ""


def test_a_parser_that_does_not_compile_is_told_so():
    said = judge("(body => ", "full", "transcript")
    assert said.startswith("crashed: the Worker does not compile: ")
    found = _workerd.outcomes("given", a_parser("(body => "), {"a": b"1", "b": b"2"})
    assert [each.state for each in found.values()] == ["crashed", "crashed"]
    cases = {"a": Case(FULL, TRANSCRIPT)}
    with pytest.raises(BenchError, match="does not compile"):
        _workerd.start("given", a_parser("(body => "), cases, seed=1)


def test_a_parser_that_ends_the_process_leaves_the_others(monkeypatch):
    class Killed(Loops):
        def answer(self, case):
            if case == "bad":
                os.kill(self._isolates.pid, signal.SIGKILL)
            return super().answer(case)

    monkeypatch.setattr(_workerd, "Loops", Killed)
    texts = {"before": b"1", "bad": b"2", "after": b"3", "wrong": b"[3"}
    found = _workerd.outcomes("v8_json", v8_json, texts)
    assert list(found) == list(texts)
    states = [each.state for each in found.values()]
    assert states == ["accepted", "crashed", "accepted", "rejected"]
    assert "SIGKILL" in found["bad"].why
    assert (found["before"].value, found["after"].value) == (1, 3)
    cases = {name: Case(Question("first", "transcript"), TRANSCRIPT) for name in texts}
    judged = _workerd.judge("v8_json", v8_json, cases)
    assert judged.pop("bad").startswith("crashed: ")
    assert set(judged.values()) == {""}


def test_without_workerd_there_is_a_remedy(monkeypatch):
    monkeypatch.setattr(_workerd.tools, "unavailable", lambda: "run `install it`")
    for ask in (
        v8_json.version,
        lambda: _workerd.outcomes("v8_json", v8_json, {"a": b"1"}),
        lambda: _workerd.start("v8_json", v8_json, {}, seed=1),
    ):
        with pytest.raises(BenchError, match="install it"):
            ask()


# --- values on their way to the driver ---------------------------------------------

TEXTS = {
    b'{"a":-0,"b":[-0.0,0]}': {"a": -0.0, "b": [-0.0, 0.0]},
    b"[1e400,-1e400,1e21,123456789012345678901,5e-324]": [
        *(float("inf"), float("-inf"), 1e21, 123456789012345680000.0, 5e-324)
    ],
    b'["\\ud800","\\udc00x","\\ud83d\\ude00"]': ["\ud800", "\udc00x", "\U0001f600"],
    '["é 語 \u2028 \\u0000\\u001f\\u007f"]'.encode(): ["é 語 \u2028 \x00\x1f\x7f"],
    b'{"b":1,"a":2,"b":3}': {"b": 3.0, "a": 2.0},
    b'{"__proto__":{"x":1},"toString":null}': {
        "__proto__": {"x": 1.0},
        "toString": None,
    },
    b'{"":{"":[[],{},true,false,null]}}': {"": {"": [[], {}, True, False, None]}},
    b"\xef\xbb\xbf[1]": [1.0],
}


def test_values_travel_as_they_are():
    texts = {str(n): text for n, text in enumerate(TEXTS)}
    for module in (v8_json, v8_text):
        found = _workerd.outcomes("given", module, texts)
        for outcome, expected in zip(found.values(), TEXTS.values(), strict=True):
            assert outcome.state == "accepted"
            # repr tells -0.0 from 0.0, the order of keys, and float from int.
            assert repr(outcome.value) == repr(expected)


def test_depth_is_no_limit():
    depth = 100_000
    texts = {"deep": b"[" * depth + b"]" * depth, "objects": b'{"a":' * depth + b"1"}
    texts["objects"] += b"}" * depth
    found = _workerd.outcomes("v8_json", v8_json, texts)
    for outcome in found.values():
        levels, value = 0, outcome.value
        while isinstance(value, list | dict) and value:
            levels += 1
            value = value[0] if isinstance(value, list) else value["a"]
        assert (outcome.state, levels) in {("accepted", depth), ("accepted", depth - 1)}


def test_what_is_no_json_is_rejected_with_v8_s_words():
    texts = [
        b"",
        b"[1,]",
        b"nul",
        b"NaN",
        b"'a'",
        b"01",
        b'"\x01"',
        b"[1]x",
        b"{'a':1}",
    ]
    found = _workerd.outcomes("v8_json", v8_json, {str(t): t for t in texts})
    assert {each.state for each in found.values()} == {"rejected"}
    assert all(each.why.startswith("SyntaxError: ") for each in found.values())


# --- measured ----------------------------------------------------------------------


@pytest.mark.parametrize("name", PARSERS)
def test_turns_cost_cpu(name):
    cases = cases_of(PARSERS[name], [TRANSCRIPT])
    with closing(_workerd.start(name, PARSERS[name], cases, seed=7)) as subject:
        subject.ready()
        assert subject.seed == 7
        for case in cases:
            few, many = (subject.turn(case, n) for n in (1, 200))
            assert 0 < few.cpu < many.cpu
            assert set(many.extra) == {"helpers"}


def test_the_head_alone_needs_no_memory_for_the_rest(tmp_path):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of a process can be reset on Linux only")
    recorded = json.loads(TRANSCRIPT.read_bytes())
    recorded["results"]["channels"] *= 200
    file = tmp_path / "large.json"
    file.write_bytes(json.dumps(recorded).encode())
    case = Case(Question("first", "transcript"), file)
    all_of_it, head = (
        _workerd.peak_bytes("given", module, case, seed=1)
        for module in (v8_json, v8_stream)
    )
    assert all_of_it > file.stat().st_size
    assert head < all_of_it / 4
