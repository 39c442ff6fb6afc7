"""Every kind of log: known by its head, read for its numbers, and for nothing else."""

from __future__ import annotations

import gzip
import itertools
import json
import math

import pytest
from transfer_support import (
    WRITERS,
    Event,
    answer,
    events,
    group,
    pprof,
    tail,
    tail_event,
    workers_records,
)

from bench.errors import UserError
from bench.transfer import sources
from bench.transfer.sources import _objects, graphql, workers_logs
from bench.transfer.sources import pprof as profiles
from bench.transfer.sources._reading import _EDGES, OUTCOMES, whole

EVENTS = ("logpush", "pairs", "tail", "workers_logs")
LOG = [
    *events([0, 1, 1, 7, 7, 7], killed=[10, 10]),
    *(Event(3, "exception"), Event(3, "canceled"), Event(3, "canceled")),
    *(Event(3, kind="scheduled"), Event(3, kind="queue"), Event(3, "secret-outcome")),
]


def put(folder, data, name="log.dat"):
    path = folder / name
    path.write_bytes(data)
    return path


def asked(name):
    """What `bench calibrate` must be told of a log of this kind."""
    return 10 if name == "pprof" else None


def test_every_source_has_a_writer_here():
    assert set(sources.load()) == set(WRITERS)


@pytest.mark.parametrize("name", WRITERS)
def test_a_source_says_what_it_is_and_knows_its_own_from_all_others(name, tmp_path):
    assert len(sources.load()[name].NOTE) > 20
    data = _objects.content(put(tmp_path, WRITERS[name](LOG[:6])))
    head = _objects.head(data)
    known = [one for one, source in sources.load().items() if source.recognises(head)]
    assert known == [name]
    found = sources.read([tmp_path / "log.dat"], requests=asked(name))
    assert (found.format, found.names) == (name, ("log.dat",))
    assert found.source == f"{name}: log.dat"


@pytest.mark.parametrize("name", EVENTS)
def test_whole_fetch_events_count_and_killed_ones_are_censored(name, tmp_path):
    found = sources.read([put(tmp_path, WRITERS[name](LOG))])
    assert found.spans.tolist() == [
        [0, 1, 1], [1, 2, 2], [7, 8, 3], [10, math.inf, 2],
    ]  # fmt: skip
    assert (found.n, found.censored, found.bad_rows) == (8, 2, 0)
    assert {
        "outcome exception": 1, "outcome canceled": 2, "outcome of another kind": 1,
        "event scheduled": 1, "event queue": 1,
    }.items() <= found.left_out.items()  # fmt: skip
    assert found.n + sum(found.left_out.values()) == found.rows


@pytest.mark.parametrize("name", ["tail", "workers_logs", "pairs"])
def test_durable_objects_do_not_count(name, tmp_path):
    log = [*events([1, 2]), Event(3, model="durableObject"), Event(3, model="new")]
    found = sources.read([put(tmp_path, WRITERS[name](log))])
    assert found.n == 2
    assert found.left_out["model durableObject"] == 1
    assert found.left_out["model of another kind"] == 1


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_counts_or_is_left_out_by_its_name(outcome, tmp_path):
    found = sources.read([put(tmp_path, tail([Event(4, outcome), *events([1])]))])
    counts = outcome in ("ok", "exceededCpu")
    assert found.n == 1 + counts
    assert found.left_out == ({} if counts else {f"outcome {outcome}": 1})


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("value", [-1, 1.5, "x", True, 1e300, [1], {"a": 1}, "1e3"])
def test_a_cpu_time_that_is_no_whole_number_is_a_bad_row(name, value, tmp_path):
    if name == "pairs" and isinstance(value, list | dict):
        pytest.skip("a cell of CSV holds no list")
    log = [*events([2] * 200), Event(value)]
    found = sources.read([put(tmp_path, WRITERS[name](log))])
    assert (found.n, found.bad_rows) == (200, 1)
    assert [bad.why for _, bad in found.bad] == [
        "its CPU time is not in whole milliseconds"
    ]


