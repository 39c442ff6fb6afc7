"""R2: framing, ranges, conditions, listing and limits."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import answered, call

from bench.services._r2_rules import holds, window
from bench.services.r2 import Service


@pytest.fixture
def r2(clock):
    return Service(1, clock)


def unpacked(reply):
    """Status, metadata, object and error of an answer."""
    error = json.loads(reply.headers.get("CF-R2-Error", "null"))
    size = int(reply.headers.get("CF-R2-Metadata-Size", 0))
    head = json.loads(reply.body[:size]) if size else None
    return reply.status, head, reply.body[size:], error


def read(r2, method, key=None, **asked):
    request = {"version": 1, "method": method, **asked}
    if key is not None:
        request["object"] = key
    headers = {"CF-R2-Request": json.dumps(request)}
    return unpacked(answered(r2, call("GET", "/", b"", headers)))


def write(r2, method, payload=b"", **asked):
    head = json.dumps({"version": 1, "method": method, **asked}).encode()
    headers = {"CF-R2-Metadata-Size": str(len(head))}
    return unpacked(answered(r2, call("PUT", "/", head + payload, headers)))


@given(st.binary(max_size=500), st.text(min_size=1, max_size=40))
def test_what_is_put_comes_back_with_its_metadata(payload, key):
    r2 = Service(1)
    key = key.encode(errors="replace").decode()
    fields = [{"k": "a", "v": "é"}]
    http = {"contentType": "text/plain"}
    put = {"object": key, "customFields": fields, "httpFields": http}
    assert write(r2, "put", payload, **put)[0] == 200
    status, head, body, _ = read(r2, "get", key)
    assert (status, body) == (200, payload)
    assert head["etag"] == hashlib.md5(payload, usedforsecurity=False).hexdigest()
    assert (head["name"], head["size"]) == (key, len(payload))
    assert (head["customFields"], head["httpFields"]) == (fields, http)
    assert head["range"] == {"offset": 0, "length": len(payload)}
    assert read(r2, "head", key)[2] == b""


def test_a_missing_object_is_404_with_code_10007(r2):
    status, _, _, error = read(r2, "get", "none")
    assert (status, error["v4code"]) == (404, 10007)
    assert read(r2, "head", "none")[3]["v4code"] == 10007


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        ({"range": {"offset": 2}}, b"cdef"),
        ({"range": {"offset": 1, "length": 2}}, b"bc"),
        ({"range": {"length": 3}}, b"abc"),
        ({"range": {"offset": 4, "length": 99}}, b"ef"),
        ({"range": {"suffix": 2}}, b"ef"),
        ({"range": {"suffix": 99}}, b"abcdef"),
        ({"rangeHeader": "bytes=1-3"}, b"bcd"),
        ({"rangeHeader": "bytes=4-"}, b"ef"),
        ({"rangeHeader": "bytes=-1"}, b"f"),
        ({"rangeHeader": "bytes=0-1,3-4"}, b"abcdef"),
    ],
)
def test_ranges(r2, asked, body):
    r2.put({"k": "abcdef"})
    status, head, found, _ = read(r2, "get", "k", **asked)
    assert (status, found) == (200, body)
    assert head["range"]["length"] == len(body)
    assert head["size"] == 6


@pytest.mark.parametrize(
    "part", [{"offset": 7}, {"offset": -1}, {"length": 0}, {"suffix": 0}]
)
def test_a_range_outside_is_416(r2, part):
    r2.put({"k": "abcdef"})
    status, _, _, error = read(r2, "get", "k", range=part)
    assert (status, error["v4code"]) == (416, 10039)


@given(
    st.integers(0, 50),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(1, 60)),
)
def test_a_range_is_a_slice(size, offset, length):
    body = bytes(range(size))
    part = {"offset": offset} | ({} if length is None else {"length": length})
    found = window({"range": part}, size)
    if offset > size or (length is None and offset == size):
        assert found is None
    else:
        start, count = found
        stop = size if length is None else offset + length
        assert body[start : start + count] == body[offset:stop]


STRONG = [{"type": "strong", "value": "e"}]
OTHER = [{"type": "strong", "value": "other"}]
WEAK = [{"type": "weak", "value": "e"}]
ANY = [{"type": "wildcard"}]


@pytest.mark.parametrize(
    ("condition", "present", "absent"),
    [
        ({}, True, True),
        ({"etagMatches": STRONG}, True, False),
        ({"etagMatches": OTHER}, False, False),
        ({"etagMatches": WEAK}, False, False),
        ({"etagMatches": ANY}, True, False),
        ({"etagDoesNotMatch": STRONG}, False, True),
        ({"etagDoesNotMatch": WEAK}, False, True),
        ({"etagDoesNotMatch": OTHER}, True, True),
        ({"uploadedAfter": 999}, True, False),
        ({"uploadedAfter": 1_000}, False, False),
        ({"uploadedBefore": 1_001}, True, True),
        ({"uploadedBefore": 1_000}, False, True),
        ({"uploadedBefore": 1_999, "secondsGranularity": True}, False, True),
        ({"uploadedBefore": 1, "etagMatches": STRONG}, True, False),
        ({"uploadedAfter": 9_999, "etagDoesNotMatch": OTHER}, True, False),
    ],
)
def test_conditions(condition, present, absent):
    assert holds(condition, "e", 1_000) is present
    assert holds(condition, None, None) is absent


def test_a_failed_condition_is_412_with_the_object_but_without_its_bytes(r2):
    r2.put({"k": "abc"})
    status, head, body, error = read(r2, "get", "k", onlyIf={"etagMatches": OTHER})
    assert (status, body, error["v4code"]) == (412, b"", 10031)
    assert head["name"] == "k"
    asked = {"object": "k", "onlyIf": {"etagDoesNotMatch": ANY}}
    assert write(r2, "put", b"new", **asked)[0] == 412
    assert r2.dump() == {"k": b"abc"}
    assert write(r2, "put", b"new", **{**asked, "object": "free"})[0] == 200


def test_a_wrong_checksum_is_refused(r2):
    right = base64.b64encode(hashlib.md5(b"x", usedforsecurity=False).digest()).decode()
    assert write(r2, "put", b"x", object="k", md5=right)[0] == 200
    status, _, _, error = write(r2, "put", b"y", object="k", md5=right)
    assert (status, error["v4code"]) == (400, 10037)


def test_limits(r2):
    assert write(r2, "put", object="k" * 1024)[0] == 200
    assert write(r2, "put", object="k" * 1025)[3]["v4code"] == 10020
    assert write(r2, "put", object="")[3]["v4code"] == 10020
    fits = [{"k": "a", "v": "x" * 8191}]
    over = [{"k": "a", "v": "x" * 8192}]
    assert write(r2, "put", object="k", customFields=fits)[0] == 200
    assert write(r2, "put", object="k", customFields=over)[3]["v4code"] == 10012
    assert read(r2, "list", limit=1001)[3]["v4code"] == 10022


def test_a_second_write_within_a_second_is_429_when_enforced(r2, clock):
    r2.configure({"enforce_write_rate": True})
    assert write(r2, "put", b"1", object="k")[0] == 200
    assert write(r2, "put", b"2", object="k")[0] == 429
    clock.now += 1
    assert write(r2, "put", b"3", object="k")[0] == 200


def test_delete_of_one_and_of_many(r2):
    r2.put(dict.fromkeys("abc", b""))
    write(r2, "delete", object="a")
    write(r2, "delete", objects=["b", "none"])
    assert list(r2.dump()) == ["c"]


@given(
    st.sets(st.text("ab/", min_size=1, max_size=4), max_size=15),
    st.integers(1, 4),
    st.sampled_from([None, "/"]),
    st.sampled_from(["", "a"]),
)
def test_pages_of_a_list_are_complete(keys, limit, delimiter, prefix):
    r2 = Service(1)
    r2.put(dict.fromkeys(keys, b""))
    asked = {"limit": limit, "prefix": prefix}
    if delimiter:
        asked["delimiter"] = delimiter
    names, groups = [], []
    while True:
        _, page, _, _ = read(r2, "list", **asked)
        names += [found["name"] for found in page["objects"]]
        groups += page["delimitedPrefixes"]
        if not page["truncated"]:
            break
        asked["cursor"] = page["cursor"]
    rest = {key for key in keys if key.startswith(prefix)}
    grouped = {k for k in rest if delimiter and delimiter in k[len(prefix) :]}
    ends = {k: k.index("/", len(prefix)) + 1 for k in grouped}
    # A key that is its own group, such as "a/", is a prefix and not an object.
    assert names == sorted(rest - grouped)
    assert groups == sorted({k[: ends[k]] for k in grouped})


@pytest.mark.parametrize(
    "asked",
    [
        call("GET", "/"),
        call("GET", "/", b"", {"CF-R2-Request": "[]"}),
        call("PUT", "/", b"{}"),
        call("PUT", "/", b"{", {"CF-R2-Metadata-Size": "5"}),
    ],
)
def test_bad_framing_is_400(r2, asked):
    status, _, _, error = unpacked(answered(r2, asked))
    assert (status, error["v4code"]) == (400, 10029)


def test_multipart_is_not_served(r2):
    assert write(r2, "createMultipartUpload", object="k")[0] == 501
