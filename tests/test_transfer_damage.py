"""Logs that are broken: what can be read counts, and nothing of the rest gets out."""

from __future__ import annotations

import gzip
import json
import string
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transfer_support import (
    WRITERS,
    Event,
    answer,
    events,
    group,
    logpush,
    pprof,
    tail,
    tail_event,
    workers_records,
)

from bench.errors import BenchError, UserError
from bench.transfer import fit, sources
from bench.transfer.sources import _objects
from bench.transfer.sources._objects import Bad, Object

MANY = events([2] * 300)
SECRET = "sk-PLANTED"


def read(folder, data, name="log.dat", **asked):
    path = folder / name
    path.write_bytes(data)
    return sources.read([path], **asked)


@pytest.mark.parametrize("name", ["tail", "logpush"])
@pytest.mark.parametrize("cut", [1, 5, 30, 90, 250])
def test_a_truncated_last_object_is_counted_and_forgiven(name, cut, tmp_path):
    data = WRITERS[name](events([2] * 5)).rstrip()[:-cut]
    found = read(tmp_path, data)
    assert (found.n, found.bad_rows) == (4, 0)
    assert found.left_out == {"is truncated": 1}
    assert found.rows == 5
    [(file, bad)] = found.bad
    assert (file, bad.line) == ("log.dat", data[: data.rfind(b"\n{")].count(b"\n") + 2)