def test_numbers_that_are_whole_milliseconds():
    assert [whole(v) for v in (0, 7, 7.0, "12", 10**9)] == [0, 7, 7, 12, 10**9]
    bad = (None, math.nan, math.inf, -0.5, 10**30, "", "٣", "1" * 5000, b"1", False)
    assert [whole(v) for v in bad] == [None] * len(bad)


def test_rows_without_a_cpu_time_are_left_out(tmp_path):
    old = tail_event(Event(1))
    del old["cpuTime"]
    data = tail(events([1])) + json.dumps(old).encode()
    found = sources.read([put(tmp_path, data)])
    assert (found.n, found.left_out) == (1, {"without a CPU time": 1})


def test_long_costs_are_kept_to_two_per_cent():
    assert _EDGES[:52] == [*range(51), 51]
    steps = itertools.pairwise(_EDGES[50:])
    assert all(b / a <= 1.02 + 1 / a for a, b in steps)


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize(
    "wrapped",
    [
        gzip.compress,
        lambda data: gzip.compress(data[:90]) + gzip.compress(data[90:]),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.replace(b"\n", b"\r\n"),
    ],
    ids=["gzip", "gzip of two members", "byte order mark", "UTF-16", "CRLF"],
)
def test_a_log_may_be_wrapped(name, wrapped, tmp_path):
    plain = sources.read([put(tmp_path, WRITERS[name](LOG))])
    other = sources.read([put(tmp_path, wrapped(WRITERS[name](LOG)), "other")])
    assert other.spans.tolist() == plain.spans.tolist()


@pytest.mark.parametrize(
    "shape", ["array", "pretty", "lines", "flat", "answer", "joined"]
)
def test_workers_logs_come_in_many_shapes(shape, tmp_path):
    rows = workers_records(events([1, 2, 2]), flat=shape == "flat")
    text = {
        "array": json.dumps(rows),
        "pretty": json.dumps(rows, indent=2),
        "lines": "\n".join(map(json.dumps, rows)),
        "flat": "\n".join(map(json.dumps, rows)),
        "answer": json.dumps(
            {"success": True, "result": {"events": {"events": rows, "count": 6}}}
        ),
        "joined": "".join(map(json.dumps, rows)),
    }[shape]
    found = sources.read([put(tmp_path, text.encode())])
    assert found.format == "workers_logs"
    assert found.spans.tolist() == [[1, 2, 1], [2, 3, 2]]
    assert found.left_out == {"without a CPU time": 3}


def test_an_export_larger_than_the_head_is_known_too():
    rows = workers_records([Event(1, text="x" * 5000)] * 200)
    head = _objects.head(json.dumps({"result": {"events": rows}}).encode())
    assert head.first is None
    assert workers_logs.recognises(head)


def test_quantiles_are_requests_in_the_gaps_between_them():
    found = graphql.read(answer([group(range(1000, 2001), x=1)]), None)
    assert found.n == 1001
    low, high, many = found.spans.T
    assert low.tolist() == pytest.approx([0, 1.25, 1.5, 1.75, 1.99])
    assert high.tolist() == pytest.approx([1.25, 1.5, 1.75, 1.99, math.inf])
    assert many.sum() == pytest.approx(graphql.RESERVOIR)
    assert many.tolist() == pytest.approx([250, 250, 250, 240, 10])
    assert any("at most 1,000" in note for note in found.notes)


def test_a_group_is_worth_what_was_sampled_of_it():
    one = group([1000.0] * 600 + [2000.0] * 600, avg={"sampleInterval": 10})
    found = graphql.read(answer([one]), None)
    assert found.n == 1200
    assert found.spans[:, 2].sum() == pytest.approx(120)
    # Of quantiles that are alike the highest holds, and no gap is empty.
    assert (found.spans[:, 0] < found.spans[:, 1]).all()


def test_groups_that_failed_are_left_out_and_those_without_numbers_are_bad():
    good = [group([1000, 2000, 3000])] * 200
    failed = group([5.0] * 7, dimensions={"status": "exceededResources"})
    odd = group([5.0], dimensions={"status": "secret"})
    falling = group([5.0], quantiles={"cpuTimeP50": 9, "cpuTimeP99": 3})
    found = graphql.read(answer([*good, failed, odd, falling]), None)
    assert found.n == 600
    assert found.left_out == {
        "status exceededResources": 7,
        "status of another kind": 1,
    }
    assert (found.rows, found.bad_rows) == (203, 1)
    bare = group([1000.0] * 30)
    del bare["dimensions"]
    assert any("cut short" in note for note in graphql.read(answer([bare]), None).notes)


