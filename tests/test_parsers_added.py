"""Adding a parser is adding a file; a wrong one is caught, whatever it does."""

from __future__ import annotations

import importlib.util
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest
from test_parsers_conformance import TRANSCRIPT, cases_of

from bench.errors import BenchError
from bench.measure.turns import Member, Pace, groups
from bench.parsers import Case, Question, _hosts, load


def package(folder: Path, name: str, **sources: str) -> dict:
    """Parsers of a package with the given modules."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("")
    for module, text in sources.items():
        (folder / name / f"{module}.py").write_text(text)
    return load(name)


def parser(loads: str) -> str:
    """The source of a parser whose ``loads`` has this body."""
    return dedent("""
        import array, json, os, sys, threading, time
        from bench.parsers._objects import from_loads
        RUNTIME, NOTE = "cpython", "made for a test"
        def version():
            return "1"
        def loads(body):
            {}
        reader = from_loads(loads)
    """).format(loads)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Make a parser out of the body of its ``loads``."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str, loads: str):
        return package(tmp_path, f"parsers_{name}", mine=parser(loads))["mine"]

    return make


def test_adding_a_parser_is_adding_a_file(made):
    module = made("added", "return json.loads(body)")
    cases = cases_of(module, [TRANSCRIPT])
    host = _hosts.host(module)
    assert host.judge("mine", module, cases) == dict.fromkeys(cases, "")
    found = host.outcomes("mine", module, {"good": b"[1]", "bad": b"[1"})
    assert found["good"] == ("accepted", [1], "")
    assert found["bad"].state == "rejected"
    assert "JSONDecodeError" in found["bad"].why
    members = [
        Member(
            name,
            lambda seed, n=name, m=each: _hosts.host(m).start(n, m, cases, seed=seed),
            {case: case for case in cases},
        )
        for name, each in {"json": load()["json"], "mine": module}.items()
    ]
    pace = Pace(rounds=3, seconds=0.1, warm_seconds=0.05)
    with closing(groups(members, pace, seed=1)) as stream:
        group = next(stream)
    for case in cases:
        mine, reference = min(group.cpu("mine", case)), min(group.cpu("json", case))
        assert 0.2 < mine / reference < 5


def test_a_parser_need_not_lie_in_a_package(tmp_path):
    file = tmp_path / "json.py"  # the name of a library, too
    file.write_text(parser("return json.loads(body)"))
    spec = importlib.util.spec_from_file_location("loose", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cases = cases_of(module, [TRANSCRIPT])
    found = _hosts.host(module).judge("json", module, cases)
    assert found == dict.fromkeys(cases, "")


WRONG = {
    "rounds": (
        "return json.loads(body, parse_float=lambda text: float(text[:8]))",
        "instead of",
    ),
    "whole_numbers": (
        "return json.loads(body, parse_float=lambda t: "
        "int(float(t)) if float(t) % 1 == 0 else float(t))",
        "1 instead of 1.0",
    ),
    "sorts_keys": (
        "return json.loads(json.dumps(json.loads(body), sort_keys=True))",
        "another order",
    ),
    "loses_a_key": (
        "return {k: v for k, v in json.loads(body).items() if k != 'metadata'}",
        "$: lacks the key 'metadata'",
    ),
    "adds_an_item": (
        "whole = json.loads(body); whole['results']['channels'] *= 2; return whole",
        "$.results.channels: 2 items instead of 1",
    ),
    "a_proxy": (
        "import simdjson; return simdjson.Parser().parse(body)",
        "a Object instead of",
    ),
    "a_subclass": (
        "return type('Own', (dict,), {})(json.loads(body))",
        "a Own instead of",
    ),
    "right_once": (
        "loads.n = getattr(loads, 'n', 0) + 1; "
        "return json.loads(body) if loads.n == 1 else {}",
        "lacks the key",
    ),
    "raises": ("raise KeyError('oh')", "raised KeyError: 'oh'"),
    "gives_nothing": ("pass", "None instead of"),
    "dies": ("os._exit(3)", "crashed: a measured process ended with code 3"),
}


@pytest.mark.parametrize("label", WRONG)
def test_a_wrong_parser_is_caught(made, label):
    loads, why = WRONG[label]
    module = made(label, loads)
    case = Case(Question("full", "transcript"), TRANSCRIPT)
    found = _hosts.host(module).judge("mine", module, {"case": case})
    assert why in found["case"]


def test_a_wrong_word_is_caught_in_every_mode(made):
    module = made("words", "return json.loads(body.replace(b'you', b'yuo'))")
    cases = cases_of(module, [TRANSCRIPT])
    found = _hosts.host(module).judge("mine", module, cases)
    assert {case.partition("/")[0]: bool(why) for case, why in found.items()} == {
        "full": True,
        "fields": True,
        "first": False,  # nobody says "you" in the metadata
        "chunks": True,
    }


def test_what_one_body_does_to_a_parser_leaves_the_others_alone(made):
    module = made(
        "fragile", "return os.abort() if body[:1] == b'!' else json.loads(body)"
    )
    texts = {"a": b"[1]", "b": b"!", "c": b"[2]", "d": b"!", "e": b"[3"}
    found = _hosts.host(module).outcomes("mine", module, texts)
    states = {name: outcome.state for name, outcome in found.items()}
    assert states == {
        "a": "accepted",
        "b": "crashed",
        "c": "accepted",
        "d": "crashed",
        "e": "rejected",
    }
    assert found["b"].why.endswith("code -6")
    assert found["c"].value == [2]


def test_a_parser_that_cannot_be_imported_any_more_is_named_in_every_case(made):
    module = made("gone", "return json.loads(body)")
    Path(module.__file__).write_text("raise OSError('no such library')")
    cases = cases_of(module, [TRANSCRIPT])
    found = _hosts.host(module).judge("mine", module, cases)
    assert set(found) == set(cases)
    assert all("no such library" in why for why in found.values())


def test_too_much_memory_is_a_crash_and_not_the_end(made):
    module = made("greedy", "return [bytearray(2**32)] if body == b'!' else 1")
    found = _hosts.host(module).outcomes("mine", module, {"a": b"!", "b": b"1"})
    assert found["a"].state == "crashed"
    assert "GiB" in found["a"].why
    assert found["b"].value == 1


def test_only_this_parser_is_in_its_process(made):
    module = made("alone", "return sorted(sys.modules)")
    found = _hosts.host(module).outcomes("mine", module, {"": b""})[""].value
    libraries = {"orjson", "msgspec", "simdjson", "ujson", "rapidjson", "ijson"}
    assert not (libraries | {"polars", "numpy", "pandas"}) & set(found)


def test_cpu_of_threads_counts(made):
    module = made(
        "threaded",
        "thread = threading.Thread(target=burn); thread.start(); thread.join()",
    )
    burn = dedent("""
        def burn():
            until = time.thread_time() + 0.02
            while time.thread_time() < until:
                pass
    """)
    file = Path(module.__file__)
    file.write_text(file.read_text() + burn)
    case = Case(Question("full", "transcript"), TRANSCRIPT)
    with closing(
        _hosts.host(module).start("mine", module, {"case": case}, seed=1)
    ) as subject:
        subject.ready()
        assert subject.turn("case", 2).cpu >= 2 * 20_000_000


def test_memory_is_the_peak_of_one_answer(made):
    mib = 2**20
    module = made(
        "heavy",
        "if len(body) < 10: raise ValueError\n"
        f"    return len(bytearray(b'x') * {40 * mib}), bytearray(b'x') * {20 * mib}",
    )
    case = Case(Question("full", "transcript"), TRANSCRIPT)
    peak = _hosts.host(module).peak_bytes("mine", module, case, seed=1)
    if peak is None:
        pytest.skip("this system does not tell the peak of resident memory")
    # A little less where free memory lay ready for it.
    assert 39 * mib < peak < 50 * mib


def test_an_unknown_runtime_is_named(made):
    module = made("elsewhere", "return 1")
    module.RUNTIME = "abacus"
    with pytest.raises(BenchError, match=r"mine\.py: RUNTIME is 'abacus', not one of"):
        _hosts.host(module)


def test_a_file_without_its_four_names_is_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match=r"half\.py: .* must define version, reader"):
        package(tmp_path, "parsers_half", half="RUNTIME = NOTE = 'x'")
