"""The answer in words says no more than was measured."""

from __future__ import annotations

from typing import Any

import pytest

from bench.platform import limit_profile
from bench.verdict.answer import (
    FITS,
    NO_VERDICT,
    TOO_MUCH,
    UNSURE,
    against_all,
    driver,
    judged,
    measured,
    nearest,
    said,
    sentence,
    share,
)

FREE = limit_profile("free")
PLACE = {"runtime": "workerd", "phase": "warm", "workers": True}


def whole(invocation: str, cpu: float, **other: Any) -> dict[str, Any]:
    return {
        **PLACE,
        "invocation": invocation,
        "whole_cpu_ms": cpu,
        "low": 0.98 * cpu,
        "high": 1.02 * cpu,
        "verdict": "ok",
        **other,
    }


def document(**other: Any) -> dict[str, Any]:
    def stage(name: str, cpu: float, io: float) -> dict[str, Any]:
        row = {"invocation": "chat", "stage": name, "cpu_ms": cpu, "io_ms": io}
        return PLACE | row | other

    return {
        "rows": [stage("embed", 0.4, 0.1), stage("retrieve", 1.1, 0.5)],
        "invocations": [whole("ingest", 0.7, **other), whole("chat", 1.6, **other)],
    }


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [(1.0, FITS), (4.8, FITS), (5.0, UNSURE), (20.0, UNSURE), (21.0, TOO_MUCH)],
)
def test_a_verdict_holds_over_the_whole_range_of_the_transfer_factor(cpu, expected):
    assert said(whole("chat", cpu), FREE) == expected


@pytest.mark.parametrize("cpu", [0.001, 5.0, 1000.0])
def test_a_runtime_that_workers_does_not_use_gets_no_verdict(cpu):
    assert (
        said(whole("chat", cpu, runtime="cpython", workers=False), FREE) == NO_VERDICT
    )


def test_the_sentence_is_about_the_invocation_nearest_to_its_limit():
    text = sentence(document(), FREE)
    assert "one warm chat invocation uses 16 %" in text
    assert "1.60 ms [1.57, 1.63]" in text
    assert "8.0 % to 32 %" in text
    assert "so it fits; retrieve drives it with 1.10 ms, 69 % of that." in text


def test_time_under_the_lock_is_what_is_judged_where_it_is_known():
    """7 ms of CPU with 3 ms under the lock: Workers charges the 3."""
    row = whole("chat", 7.0, locked_ms=3.0, locked_low=2.9, locked_high=3.1)
    assert said(whole("chat", 7.0), FREE) == UNSURE
    assert said(row, FREE) == FITS
    assert share(row, FREE) == pytest.approx(0.3)
    data = document()
    data["invocations"] = [row]
    text = sentence(data, FREE)
    assert "uses 30 %: 3.00 ms [2.90, 3.10] under the isolate lock" in text
    assert "of 7.00 ms on its thread" in text
    assert "retrieve drives it with 0.600 ms, 20 % of that." in text


def test_the_runtime_of_workers_speaks_before_a_costlier_one():
    data = document()
    data["invocations"].insert(0, whole("chat", 50.0, runtime="cpython", workers=False))
    assert nearest(data, FREE, "warm")["runtime"] == "workerd"
    assert [row["workers"] for row in measured(data)] == [True, True, False]
    assert sentence(data, FREE).startswith("Of the 10 ms of CPU")


def test_elsewhere_the_sentence_tells_compute_from_the_client_and_judges_nothing():
    text = sentence(document(runtime="cpython", workers=False), FREE)
    assert "0.600 ms in the HTTP client" in text
    assert "1.00 ms of compute, of which retrieve is the largest part" in text
    assert "retrieve is the largest part with 0.600 ms (60 %)" in text
    assert "For scale: the limit is 10 ms (Workers Free)." in text
    assert text.startswith("In CPython, one warm chat invocation")
    assert "no verdict" in text
    assert "so it fits" not in text


def test_the_cold_cost_is_a_share_of_the_limit_only_where_a_verdict_is_possible():
    for workers, shared in ((True, True), (False, False)):
        data = document(workers=workers)
        data["invocations"].append(whole("chat", 4.0, phase="cold", workers=workers))
        text = sentence(data, FREE)
        assert "The first chat invocation of a fresh process costs 4.00 ms" in text
        assert ("40 % of 10 ms" in text) is shared


def test_warm_comes_first_and_a_verdict_needs_a_runtime_of_workers():
    data = {"invocations": [whole("chat", 9.0, phase="cold"), whole("chat", 1.0)]}
    assert [row["phase"] for row in measured(data)] == ["warm", "cold"]
    assert judged(data)
    assert not judged(document(workers=False))
    assert judged({}), "nothing measured is no reason to say so"


def test_doubts_come_first():
    doubtful = document()
    doubtful["invocations"][0]["verdict"] = "inconclusive"
    assert sentence(doubtful, FREE).startswith("Inconclusive for ingest warm workerd: ")


def test_nothing_measured_is_no_answer():
    assert "no answer" in sentence({"rows": [], "invocations": []}, FREE)


def test_driver_and_nearest_are_of_the_same_place():
    data = document()
    chat = nearest(data, FREE, "warm")
    assert chat is not None
    assert chat["invocation"] == "chat"
    assert driver(data, chat)["stage"] == "retrieve"
    assert nearest(data, FREE, "cold") is None


def test_every_profile_is_held_against_the_chosen_one_first():
    found = against_all(document(), limit_profile("paid-max"))
    assert found[0].profile.name == "paid-max"
    assert {each.profile.name for each in found} >= {"free", "article", "paid-default"}
