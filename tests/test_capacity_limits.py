"""Each limit of the platform, and the rate at which it binds, by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from capacity_support import METERS, made

from bench.errors import UserError
from bench.platform import limit_profile, limit_profiles
from bench.platform.tables import find
from bench.verdict import _capacity_first as firsts
from bench.verdict import _capacity_traffic as traffic
from bench.verdict import _capacity_used as used
from bench.verdict import limits
from bench.verdict._capacity_assumed import Assumed
from bench.verdict._capacity_runs import Case
from bench.verdict._capacity_search import RATES, Search

RATE = 4.0
EXPECTED = traffic.of_rate(RATE, 3600.0)
GUESSED = Assumed()


def ground(run, name="free", **changes):
    profile = limit_profile(name)
    mine = used.read(run, None)
    case = Case(mine, EXPECTED, GUESSED, [profile], 1.0, 1).but(**changes)
    search = Search(case, (0.5, 1.0, 2.0))
    return limits.Ground(profile, 0, mine, EXPECTED, case.assumed, search)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("limits") / "run")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return made(tmp_path_factory.mktemp("limits") / "bare", extras=False)


@pytest.fixture(scope="module")
def free(run):
    return {bound.limit: bound for bound in limits.all_bounds(ground(run))}


@pytest.mark.parametrize("name", [*limit_profiles(), "custom:cpu_ms=2"])
def test_every_limit_has_an_id_a_state_and_a_source(run, name):
    found = limits.all_bounds(ground(run, name))
    assert len({bound.limit for bound in found}) == len(found)
    for bound in found:
        assert bound.state in limits.STATES
        assert bound.source
        assert bound.why
        assert (bound.state in (limits.AT, limits.FILLS)) == bool(bound.rate_at)
        assert (bound.state == limits.FILLS) == (bound.days is not None)
        known = bound.first_at is not None
        assert known == (bound.state in (limits.AT, limits.ANY))
        if bound.rate_at is not None and bound.low is not None:
            assert bound.low <= bound.rate_at * (1 + 1e-9)
        if bound.rate_at is not None and bound.high is not None:
            assert bound.rate_at <= bound.high * (1 + 1e-9)
        if not bound.limit.startswith(("assumed.", "custom:")):
            assert find(bound.limit).id == bound.limit


def test_every_family_says_something_of_some_run(run, bare):
    silent = {"durable_objects", "vectorize", "workers_ai"}
    # The path has no objects, writes no vectors in a request, and asks other models.
    for name, family in limits.load().items():
        if name not in ("cpu", "memory"):
            said = [*family.bounds(ground(run)), *family.bounds(ground(bare))]
            known = [bound for bound in said if bound.state != limits.UNKNOWN]
            assert bool(known) == (name not in silent), name


def test_the_free_plan_ends_after_its_requests_of_a_day(free):
    found = free["free.requests_day"]
    assert found.rate_at == pytest.approx(100_000 / 86_400)


def test_a_meter_s_daily_allowance_binds_by_what_a_request_takes(free):
    found = free["kv.writes.free"]
    assert found.rate_at == pytest.approx(1000 / METERS["kv.writes"] / 86_400)
    monthly = free["vectorize.queried.free"]
    assert monthly.rate_at == pytest.approx(30e6 / 1536 / 86_400 / 30)
    assert monthly.low == 0.0, "another sentence of that page allows none"


def test_a_paid_plan_has_no_allowance(run):
    ids = {bound.limit for bound in limits.all_bounds(ground(run, "paid-default"))}
    assert not any(name.endswith((".free", "requests_day")) for name in ids)


def test_one_key_takes_a_write_a_second(free):
    share = 1 / sum(1 / rank for rank in range(1, 1001))
    found = free["kv.writes"]
    assert found.rate_at == pytest.approx(1 / METERS["kv.writes"] / share)
    assert found.low < found.rate_at < found.high, "fewer and more tenants"


def test_the_writer_of_a_database_has_a_second_a_second(free):
    found = free["assumed.d1_write_ms"]
    assert found.rate_at == pytest.approx(1000 / GUESSED.d1_write_ms)


def test_a_database_grows_until_it_is_full(free):
    found = free["d1.database.free"]
    grows = METERS["d1.rows_written"] * GUESSED.row_bytes
    days = 0.5e9 / (grows * RATE * 86_400)
    assert found.state == limits.FILLS
    assert found.days == pytest.approx(days)
    assert f"{days:,.3g} days" in found.why
    assert found.rate_at == pytest.approx(0.5e9 / grows / 86_400 / 30)


def test_a_queue_takes_so_many_messages(free):
    found = free["queues.throughput"]
    assert found.rate_at == pytest.approx(5000 / METERS["queues.operations"])


def test_the_peak_meets_a_limit_of_a_second_first(run):
    calm = ground(run)
    peaky = SimpleNamespace(peak=5.0, rate=RATE)
    wild = limits.Ground(calm.profile, 0, calm.used, peaky, calm.assumed, calm.search)
    at = [
        next(iter(limits.load()["queues"].bounds(one))).rate_at for one in (calm, wild)
    ]
    assert at[1] == pytest.approx(at[0] / 5)


def test_an_invocation_breaks_at_any_rate_or_never(run):
    found = {b.limit: b for b in limits.load()["invocation"].bounds(ground(run))}
    assert found["free.subrequests"].state == limits.NEVER
    assert found["free.connections"].state == limits.NEVER
    broken = ground(run, "custom:subrequests=4")
    states = {b.limit: b.state for b in limits.load()["invocation"].bounds(broken)}
    assert states["custom:subrequests=4.subrequests"] == limits.ANY


def test_work_after_the_answer_that_waits_too_long_is_cut(run):
    slow = ground(run, token_ms=1000.0)
    found = {b.limit: b for b in limits.load()["invocation"].bounds(slow)}
    assert found["free.wait_until_s"].state == limits.ANY
    calm = {b.limit: b for b in limits.load()["invocation"].bounds(ground(run))}
    assert calm["free.wait_until_s"].state == limits.NEVER


def test_without_meters_a_limit_is_unknown_and_not_never(bare):
    found = {bound.limit: bound for bound in limits.all_bounds(ground(bare))}
    for name in ("kv.writes", "queues.throughput", "d1.database.free"):
        assert found[name].state == limits.UNKNOWN
        assert found[name].first_at is None
    assert "cannot be told" in firsts.sentence("free", list(found.values()), EXPECTED)


def cpu(run, name):
    [found] = limits.load()["cpu"].bounds(ground(run, name))
    return found


def test_cpu_breaks_where_enough_is_overdrawn_and_never_below_the_limit(run):
    # 3 ms of 10 fill the bank; of 2 they overdraw 1 ms a request, and an isolate that
    # was ended begins with credit for 400 more: a quarter of a percent is ended.
    assert cpu(run, "free").state == limits.NEVER
    few = cpu(run, "custom:cpu_ms=2")
    assert few.state == limits.NEVER
    assert few.low is not None, "the strictest bank on the slowest machine"


def test_traffic_kills_what_a_test_does_not(tmp_path):
    """A mean above the limit: few requests an isolate are nothing, many are its end."""
    over = made(tmp_path / "over", warm=18.0, cold=20.0, extras=False, spread=0.02)
    found = cpu(over, "free")
    assert found.state == limits.AT
    assert RATES[0] < found.rate_at < 1000
    # 400 ms last for 50 requests of 8 ms too much: one in 50 is ended.
    share = ground(over).search.at(1000.0, 1.0).killed[3 + 1]
    assert share == pytest.approx(8 / 400, rel=0.1)


def test_memory_breaks_where_enough_wait_together(run):
    [calm] = limits.load()["memory"].bounds(ground(run, token_ms=0.0))
    [slow] = limits.load()["memory"].bounds(ground(run, token_ms=400.0))
    assert slow.state == limits.AT
    assert calm.rate_at is None or calm.rate_at > slow.rate_at
    assert "0.11 MB" in slow.why


def test_the_first_is_the_lowest_and_the_sentence_has_its_rate(free):
    found = firsts.first(list(free.values()))
    rates = [b.first_at for b in free.values() if b.first_at is not None]
    assert found.first_at == min(rates)
    row = firsts.row("free", list(free.values()), EXPECTED)
    assert row["times"] == pytest.approx(found.first_at / RATE)
    assert row["limit"] in row["sentence"]
    assert "breaks first, and already" in row["sentence"]
    assert "(d1.database.free) is reached after" in row["sentence"]
    none = [b for b in free.values() if b.first_at is None]
    assert "no limit" in firsts.row("free", none, EXPECTED)["sentence"]


def test_a_broken_family_is_named(monkeypatch, tmp_path):
    from bench.errors import BenchError

    (tmp_path / "odd.py").write_text("x = 1\n")
    monkeypatch.setattr(limits, "__path__", [str(tmp_path)])
    with pytest.raises(BenchError, match=r"odd\.py"):
        limits.load()


def test_ids_that_do_not_exist_are_none(run):
    assert ground(run).row("no.such.limit") is None
    with pytest.raises(UserError):
        find("no.such.limit")
