"""Recordings that are broken or meant to hurt: refused or counted, nothing leaked."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traffic_support import EPOCH_MS, MAPPED, SECRET, WRITERS, put, said, tried

from bench.errors import UserError
from bench.traffic import formats, read
from bench.traffic.formats._objects import CUT, objects
from bench.traffic.formats.tail import SAMPLED

MANY = [(i, i, i) for i in range(300)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


def refused(path, **asked):
    with pytest.raises(UserError) as caught:
        read(path, **asked)
    text = said(caught.value)
    assert SECRET not in text
    assert "remedy: " in text
    return str(caught.value)


def with_bad(label, bad):
    """A file of 300 rows and the text ``bad`` behind them, and how to read it."""
    writer = WRITERS[label]
    asked = {"format": writer.format, "columns": writer.columns}
    return writer.text(MANY) + bad, asked


def time_as(label, value):
    """A row of ``label`` whose time is the JSON text ``value``."""
    writer = WRITERS[label]
    if writer.header:
        cells = dict.fromkeys(writer.header.split(","), "1")
        cells["ts" if writer.columns else next(iter(cells))] = value.strip('"')
        return ",".join(cells.values())
    keys = ("timestamp", "eventTimestamp", "EventTimestampMs", "ts")
    times = ", ".join(f'"{key}": {value}' for key in keys)
    return f'{{"input_length": 1, "output_length": 1, "in": 1, "out": 1, {times}}}'


@pytest.mark.parametrize("label", WRITERS)
@pytest.mark.parametrize(
    "value",
    [
        *("NaN", "Infinity", "-Infinity", "1e300", "1e9999", "-1", "-1e3", "null"),
        *("true", "[]", "{}", '""', f'"{SECRET}"', "9" * 39, "9" * 5000, '"1_000"'),
        *('"\uff11\uff12"', '"2026-13-01 00:00:00"', '"2026-02-30T00:00:00Z"'),
        *('"1776-07-04 00:00:00"', '"9999-12-31 23:59:59"', '"2026-03-01 22:30:60"'),
        '"2026-03-01T00:00:00+99:99"',
    ],
)
def test_a_time_that_is_none_is_a_bad_row(folder, label, value):
    text, asked = with_bad(label, time_as(label, value))
    trace = read(put(folder, text), **asked)
    assert trace.bad_rows == 1
    assert trace.at_s.size == 300


@pytest.mark.parametrize("label", [name for name in WRITERS if WRITERS[name].tokens])
@pytest.mark.parametrize("value", ["-1", "1.5", "1e300", "NaN", SECRET, "9" * 30, ""])
def test_a_count_of_tokens_that_is_none_is_a_bad_row(folder, label, value):
    writer = WRITERS[label]
    record = writer.record(301, 987_654, 5)
    broken = record.replace("987654", value if writer.header else f'"{value}"')
    assert broken != record
    text, asked = with_bad(label, broken)
    trace = read(put(folder, text), **asked)
    assert trace.bad_rows == len(broken.splitlines())
    assert trace.at_s.size == 300


@pytest.mark.parametrize("label", WRITERS)
@pytest.mark.parametrize(
    "bad",
    [
        "\0\0\0\0",
        '{"a":' * 100_000,
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        "{" + f'"{SECRET}": "' + "x" * 5_000_000 + '"}',
        "[1, 2]",
        "\udc80\udcff",
        f'{SECRET}\rmore,"{SECRET}',
    ],
    ids=["NUL", "deep", "closed deep", "5 MB", "list", "not UTF-8", "CR and quote"],
)
def test_a_row_that_is_no_row_is_counted(folder, label, bad):
    text, asked = with_bad(label, bad)
    trace = read(put(folder, text), **asked)
    assert trace.bad_rows == 1
    assert trace.bad[0].line == text[: -len(bad)].count("\n") + 1
    assert trace.at_s.size == 300


@pytest.mark.parametrize("label", ["azure", "logpush", "tail"])
def test_a_line_of_100_mb_is_never_held(folder, label):
    writer = WRITERS[label]
    path = put(folder, writer.text(MANY))
    with path.open("ab") as out:
        out.write(b'{"x": "')
        for _ in range(100):
            out.write(b"x" * 10**6)
        out.write(b"\n" + writer.record(301, 1, 1).encode())
    tracemalloc.start()
    trace = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (trace.bad_rows, trace.at_s.size) == (1, 301)
    assert peak < 40 * 10**6


@pytest.mark.parametrize("label", ["azure", "burstgpt", "logpush", "tail"])
def test_a_file_of_nothing_but_rubbish_ends_early(folder, label):
    writer = WRITERS[label]
    path = put(folder, writer.header + '\n{"a": [\n' * 20_000)
    message = refused(path, format=writer.format)
    assert "1,000 of the first 1,000 rows cannot be read" in message


def test_a_quoted_line_end_is_part_of_a_row(folder):
    text = 'text,ts\n"a\nb",1\n"c, ""d""\n\n",2\ne,x\n' + "f,3\n" * 100
    trace = read(put(folder, text), columns={"time": "ts"})
    assert trace.at_s.size == 102
    assert [(bad.line, trace.rows) for bad in trace.bad] == [(7, 103)]


def test_rows_that_a_stray_quote_swallowed_all_count(folder):
    rows = WRITERS["azure"].text([(i, i, i) for i in range(2000)]).splitlines()
    rows[100] = '"' + rows[100]
    rows[109] = rows[109] + '"'
    trace = read(put(folder, "\n".join(rows)))
    assert (trace.bad_rows, trace.at_s.size) == (10, 1990)
    assert [bad.line for bad in trace.bad] == list(range(101, 111))
    del rows[109]
    message = refused(put(folder, "\n".join(rows)))
    assert "line 101 (" in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (
            gzip.compress(b"TIMESTAMP,ContextTokens,GeneratedTokens\n", mtime=0),
            "(gzip)",
        ),
        (b"PK\x03\x04" + SECRET.encode(), "(zip)"),
        ("TIMESTAMP\n1".encode("utf-16"), "UTF-16"),
        (SECRET.encode(), "none of the known formats"),
        (b"TIMESTAMP,ContextTokens,GeneratedTokens\n", "has 0 arrivals"),
        (b'{"EventTimestampMs": 1772323200000}', "has 1 arrivals"),
        (b'{"eventTimestamp": 1772323200000}' * 3, "all 3 arrivals have the same time"),
        (
            b'{"EventTimestampMs":1772323200000}\n{"EventTimestampMs":1872323200000}',
            "366",
        ),
        (b'[{"eventTimestamp": 1772323200000}]', "none of the known formats"),
    ],
)
def test_a_file_that_is_no_trace_says_so(folder, data, words):
    assert words in refused(put(folder, data))


def test_what_is_no_file_says_so(folder):
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    assert "is not a regular file" in refused(fifo)
    assert "is a folder" in refused(folder)
    assert "does not exist" in refused(folder / "nosuch")


def test_a_tail_that_was_interrupted_counts_its_last_object_and_goes_on(folder):
    text = WRITERS["tail"].text(MANY[:5])
    trace = read(put(folder, text[:-60]))
    assert (trace.at_s.size, trace.rows) == (4, 5)
    [bad] = trace.bad
    assert bad.why == CUT
    assert bad.line == text[: text.rindex("\n{")].count("\n") + 2
    broken = text.replace('"outcome"', "outcome", 1)
    assert "1 of 5 rows" in refused(put(folder, broken))


def test_two_tails_in_one_file_are_refused(folder):
    one, two = (WRITERS["tail"].text(MANY[i::2]).splitlines() for i in (0, 1))
    mixed = "\n".join(line for pair in zip(one, two, strict=False) for line in pair)
    assert "rows cannot be read" in refused(put(folder, mixed), format="tail")


def test_a_tail_that_the_platform_sampled_is_noted_and_its_notices_are_no_rows(folder):
    notice = {"event": {"message": SECRET, "type": "overload"}, "eventTimestamp": 0}
    text = WRITERS["tail"].text(MANY)
    trace = read(put(folder, text + json.dumps(notice, indent=2) * 2))
    assert (trace.rows, trace.bad_rows) == (300, 0)
    assert trace.notes == (SAMPLED,)


def test_half_a_surrogate_pair_in_a_log_loses_nothing(folder):
    line = f'{{"EventTimestampMs": {EPOCH_MS}, "Logs": ["\\ud800"]}}\n'
    later = line.replace(str(EPOCH_MS), str(EPOCH_MS + 1))
    assert read(put(folder, line + later)).bad_rows == 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=40)
@given(
    events=st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4)),
    indent=st.none() | st.integers(1, 4),
    between=st.sampled_from(["", " ", "\n", "\r\n\r\n"]),
)
def test_objects_one_after_the_other_are_what_was_written(
    folder, events, indent, between
):
    text = between.join(json.dumps(event, indent=indent) for event in events)
    with put(folder, text).open("rb") as stream:
        found = list(objects(stream))
    assert [value for _, value in found] == events
    lines, before = [], ""
    for event in events:
        lines.append(before.count("\n") + 1)
        before += json.dumps(event, indent=indent) + between
    assert [line for line, _ in found] == lines


@settings(max_examples=60)
@given(noise=st.binary(max_size=400), place=st.integers(0, 2000), data=st.data())
def test_no_bytes_break_a_reader_or_reach_what_it_says(folder, noise, place, data):
    label = data.draw(st.sampled_from(sorted(WRITERS)))
    writer = WRITERS[label]
    text = writer.text(MANY[:20]).encode()
    path = put(folder, text[:place] + noise + SECRET.encode() + text[place:])
    asked = data.draw(
        st.sampled_from(
            [{}, {"columns": writer.columns or MAPPED}]
            + [{"format": name} for name in formats() if name != "columns"]
        )
    )
    trace, error = tried(read, path, **asked)
    assert SECRET not in said(error)
    if trace is not None:
        assert SECRET not in repr(trace)
        assert trace.rows - trace.bad_rows == trace.at_s.size
        assert trace.at_s[-1] > 0