def test_a_truncated_export_is_not_forgiven(tmp_path):
    data = json.dumps(workers_records(events([2] * 50))).encode()
    with pytest.raises(UserError, match="cannot be read: line 1 is not JSON"):
        read(tmp_path, data[: len(data) // 2 - 40])


def test_garbage_between_objects_is_counted_with_its_line(tmp_path):
    parts = [tail([one]) for one in MANY]
    parts[100] += b"Connection lost, retrying ...\n"
    parts[200] += b"]]} and {more\n"
    found = read(tmp_path, b"".join(parts))
    assert (found.n, found.bad_rows) == (300, 2)
    lines = [b"".join(parts[: n + 1]).count(b"\n") for n in (100, 200)]
    assert [bad.line for _, bad in found.bad] == lines
    assert {bad.why for _, bad in found.bad} <= {"is no object", "is not JSON"}


def test_two_writers_in_one_file_lose_only_what_they_mixed(tmp_path):
    rows = [tail([one]) for one in MANY]
    half = len(rows[0]) // 2
    mixed = rows[0][:half] + rows[1] + rows[0][half:]
    found = read(tmp_path, mixed + b"".join(rows[2:]))
    assert 298 <= found.n <= 299
    assert 1 <= found.bad_rows <= 3


@pytest.mark.parametrize("name", ["tail", "logpush"])
def test_more_than_one_per_cent_stops_with_lines_and_no_content(name, tmp_path):
    rows = [WRITERS[name]([one]) for one in MANY]
    for place in range(0, 40, 10):
        rows[place] = rows[place].replace(b'"outcome"', b"outcome " + SECRET.encode())
        rows[place] = rows[place].replace(b'"Outcome"', b"Outcome " + SECRET.encode())
    with pytest.raises(UserError, match=r"4 of 300 rows, .* cannot be read: line 1 is"):
        read(tmp_path, b"".join(rows))
    leaks_nothing(lambda: read(tmp_path, b"".join(rows)))


def test_an_array_that_is_broken_inside_does_not_lose_its_rest_in_silence(tmp_path):
    rows = [json.dumps(row) for row in workers_records(MANY)]
    rows[9] = rows[9][:-1]
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path, f"[{','.join(rows)}]".encode())


def test_a_pretty_array_goes_on_after_a_broken_record(tmp_path):
    text = json.dumps(workers_records(MANY), indent=2)
    place = text.index("cpuTimeMs", len(text) // 2)
    found = read(tmp_path, f'{text[:place]}"{text[place:]}'.encode())
    assert (found.n, found.bad_rows) == (299, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"outcome":' * 50_000,
        b'{"outcome":"ok","cpuTime":' + b"9" * 10_000 + b',"event":{"request":1}}',
        b'{"outcome":"ok","cpuTime":NaN,"event":{"request":1}}',
        b"\x00\xff" * 1000,
        b"{}",
        b"null",
        b"\n\n\n",
        gzip.compress(b"", mtime=0)[:-4],
        gzip.compress(tail(MANY), mtime=0)[:-20],
        b"\x1f\x8b" + b"x" * 50,
        pprof([("a", 1)])[:-9],
    ],
    ids=range(12),
)
@pytest.mark.parametrize("format", [None, *WRITERS])
def test_hostile_bytes_are_refused_or_counted(data, format, tmp_path):
    asked = 5 if format == "pprof" else None
    with suppress(UserError):
        assert read(tmp_path, data, format=format, requests=asked).n == 0


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(_objects, "LARGEST", 10_000)
    with pytest.raises(UserError, match=r"unpacks to nothing or to more than 10,000"):
        read(tmp_path, gzip.compress(b" " * 1_000_000))


def test_a_file_that_is_none(tmp_path):
    for path in (tmp_path / "no.json", tmp_path):
        with pytest.raises(UserError, match=r"does not exist|is a folder"):
            sources.read([path])
    with pytest.raises(UserError, match="is empty"):
        read(tmp_path, b"")


def test_many_broken_lines_take_no_longer_than_whole_ones(tmp_path):
    """A decoder that counts lines for each error would take minutes here."""
    data = b'{"outcome": "ok", \n' * 30_000
    with pytest.raises(UserError, match="29,999 of 30,000 rows"):
        read(tmp_path, data, format="tail")


def leaks_nothing(act, secret=SECRET):
    """Run ``act``: neither what it returns nor any exception in its chain tells."""
    try:
        told = [repr(act())]
    except BenchError as error:
        told, open_errors = [], [error]
        while open_errors:
            one = open_errors.pop()
            told += [repr(one), str(one), repr(vars(one))]
            told += [repr(getattr(one, name, "")) for name in ("doc", "object")]
            open_errors += [e for e in (one.__cause__, one.__context__) if e]
    assert [text for text in told if secret.lower() in text.lower()] == []


SECRETS = st.text(string.printable, max_size=12).map(lambda t: f"{t}{SECRET}{t}")
VALUES = st.one_of(st.integers(0, 50), SECRETS, st.none(), st.floats(), st.booleans())
EVENTS = st.builds(
    Event,
    cpu=VALUES,
    outcome=st.one_of(st.sampled_from(["ok", "exceededCpu"]), SECRETS, st.none()),
    kind=st.one_of(st.just("fetch"), SECRETS),
    model=st.one_of(st.just("stateless"), SECRETS),
    text=SECRETS,
    key=SECRETS,
)


@pytest.mark.parametrize("name", ["tail", "logpush", "pairs", "workers_logs"])
@settings(max_examples=25)
@given(
    log=st.lists(EVENTS, min_size=1, max_size=4),
    good=st.integers(0, 300),
    cut=st.integers(0, 400),
    at=st.integers(0, 10_000),
    junk=SECRETS,
)
def test_no_field_key_or_garbage_of_a_log_gets_out(
    tmp_path_factory, name, log, good, cut, at, junk
):
    data = WRITERS[name]([*log, *events([3] * good)])
    data = data[: len(data) - cut] if cut < 300 else data
    place = at % (len(data) + 1)
    data = data[:place] + junk.encode() + data[place:]
    folder = tmp_path_factory.mktemp("secret")
    for format in (None, name):
        leaks_nothing(partial(whole_way, folder, data, format))


def whole_way(folder, data, format):
    found = read(folder, data, format=format)
    return found, fit._left_out(found), found.source


@settings(max_examples=40)
@given(
    text=SECRETS,
    quantile=VALUES,
    requests=VALUES,
    status=st.one_of(st.just("success"), SECRETS),
)
def test_nothing_of_an_answer_or_a_profile_gets_out(
    tmp_path_factory, text, quantile, requests, status
):
    folder = tmp_path_factory.mktemp("secret")
    made = group(
        [5.0] * 20,
        text,
        dimensions={"status": status, text: text},
        quantiles={"cpuTimeP50": quantile, text: text},
        sum={"requests": requests, text: text},
    )
    for format in (None, "graphql"):
        leaks_nothing(partial(whole_way, folder, answer([made], text), format))
    data = pprof(
        [(text, 1_000_000), ("b", 5)],
        [(text, text), ("cpu", "nanoseconds")]
        if isinstance(quantile, int)
        else [("cpu", text)],
    )
    for cut in (0, 20):
        short = data[: len(data) - cut]
        leaks_nothing(partial(read, folder, short, requests=5))


@settings(max_examples=100)
@given(
    values=st.lists(
        st.dictionaries(st.text(max_size=4), st.text(max_size=6) | st.floats(0, 9)),
        max_size=6,
    ),
    between=st.sampled_from(["", "\n", " ", "\r\n", ",\n"]),
    indent=st.sampled_from([None, 0, 1, 4]),
)
def test_any_objects_come_back_in_their_order(values, between, indent):
    text = between.join(json.dumps(value, indent=indent) for value in values)
    found = list(_objects.objects(text.encode()))
    assert all(isinstance(each, Object) for each in found)
    assert [each.value for each in found] == values


@settings(max_examples=100)
@given(data=st.binary(max_size=300) | st.text('{}[]",:\\ \n1a').map(str.encode))
def test_any_bytes_give_objects_or_what_is_bad_and_lines_never_fall(data):
    found = list(_objects.objects(data))
    lines = [each.line for each in found]
    assert lines == sorted(lines)
    assert all(isinstance(each, Object | Bad) for each in found)
    assert all(1 <= line <= data.count(b"\n") + 1 for line in lines)


def test_lines_are_those_of_the_file(tmp_path):
    data = b"\n\n" + logpush(events([1, 2])) + b"oops\n" + logpush(events([3]))
    found = list(_objects.objects(data))
    assert [each.line for each in found] == [3, 4, 5, 6]
    assert isinstance(found[2], Bad)
    pretty = json.dumps([tail_event(Event(n)) for n in range(3)], indent=2).encode()
    broken = pretty[:-1] + b"x"
    lines = [each.line for each in _objects.objects(broken)]
    starts = [
        number
        for number, line in enumerate(broken.decode().split("\n"), start=1)
        if line == "  {"
    ]
    assert lines[:3] == starts
