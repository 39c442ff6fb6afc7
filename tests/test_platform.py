"""Limit profiles: data with sources, found by name, refused with a remedy."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UserError
from bench.platform import DEFAULT, limit_profile, limit_profiles

NAMES = list(limit_profiles())


def test_the_documented_cpu_limits():
    # Cloudflare docs, Workers limits, 2026-07-28: 10 ms, 30 s by default, 5 minutes.
    cpu = {name: profile.cpu_ms for name, profile in limit_profiles().items()}
    assert cpu == {
        "article": 30,
        "free": 10,
        "paid-default": 30_000,
        "paid-max": 300_000,
        "legacy-50ms": 50,
    }
    assert DEFAULT in cpu


@pytest.mark.parametrize("name", NAMES)
def test_every_value_has_a_unit_a_source_and_a_date(name):
    profile = limit_profile(name)
    assert profile.title
    assert profile.note
    assert profile.memory_mb == 128
    for limit in profile.limits.values():
        assert limit.value > 0
        assert limit.unit
        assert limit.source
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", limit.date)


def test_a_queue_batch_has_the_limit_of_the_queue():
    profile = limit_profile("custom:cpu_ms=25,queue_cpu_ms=40")
    assert profile.cpu_ms_for("chat") == 25
    assert profile.cpu_ms_for("ingest") == 25
    assert profile.cpu_ms_for("consume") == 40


def test_a_custom_profile_replaces_what_is_given_and_keeps_the_rest():
    profile = limit_profile("custom:cpu_ms=25")
    assert (profile.cpu_ms, profile.queue_cpu_ms) == (25, 25)
    assert profile.memory_mb == limit_profile("paid-default").memory_mb
    assert profile.name == "custom:cpu_ms=25"
    assert limit_profile("custom:memory_mb=64").cpu_ms == 30_000


def test_a_custom_profile_leaves_the_named_ones_alone():
    limit_profile("custom:cpu_ms=25")
    assert limit_profile("paid-default").cpu_ms == 30_000


def test_an_unknown_name_is_answered_with_the_list():
    with pytest.raises(UserError) as caught:
        limit_profile("enterprise")
    assert "enterprise" in caught.value.message
    assert caught.value.field == "limits"
    assert all(name in caught.value.remedy for name in NAMES)


@pytest.mark.parametrize(
    "name",
    [
        "custom:",
        "custom:cpu_ms",
        "custom:cpu_ms=",
        "custom:cpu_ms=ten",
        "custom:cpu_ms=0",
        "custom:cpu_ms=-5",
        "custom:cpu_ms=nan",
        "custom:cpu_ms=inf",
        "custom:cpu_ms=300001",
        "custom:speed=3",
        "custom:cpu_ms=25,",
        "",
        "FREE",
    ],
)
def test_a_malformed_profile_is_refused_with_a_remedy(name):
    with pytest.raises(UserError) as caught:
        limit_profile(name)
    assert "custom:cpu_ms=" in caught.value.remedy


@given(st.text(max_size=40))
def test_any_text_is_a_profile_or_a_user_error(text):
    for name in (text, f"custom:{text}", f"custom:cpu_ms={text}"):
        try:
            profile = limit_profile(name)
        except UserError:
            continue
        assert 0 < profile.cpu_ms <= 300_000