@pytest.mark.parametrize("packed", [True, False])
def test_a_profile_is_its_cpu_without_what_was_idle(packed):
    samples = [("a", 2_000_000), ("(idle)", 50_000_000), ("b", 3_000_000)]
    data = gzip.decompress(pprof(samples, packed=packed))
    found = profiles.read(data, 4)
    assert found.profile == (5.0, 2)
    assert found.n == 4


def test_a_profile_may_count_samples_of_a_period():
    for kind, unit, period, ms in (
        ("sample", "microseconds", 1250, 1.25),
        ("samples", "seconds", 2, 2000.0),
    ):
        data = pprof([("a", 0)] * 3, [(kind, "count")], ("cpu", unit, period))
        assert profiles.read(gzip.decompress(data), 1).profile == (3 * ms, 3)


@pytest.mark.parametrize(
    "data",
    [
        pprof(
            [("a", 1)], period=("wall", "nanoseconds", 1), kinds=[("samples", "count")]
        ),
        pprof([("a", 1)], kinds=[("cpu", "bananas")]),
        pprof([("a", 0)]),
    ],
    ids=["of wall time", "of an unknown unit", "of nothing"],
)
def test_a_profile_without_cpu_is_refused(data, tmp_path):
    with pytest.raises(UserError, match="is no profile of CPU time"):
        sources.read([put(tmp_path, data)], requests=5)


def test_a_profile_needs_requests_and_nothing_else_takes_them(tmp_path):
    path = put(tmp_path, pprof([("a", 1_000_000)]))
    with pytest.raises(UserError, match="does not say how many requests"):
        sources.read([path])
    with pytest.raises(UserError, match="says itself how many"):
        sources.read([put(tmp_path, tail(events([1])), "tail")], requests=3)


def test_files_of_one_kind_count_together_and_of_two_are_refused(tmp_path):
    one = put(tmp_path, tail(events([1, 2])), "one")
    two = put(tmp_path, tail(events([2], [10])), "two")
    found = sources.read([one, two])
    assert (found.n, found.censored, found.rows) == (4, 1, 4)
    assert found.source == "tail: one, two"
    with pytest.raises(UserError, match="is of the kind pairs"):
        sources.read([one, put(tmp_path, WRITERS["pairs"](LOG), "csv")])
    with pytest.raises(UserError, match="the same content"):
        sources.read([one, put(tmp_path, one.read_bytes(), "again")])


def test_a_kind_can_be_named_and_an_unknown_one_is_refused(tmp_path):
    path = put(tmp_path, tail(events([1])))
    assert sources.read([path], format="tail").n == 1
    with pytest.raises(UserError, match="is no kind of log") as refused:
        sources.read([path], format="nosuch")
    assert "workers_logs" in refused.value.remedy
    with pytest.raises(UserError, match="is none of graphql, logpush"):
        sources.read([put(tmp_path, b'{"a": 1}\n', "other")])
    # As another kind it has no CPU time, and says so instead of a number.
    assert sources.read([path], format="logpush").n == 0


def test_a_profile_is_named_by_its_first_field_only():
    for data in (b"\n{}\n", b"\n", b"", b"\x0a\x04\x08\x01\x10", b"\x0a\x02\x18\x01"):
        assert not profiles.recognises(_objects.Head(data, None))


def test_the_observed_table_has_few_whole_requests(real):
    found = sources.read([real / "workers" / "tail_cpu_wall_observed.csv"])
    assert (found.format, found.rows, found.n, found.bad_rows) == ("pairs", 18, 4, 0)
    assert found.left_out["model durableObject"] == 11
    assert found.left_out["event scheduled"] == 1


def test_the_observed_line_of_logpush_has_no_cpu_time(real):
    found = sources.read([real / "workers" / "elastic_workers_trace.ndjson"])
    assert (found.format, found.n) == ("logpush", 0)
    assert found.left_out == {"without a CPU time": 1}
