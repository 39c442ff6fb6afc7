"""`bench parsers`, from bodies to the document."""

from __future__ import annotations

import json

import pytest
from workerd_support import needs_workerd

from bench import parsers as registry
from bench.errors import UserError
from bench.measure import first_parse, parsers
from bench.measure.compare import Budget
from bench.measure.parsers import Size
from bench.measure.turns import Pace
from bench.platform import limit_profile
from bench.progress import Progress
from bench.store import Run

TINY = Size(
    Budget(0, 1e-9, min_groups=2),
    Pace(3, 5, warm_seconds=0, block_seconds=0.05, least=1),
    sizes=(1_000, 4_000, 9_000),
    isolates=3,
)
CHOSEN = ("json", "orjson", "msgspec_typed")
FREE = limit_profile("free")
EMPTY = "import json\nRUNTIME='cpython'\nNOTE=''\nversion = lambda: '1'\n"


def measured(folder, given, names=CHOSEN, *, more=None, sized=False):
    modules = {name: registry.load()[name] for name in names} | (more or {})
    with (
        Run.create(
            folder, argv=[], seed=1, profile="quick", parameters={}, fixtures={}
        ) as run,
        Progress(quiet=True) as progress,
    ):
        return parsers.measure(
            run,
            given,
            None,
            profile="quick",
            limits=FREE,
            seed=1,
            progress=progress,
            sized=sized,
            modules=modules,
            size=TINY,
        )


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parsers") / "run"
    return measured(folder, parsers.bodies(None, []), sized=True)


def test_every_question_has_its_own_table_with_a_control(document):
    asked = {(table["mode"], table["fixture"]) for table in document["tables"]}
    main = "transcript.json"
    assert {(mode, main) for mode in registry.MODES} <= asked
    assert ("fields", "embedding_base64.json") in asked
    assert ("full", "transcript of 4 KB") in asked
    assert {table["n"] for table in document["tables"]} == {2}
    first = document["tables"][0]
    assert (first["mode"], first["fixture"]) == ("full", main)
    assert document["control"] == first["control"]
    assert first["control"]["low"] < first["control"]["high"]


def test_a_row_has_the_columns_that_others_rely_on(document):
    wanted = (
        "parser version mode fixture bytes correct cpu_us low high ratio ratio_low "
        "ratio_high error"
    )
    for row in document["rows"]:
        assert set(wanted.split()) <= set(row)
        assert row["error"] is None
        assert row["correct"]
        assert row["low"] < row["cpu_us"] < row["high"]
    answered = {(r["parser"], r["mode"]) for r in document["rows"]}
    assert ("msgspec_typed", "chunks") in answered
    assert ("msgspec_typed", "full") not in answered


def test_the_reference_is_once_itself_and_the_fastest_is_once_itself(document):
    rows = document["rows"]
    assert {row["ratio"] for row in rows if row["parser"] == "json"} == {1.0}
    for row in rows:
        if row["parser"] == row["fastest"]:
            assert row["vs_fastest"] == 1.0


def test_cost_by_size_and_switches_follow_from_the_sizes(document):
    costs = {(cost["parser"], cost["mode"]): cost for cost in document["costs"]}
    assert costs["json", "full"]["ns_per_byte"] > costs["orjson", "full"]["ns_per_byte"]
    assert costs["json", "full"]["largest_bytes"] == pytest.approx(9_000, rel=0.05)
    pairs = {(s["from"], s["to"], s["saves_ms"]) for s in document["switches"]}
    assert ("json", "orjson", 1.0) in pairs
    assert all(row["verdict"] for row in document["switches"])


def test_memory_is_read_at_the_largest_body_of_each_mode(document):
    weighed = {
        (row["mode"], row["fixture"])
        for row in document["rows"]
        if row["peak_bytes"] is not None and row["kind"] == "transcript"
    }
    assert ("full", "transcript.json, pretty") in weighed


def test_a_wrong_parser_has_an_error_and_no_number(tmp_path):
    from importlib.util import module_from_spec, spec_from_file_location

    file = tmp_path / "wrong.py"
    body = (
        "def reader(question):\n    return lambda body: {**json.loads(body), 'x': 1}\n"
    )
    file.write_text(EMPTY + body)
    spec = spec_from_file_location("wrong", file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    given = [parsers.bodies(None, [])[0]]
    found = measured(tmp_path / "run", given, ("json",), more={"wrong": module})
    full = {row["parser"]: row for row in found["rows"] if row["mode"] == "full"}
    assert full["json"]["cpu_us"] > 0
    assert full["wrong"]["cpu_us"] is None
    assert not full["wrong"]["correct"]
    assert "x" in full["wrong"]["error"]


def test_files_of_the_user_are_the_only_bodies(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"a": [1.5, "x"]}))
    (body,) = parsers.bodies(None, [file])
    assert (body.label, body.kind, body.modes) == ("mine.json", "other", ("full",))


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "\xff"])
def test_a_file_that_is_not_json_is_refused_by_name(tmp_path, text):
    file = tmp_path / "bad.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"bad\.json"):
        parsers.bodies(None, [file])


def test_two_files_of_one_name_are_refused(tmp_path):
    first, second = tmp_path / "a" / "x.json", tmp_path / "b" / "x.json"
    for file in (first, second):
        file.parent.mkdir()
        file.write_text("[]")
    with pytest.raises(UserError, match="rename"):
        parsers.bodies(None, [first, second])


def test_the_first_request_of_an_isolate_costs_more_than_a_later_one(tmp_path):
    needs_workerd()
    given = [parsers.bodies(None, [])[0]]
    found = measured(tmp_path / "run", given, ("json", "v8_json"))
    cold = {row["mode"]: row for row in found["cold"]}
    assert set(cold) == set(registry.MODES)
    assert cold["full"]["n"] == 3
    warm = next(
        row
        for row in found["rows"]
        if row["parser"] == "v8_json" and row["mode"] == "full"
    )
    assert cold["chunks"]["cpu_us"] > warm["cpu_us"]
    assert {row["phase"] for row in found["stories"]} == {"warm", "cold"}
    assert first_parse.RUNTIME == "workerd"
