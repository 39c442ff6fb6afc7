"""What is read out of V8's profiles and workerd's traces, on ones made by hand."""

from __future__ import annotations

import json
import threading

import pytest

from bench.errors import BenchError
from bench.path import stages
from bench.workerd import trace
from bench.workerd.profiling import by_stage, folded, functions
from bench.workerd.trace import Trace

#  1 (root) -> 2 invoke -> 3 embed -> 4 helper; -> 5 (program), 6 (idle), 7 (gc)
TREE = [
    (1, "(root)", [2, 5, 6, 7]),
    (2, "invoke", [3, 8]),
    (3, "embed", [4]),
    (4, "helper", []),
    (5, "(program)", []),
    (6, "(idle)", []),
    (7, "(garbage collector)", []),
    (8, "flush", [9]),
    (9, "saveTurn", []),
]


def profile(samples, deltas):
    nodes = [
        {"id": i, "callFrame": {"functionName": name, "url": "w.mjs"}, "children": kids}
        for i, name, kids in TREE
    ]
    return {"nodes": nodes, "samples": samples, "timeDeltas": deltas}


def test_every_stage_has_a_function_name():
    named = functions("chat")
    assert set(named.values()) == set(stages("chat"))
    assert named["loadConversation"] == "load_conversation"


def test_a_sample_counts_for_its_innermost_stage_until_the_next():
    made = profile([4, 3, 9, 8, 2, 7, 5, 6], [0, *[1000] * 7])
    assert by_stage(made, functions("chat")) == {
        "embed": 2.0,
        "save_turn": 1.0,
        "stream": 1.0,
        "other": 1.0,
        "garbage collector": 1.0,
        "outside JS": 1.0,
    }


def test_a_pause_without_samples_is_not_the_last_function_s_work():
    """No isolate is entered while the Worker waits: 9 ms between two samples."""
    made = profile([3, 3, 2, 3, 3], [0, 100, 9000, 100, 100])
    spent = by_stage(made, functions("chat"))
    assert spent["embed"] < 0.7
    assert spent["other"] == 0.1


def test_time_that_runs_backwards_counts_as_none():
    made = profile([3, 3, 3], [0, -500, 100])
    assert by_stage(made, functions("chat"))["embed"] >= 0


def test_folded_stacks_weigh_what_the_split_weighs():
    made = profile([4, 3, 9, 2, 6], [0, *[1000] * 4])
    lines = dict(line.rsplit(" ", 1) for line in folded(made).splitlines())
    assert lines == {
        "invoke;embed;helper": "1000",
        "invoke;embed": "1000",
        "invoke;flush;saveTurn": "1000",
        "invoke": "1000",
    }


def event(kind, ctx, **other):
    return json.dumps({"e": kind, "ctx": ctx, **other}) + "\n"


def request(ctx, worker, turns):
    """Trace lines of one request; ``turns`` are (name, ns under the lock)."""
    text = event("ctx", ctx, worker=worker)
    for number, (name, spent) in enumerate(turns):
        ident, at = 100 * ctx + number, 1000 * number
        text += event("init", ctx, id=ident, name=name)
        text += event(
            "turn", ctx, cause=ident, start=at, locked=at + 5, end=at + 5 + spent
        )
    return text + event("ctx_end", ctx)


def test_time_under_the_lock_is_summed_for_one_worker_s_request(tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text('{"e":"header","v":1}\n' + request(1, "0", [("old", 9999)]))
    follow = Trace(path)
    follow.skip()
    with path.open("a") as stream:
        stream.write(request(2, "trigger", [("fetch", 777)]))
        stream.write(request(3, "0", [("fetch", 40), ("kv_get", 2), ("fetch", 10)]))
    assert follow.locked("0") == (52, {"fetch": 50, "kv_get": 2})
    follow.close()


def test_the_end_is_waited_for_and_a_half_line_is_no_line(tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text("")
    follow = Trace(path)
    text = request(1, "0", [("fetch", 40), ("fetch", 2)])

    def write_slowly():
        for start in range(0, len(text), 37):
            with path.open("a") as stream:
                stream.write(text[start : start + 37])

    writer = threading.Thread(target=write_slowly)
    writer.start()
    assert follow.locked("0") == (42, {"fetch": 42})
    writer.join()
    follow.close()


def test_a_trace_without_an_end_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(trace, "_LIMIT_S", 0.05)
    path = tmp_path / "trace.jsonl"
    path.write_text(request(1, "0", [("fetch", 40)]).rpartition('{"e": "ctx_end"')[0])
    follow = Trace(path)
    with pytest.raises(BenchError, match="isolate 0 has no end"):
        follow.locked("0")
    follow.close()
