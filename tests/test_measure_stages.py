"""`bench stages` end to end, on real services and real processes, in tiny sizes."""

from __future__ import annotations

import json

import pytest

from bench import fixture_set, transcript
from bench.errors import UserError
from bench.measure import derive, sizes
from bench.measure.sizes import PhaseSize, Size
from bench.measure.stages import JOURNEY, measure
from bench.measure.turns import Pace
from bench.path import stages
from bench.runtimes import cpython
from bench.store import Run

PACE = Pace(rounds=4, seconds=2, warm_seconds=0.2)
TINY = Size(
    warm=PhaseSize(0, 1e-9, 3, PACE),
    cold=PhaseSize(0, 1e-9, 2),
    alone=PhaseSize(0, 1e-9, 1, PACE),
    profile_seconds=0.3,
)


class Silent:
    def step(self, label: str) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def body():
    return transcript.parse(fixture_set.read("transcript.json"), "transcript.json")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(sizes.SIZES, "quick", TINY)


def new_run(path):
    return Run.create(
        path, argv=[], seed=1, profile="quick", parameters={}, fixtures={}
    )


def go(run, body, phases=("cold", "warm")):
    return measure(
        run,
        transcript=body,
        runtimes=["cpython"],
        phases=list(phases),
        profile="quick",
        seed=1,
        progress=Silent(),
    )


@pytest.fixture(scope="module")
def journey(body, tmp_path_factory):
    """The folder of a sealed run of both phases, and its document."""
    folder = tmp_path_factory.mktemp("journey") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sizes.SIZES, "quick", TINY)
        with new_run(folder) as run:
            document = go(run, body)
            run.seal()
    return folder, document


def test_both_phases_of_the_whole_journey(journey):
    _, document = journey
    assert {
        (row["phase"], row["invocation"], row["stage"]) for row in document["rows"]
    } == {
        (phase, invocation, stage)
        for phase in ("cold", "warm")
        for invocation in JOURNEY
        for stage in stages(invocation)
    }
    for row in document["rows"]:
        assert row["error"] is None
        assert row["cpu_ms"] > 0
        assert row["low"] <= row["cpu_ms"] <= row["high"]
        assert row["io_ms"] >= 0
        assert (row["alone_ms"] is not None) == (row["phase"] == "warm")
    assert [total["phase"] for total in document["totals"]] == ["cold", "warm"]
    for total in document["totals"]:
        mine = [r for r in document["rows"] if r["phase"] == total["phase"]]
        explained = sum(r["cpu_ms"] for r in mine) + total["floor_cpu_ms"]
        # What a reader computes from the shown numbers is what is shown.
        assert explained / total["whole_cpu_ms"] - 1 == pytest.approx(total["closure"])


def test_a_sealed_run_has_profiles_and_sentinels_and_gives_its_document_again(journey):
    folder, document = journey
    sealed = Run.open(folder)
    names = {path.name for path in (folder / "profiles").iterdir()}
    assert {name.split(".", 1)[1] for name in names} == {
        "folded.txt",
        "html",
        "speedscope.json",
    }
    json.loads((folder / "profiles/cpython-chat-warm.speedscope.json").read_text())
    sentinel = sealed.samples().query("stage == 'sentinel'")
    assert set(sentinel["phase"]) == {"cold", "warm"}
    again = derive.document(sealed, JOURNEY)
    assert again["rows"] == document["rows"]
    assert again["totals"] == document["totals"]


def test_calls_cost_io_and_pure_stages_do_not(journey):
    _, document = journey
    warm = [row for row in document["rows"] if row["phase"] == "warm"]
    rows = {row["stage"]: row for row in warm}
    calling = {"auth", "rate_limit", "embed", "retrieve", "stream", "store", "upsert"}
    pure = {"parse_request", "validate", "assemble", "parse_transcript", "chunk"}
    assert all(rows[stage]["io_ms"] > 0 for stage in calling)
    assert all(rows[stage]["io_ms"] == 0 for stage in pure)


def test_finished_cells_are_not_measured_again(tiny, body, tmp_path, monkeypatch):
    with new_run(tmp_path / "run") as run:
        first = go(run, body, ["cold"])
        monkeypatch.setattr(cpython, "crew", None)
        assert go(run, body, ["cold"])["rows"] == first["rows"]


def test_a_runtime_that_fails_is_an_error_row_and_the_rest_goes_on(
    tiny, body, tmp_path, monkeypatch
):
    monkeypatch.setitem(cpython.SETUPS, "metered", "no_such_setup")
    with new_run(tmp_path / "run") as run:
        document = go(run, body, ["warm"])
        errors = [row for row in document["rows"] if row["error"]]
        assert [row["stage"] for row in errors] == ["in path"]
        assert "no_such_setup" in errors[0]["error"]
        assert errors[0]["cpu_ms"] is None
        # The other cells of the phase were measured all the same.
        assert (run.path / "profiles/cpython-chat-warm.html").exists()
        assert set(run.samples()["variant"]) == {"alone"}


def test_another_answer_has_no_number(tiny, body, tmp_path, monkeypatch):
    """Answer before clock: a wrong body is an error, whatever it costs."""
    from bench import runtimes

    real = runtimes._reference

    def altered(world, endpoints):
        expected = real(world, endpoints)
        return expected | {"chat": (200, b"something else")}

    monkeypatch.setattr(runtimes, "_reference", altered)
    with new_run(tmp_path / "run") as run:
        document = go(run, body, ["cold"])
    assert [row["error"] for row in document["rows"]] == [
        "ChildError: BenchError: chat answered 200, or with another body than expected"
    ]
    assert document["totals"] == []


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"runtimes": ["nosuch"]}, "runtimes"),
        ({"phases": ["hot"]}, "phases"),
        ({"phases": []}, "phases"),
        ({"profile": "nosuch"}, "profile"),
    ],
)
def test_bad_arguments_are_refused_before_anything_starts(
    body, tmp_path, monkeypatch, arguments, field
):
    monkeypatch.setattr("bench.services.start", None)
    wanted = {"runtimes": ["cpython"], "phases": ["warm"], "profile": "quick"}
    with new_run(tmp_path / "run") as run, pytest.raises(UserError) as caught:
        measure(run, transcript=body, seed=1, progress=Silent(), **wanted | arguments)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "name",
    [
        "call_diarized_first_112_words_18173.json",
        "docs_pretty_18769.json",
        "captions_dg_whisper_transcription.json",
    ],
)
def test_recorded_transcripts_are_measured_too(tiny, tmp_path, real, name):
    body = transcript.load(real / "deepgram" / name)
    with new_run(tmp_path / "run") as run:
        document = go(run, body, ["cold"])
    assert not any(row["error"] for row in document["rows"])
    assert len(document["totals"]) == 1
