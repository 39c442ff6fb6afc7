"""What every format of traces promises, and that adding one is adding a file."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traffic_support import MAPPED, SECRET, START, WRITERS, put

from bench.errors import UserError
from bench.files import sha256
from bench.traffic import formats, read
from bench.traffic.formats._source import opened

ROWS = st.lists(
    st.tuples(st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6)),
    min_size=2,
    max_size=30,
).filter(lambda rows: len({time for time, *_ in rows}) > 1)

# Rows that no format can read, one or more a layout, each of one line.
BAD_CSV = [f"{SECRET},1,2", f"{SECRET}", f"2026-03-01 22:30:00,{SECRET},1", "-1,1,1"]
BAD_JSON = [
    f'{{"{SECRET}": 1}}',
    f'{{"ts": "{SECRET}", "timestamp": "{SECRET}", "eventTimestamp": "{SECRET}"}}',
    f'{{"EventTimestampMs": null, "a": ["{SECRET}',
    '{"eventTimestamp": -5, "EventTimestampMs": 1e300, "timestamp": [], "ts": {}}',
]


def bad_rows(writer):
    return BAD_CSV if writer.header else BAD_JSON


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("traces")


def test_every_format_has_a_file_here_and_says_what_it_is():
    assert {writer.format for writer in WRITERS.values()} == set(formats())
    for module in formats().values():
        assert module.__doc__
        assert module.NOTE
        assert "\n" not in module.NOTE
        assert module.knows.__doc__
        assert module.rows.__doc__


@pytest.mark.parametrize("label", WRITERS)
def test_a_file_is_known_by_its_own_format_and_by_no_other(folder, label):
    writer = WRITERS[label]
    path = put(folder, writer.text([(0, 1, 2), (5, 3, 4)]))
    with opened(path, None) as source:
        known = [
            name for name, module in formats().items() if module.knows(source.head)
        ]
    assert known == ([] if writer.columns else [writer.format])


@pytest.mark.parametrize("label", WRITERS)
@settings(max_examples=12)
@given(rows=ROWS, crlf=st.booleans(), bom=st.booleans(), cut=st.booleans())
def test_what_was_written_is_read(folder, label, rows, crlf, bom, cut):
    writer = WRITERS[label]
    text = writer.text(rows, "\r\n" if crlf else "\n")
    data = b"\xef\xbb\xbf" * bom + (text.rstrip() if cut else text).encode()
    trace = read(put(folder, data), columns=writer.columns)

    rows = sorted(rows, key=lambda row: row[0])
    first = rows[0][0]
    times = [(time - first) * writer.unit_ns / 1e9 for time, *_ in rows]
    assert trace.at_s == pytest.approx(times, rel=1e-12, abs=1e-9)
    assert trace.at_s[0] == 0
    assert (trace.name, trace.format) == ("trace.log", writer.format)
    assert trace.sha256 == sha256(data)
    assert (trace.rows, trace.bad_rows, trace.bad) == (len(rows), 0, ())
    if writer.dated:
        moved = START + timedelta(microseconds=first * writer.unit_ns / 1000)
        assert abs(trace.start - moved) < timedelta(microseconds=2)
    else:
        assert trace.start is None
    if writer.tokens:
        assert trace.context.tolist() == [context for _, context, _ in rows]
        assert trace.generated.tolist() == [generated for *_, generated in rows]
    else:
        assert trace.context is None
        assert trace.generated is None
    assert SECRET not in repr(trace)


@pytest.mark.parametrize("label", WRITERS)
@settings(max_examples=8)
@given(data=st.data())
def test_a_bad_row_is_counted_with_its_line_and_changes_nothing_else(
    folder, label, data
):
    writer = WRITERS[label]
    bad = st.tuples(st.integers(0, 300), st.sampled_from(bad_rows(writer)))
    inserted = data.draw(st.lists(bad, max_size=3))
    records = writer.records([(i, i, i) for i in range(300)])
    for place, text in sorted(inserted, reverse=True):
        records.insert(place, text)
    lines, number = [], 2 if writer.header else 1
    for record in records:
        if record in bad_rows(writer):
            lines.append(number)
        number += record.count("\n") + 1
    text = "\n".join([writer.header, *records] if writer.header else records)

    trace = read(put(folder, text), format=writer.format, columns=writer.columns)
    assert [bad.line for bad in trace.bad] == lines
    assert (trace.rows, trace.bad_rows) == (300 + len(lines), len(lines))
    assert np.diff(trace.at_s) == pytest.approx(writer.unit_ns / 1e9, rel=1e-9)
    assert SECRET not in repr(trace)


@pytest.mark.parametrize("label", WRITERS)
def test_more_than_one_in_a_hundred_stops_and_says_where(folder, label):
    writer = WRITERS[label]
    for good, stops in ((600, False), (594, False), (593, True)):
        records = writer.records([(i, i, i) for i in range(good)])
        records[3:3] = [bad_rows(writer)[0]] * 6
        text = "\n".join([writer.header, *records] if writer.header else records)
        path = put(folder, text)
        if not stops:
            trace = read(path, format=writer.format, columns=writer.columns)
            assert trace.bad_rows == 6
            continue
        with pytest.raises(UserError) as caught:
            read(path, format=writer.format, columns=writer.columns)
        message = str(caught.value)
        assert message.startswith(
            f"{path}: 6 of 599 rows cannot be read, more than 1 %"
        )
        first = 1 + writer.text([(i, i, i) for i in range(3)]).count("\n")
        for line in range(first, first + 5):
            assert f"line {line} (" in message
        assert "..." in message
        assert "remedy: " in message
        assert SECRET not in message


def test_only_twenty_bad_rows_are_kept(folder):
    text = "\n".join(["ts", *["x"] * 25, *map(str, range(2500))])
    trace = read(put(folder, text), columns={"time": "ts"})
    assert trace.bad_rows == 25
    assert [bad.line for bad in trace.bad] == list(range(2, 22))


def test_an_azure_time_keeps_its_seventh_digit_and_may_have_an_offset(folder):
    text = (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:17:03.9799600,4808,10\n"
        "2023-11-16 18:17:03.9799601,1,1\n"
        "2023-11-16 19:17:04.97996+01:00,1,1"
    )
    trace = read(put(folder, text))
    assert trace.at_s.tolist() == [0.0, 1e-7, 1.0]
    assert trace.start.isoformat() == "2023-11-16T18:17:03.979960+00:00"


@pytest.mark.parametrize(
    ("times", "dated"),
    [
        (("2026-03-01T00:00:00Z", "2026-03-01T00:00:02Z"), True),
        (("2026-03-01 00:00:00", '"2026-03-01 00:00:02,000"'), True),
        (("2026-03-01T00:00:00-07:00", "2026-03-01T02:00:02-0500"), True),
        (("1772323200000", "1772323202000.0"), True),
        (("1772323200", "1772323202"), True),
        (("1772323200.25", "1772323202.25"), True),
        (("0", "2"), False),
        ((" .5", "2.5e0 "), False),
        (("99999", "100001"), False),
    ],
)
def test_the_kind_of_a_time_is_told_from_it(folder, times, dated):
    text = "\n".join(["ts", *times])
    trace = read(put(folder, text), columns={"time": "ts"})
    assert trace.at_s.tolist() == [0.0, 2.0]
    assert (trace.start is not None) is dated


def test_a_time_of_another_kind_than_the_first_is_bad(folder):
    rows = [*(str(1_772_323_200 + i) for i in range(300)), "1772323200000", "12"]
    trace = read(put(folder, "\n".join(["ts", *rows])), columns={"time": "ts"})
    assert [bad.line for bad in trace.bad] == [302, 303]
    assert trace.at_s[-1] == 299


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"format": "nosuch"}, ("--format", "'nosuch'", "azure")),
        ({"format": "columns"}, ("--format", "--columns time=NAME")),
        ({"format": "azure", "columns": MAPPED}, ("--format", "columns only")),
        ({"columns": {"context": "in"}}, ("--columns", "time=NAME", "time=ts")),
        ({"columns": {"time": "ts", "user": "in"}}, ("--columns", "context")),
        ({"columns": {"time": ""}}, ("--columns", "time=NAME")),
        ({"columns": {"time": "nosuch"}}, ("no column 'nosuch'", "--columns")),
        ({"format": "burstgpt"}, ("no column 'Timestamp'", "--columns")),
        ({}, ("none of the known formats", "azure", "--columns time=NAME")),
    ],
)
def test_a_file_that_cannot_be_taken_as_asked_says_what_to_type(folder, asked, words):
    path = put(folder, f"ts,in,{SECRET}\n1,2,3\n2,2,3\n")
    with pytest.raises(UserError) as caught:
        read(path, **asked)
    assert all(word in str(caught.value) for word in words)
    assert SECRET not in str(caught.value)


def test_real_traces_are_read(real):
    code = read(real / "traces" / "AzureLLMInferenceTrace_code.csv")
    conv = read(real / "traces" / "AzureLLMInferenceTrace_conv.csv")
    assert (code.format, code.rows, code.bad_rows) == ("azure", 8819, 0)
    assert (conv.format, conv.rows, conv.bad_rows) == ("azure", 19366, 0)
    assert code.start.isoformat() == "2023-11-16T18:17:03.979960+00:00"
    assert (code.context[0], code.generated[0]) == (4808, 10)


def test_a_real_line_of_logpush_is_known(real, folder):
    line = (real / "workers" / "elastic_workers_trace.ndjson").read_text().strip()
    later = line.replace(
        '"EventTimestampMs":1689852946804', '"EventTimestampMs":1689852948804'
    )
    trace = read(put(folder, f"{line}\n{later}\n"))
    assert trace.format == "logpush"
    assert trace.at_s.tolist() == [0.0, 2.0]
