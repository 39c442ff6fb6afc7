"""Profiles as functions and as speedscope, and source maps, on ones made by hand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.project._running import Charged
from bench.project._source_map import SourceMap, _numbers
from bench.project.profile import flame, functions, speedscope

#  1 (root) -> 2 fetch -> 3 parse; -> 4 (idle), 5 (garbage collector)
TREE = [
    (1, "(root)", "", -1, [2, 4, 5]),
    (2, "fetch", "index.js", 4, [3]),
    (3, "", "index.js", 9, []),
    (4, "(idle)", "", -1, []),
    (5, "(garbage collector)", "", -1, []),
]


def profile(samples, us=1000):
    nodes = [
        {
            "id": i,
            "callFrame": {
                "functionName": name, "url": url, "lineNumber": line,
                "columnNumber": 0,
            },
            "children": kids,
        }
        for i, name, url, line, kids in TREE
    ]  # fmt: skip
    deltas = [0, *[us] * (len(samples) - 1)]
    return {"nodes": nodes, "samples": samples, "timeDeltas": deltas}


def test_functions_have_their_own_time_and_idle_is_none_of_it():
    found = functions(profile([2, 3, 3, 3, 4, 4, 5]), 2, "index.js", None)
    assert [(f["function"], f["source"], f["self_ms"]) for f in found] == [
        ("(anonymous)", "index.js:10", 1.5),
        ("fetch", "index.js:5", 0.5),
        ("(garbage collector)", "", 0.5),
    ]
    assert sum(each["share"] for each in found) == pytest.approx(1)


def test_a_flame_graph_has_the_stacks_and_their_own_time():
    found = flame(profile([1, 2, 3, 3, 3, 4, 5]), 2, "index.js", None)
    assert [(each["stack"], each["self_ms"]) for each in found] == [
        (["fetch index.js:5", "(anonymous) index.js:10"], 1.5),
        (["fetch index.js:5"], 0.5),
        (["(garbage collector)"], 0.5),
    ]


def test_speedscope_has_stacks_from_the_outermost():
    made = speedscope(profile([2, 3, 4]))
    [one] = made["profiles"]
    names = [frame["name"] for frame in made["shared"]["frames"]]
    stacks = [[names[i] for i in stack] for stack in one["samples"]]
    assert stacks == [["fetch"], ["fetch", "(anonymous)"]]
    assert one["weights"] == [1000, 1000]
    assert one["endValue"] == sum(one["weights"])


def encoded(*numbers):
    """Base64 VLQ, written the other way round from how it is read."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = ""
    for number in numbers:
        value = (-number << 1) | 1 if number < 0 else number << 1
        while True:
            digit, value = value & 31, value >> 5
            text += alphabet[digit | (32 if value else 0)]
            if not value:
                break
    return text


@given(st.lists(st.integers(-(2**31), 2**31), max_size=6))
def test_numbers_are_read_as_they_were_written(numbers):
    assert _numbers(encoded(*numbers)) == numbers


def mapped(tmp_path, mappings, sources=("../src/a.ts",)):
    (tmp_path / "out").mkdir()
    file = tmp_path / "out" / "index.js.map"
    made = {"version": 3, "sources": list(sources), "mappings": mappings}
    file.write_text(json.dumps(made))
    return SourceMap(file, tmp_path)


def test_a_place_is_the_last_one_that_begins_before_it(tmp_path):
    line = ",".join([encoded(2, 0, 6, 0), encoded(10, 0, 3, 0)])
    found = mapped(tmp_path, f";{line}")
    assert found.place(1, 5) == "src/a.ts:7"
    assert found.place(1, 12) == "src/a.ts:10"
    assert found.place(1, 0) is None
    assert found.place(0, 5) is None
    assert found.place(9, 5) is None
    assert found.place(-1, -1) is None


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("../src/a.ts", "src/a.ts"),
        ("../../../x/node_modules/hono/dist/hono.js", "node_modules/hono/dist/hono.js"),
        ("../../secret/place/b.ts", "b.ts"),
    ],
)
def test_a_source_is_named_without_folders_of_this_machine(source, name, tmp_path):
    found = mapped(tmp_path, encoded(0, 0, 0, 0), [source])
    assert found.place(0, 0) == f"{name}:1"


def event(kind, ctx, **other):
    return json.dumps({"e": kind, "ctx": ctx, **other}) + "\n"


def turn(ctx, spent):
    return event("turn", ctx, cause=0, start=0, locked=10, end=10 + spent)


def test_entry_points_are_charged_to_the_request_and_objects_are_not(tmp_path):
    """Contexts of the same Worker: its request, one inside it, an object, a trigger."""
    path = tmp_path / "trace.jsonl"
    text = event("ctx", 1, worker="trigger", actor=None)
    text += event("ctx", 2, worker="0", actor=None) + turn(2, 100)
    text += event("ctx", 3, worker="0", actor=None) + turn(3, 20) + turn(9, 5000)
    text += event("ctx", 4, worker="0", actor="ab") + turn(4, 7000)
    text += event("ctx_end", 3) + turn(2, 3) + event("ctx_end", 2)
    path.write_text(text)
    charged = Charged(path)
    assert charged.locked("0")[0] == 123
    charged.skip()
    with path.open("a") as stream:
        stream.write(event("ctx", 5, worker="0", actor=None))
        stream.write(turn(4, 600) + turn(5, 8) + event("ctx_end", 5))
    assert charged.locked("0")[0] == 8
    charged.close()
