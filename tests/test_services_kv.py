"""Workers KV: routes, limits, expiry, stale reads and the write rate."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import ask

from bench.errors import UserError
from bench.services._messages import Reply
from bench.services.kv import Service


@pytest.fixture
def kv(clock):
    return Service(1, clock)


def path_of(key):
    return "/" + quote(key, safe="")


def put(kv, key, value, headers=None, **query):
    return ask(kv, "PUT", path_of(key), value, headers, urlencoded="true", **query)


def get(kv, key, **query):
    return ask(kv, "GET", path_of(key), urlencoded="true", **query)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100),
    st.binary(max_size=300),
)
def test_any_key_and_value_come_back(key, value):
    kv = Service(1)
    if key not in {".", ".."}:
        assert put(kv, key, value).status == 200
        assert get(kv, key).body == value


def test_metadata_and_expiration_are_headers(kv):
    put(kv, "k", b"v", {"CF-KV-Metadata": '{"a":"é"}'}, expiration_ttl="60")
    reply = get(kv, "k")
    assert reply.headers["CF-KV-Metadata"] == '{"a":"é"}'
    assert reply.headers["CF-Expiration"] == "1000060"


def test_a_value_is_gone_when_it_has_expired(kv, clock):
    put(kv, "k", b"v", expiration=str(int(clock.now) + 60))
    clock.now += 59
    assert get(kv, "k").status == 200
    clock.now += 1
    assert get(kv, "k").status == 404
    assert kv.dump() == {}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"expiration_ttl": "59"}, 400),
        ({"expiration_ttl": "soon"}, 400),
        ({"expiration": "1000059"}, 400),
        ({"expiration": "1000060"}, 200),
        ({"expiration_ttl": "60"}, 200),
    ],
)
def test_a_value_lives_at_least_a_minute(kv, query, status):
    assert put(kv, "k", b"v", **query).status == status


def test_limits_of_size(kv):
    assert put(kv, "k" * 512, b"v").status == 200
    assert put(kv, "k" * 513, b"v").status == 414
    assert put(kv, "é" * 257, b"v").status == 414
    assert put(kv, "k", bytes(25 * 2**20)).status == 200
    assert put(kv, "k", bytes(25 * 2**20 + 1)).status == 413
    fits = json.dumps("m" * 1022)
    assert put(kv, "k", b"v", {"CF-KV-Metadata": fits}).status == 200
    assert put(kv, "k", b"v", {"CF-KV-Metadata": json.dumps("m" * 1023)}).status == 413
    assert put(kv, "k", b"v", {"CF-KV-Metadata": "{"}).status == 400


@pytest.mark.parametrize("key", [".", ".."])
def test_names_that_are_not_allowed(kv, key):
    assert ask(kv, "GET", "/" + key, urlencoded="true").status == 400


def test_a_key_that_is_not_utf8_is_refused(kv):
    assert ask(kv, "GET", "/%ff", urlencoded="true").status == 400


def test_a_deleted_key_is_gone(kv):
    put(kv, "k", b"v")
    assert ask(kv, "DELETE", "/k", urlencoded="true").status == 200
    assert get(kv, "k").status == 404


def bulk(kv, **body):
    reply = ask(kv, "POST", "/bulk/get", json.dumps(body).encode())
    return reply.status, reply.body


def test_many_keys_in_one_call(kv):
    kv.put([{"key": "a", "value": {"n": 1}, "metadata": {"m": 2}}])
    kv.put({"b": "text"})
    status, body = bulk(kv, keys=["a", "none"], type="json")
    assert (status, json.loads(body)) == (200, {"a": {"n": 1}, "none": None})
    status, body = bulk(kv, keys=["a", "b"], withMetadata=True)
    assert json.loads(body) == {
        "a": {"value": '{"n":1}', "metadata": {"m": 2}},
        "b": {"value": "text", "metadata": None},
    }
    assert bulk(kv, keys=["b"], type="json")[0] == 400
    assert bulk(kv, keys=["b"], type="stream")[0] == 400
    assert bulk(kv, keys=[])[0] == 400
    assert bulk(kv, keys=[str(i) for i in range(100)])[0] == 200
    assert bulk(kv, keys=[str(i) for i in range(101)])[0] == 400
    assert ask(kv, "POST", "/bulk/get", b"nonsense").status == 400


def listed(kv, **query):
    reply = ask(kv, "GET", "/", **query)
    assert isinstance(reply, Reply)
    return json.loads(reply.body)


@given(
    st.sets(st.text("abé", min_size=1, max_size=4), max_size=20),
    st.integers(1, 7),
    st.sampled_from(["", "a", "bé"]),
)
def test_pages_of_a_list_are_all_keys_in_byte_order(keys, limit, prefix):
    kv = Service(1)
    kv.put(dict.fromkeys(keys, "v"))
    names, cursor = [], {}
    while True:
        page = listed(kv, prefix=prefix, key_count_limit=str(limit), **cursor)
        assert len(page["keys"]) <= limit
        names += [key["name"] for key in page["keys"]]
        if page["list_complete"]:
            break
        cursor = {"cursor": page["cursor"]}
    expected = sorted((k for k in keys if k.startswith(prefix)), key=str.encode)
    assert names == expected


def test_metadata_in_a_list_is_json_text(kv):
    put(kv, "k", b"v", {"CF-KV-Metadata": '{"a":1}'}, expiration_ttl="90")
    assert listed(kv)["keys"] == [
        {"name": "k", "expiration": 1_000_090, "metadata": '{"a":1}'}
    ]
    assert ask(kv, "GET", "/", key_count_limit="1001").status == 400
    assert ask(kv, "GET", "/", cursor="?").status == 400


def test_a_second_write_within_a_second_is_429_when_enforced(kv, clock):
    kv.configure({"enforce_write_rate": True})
    assert put(kv, "k", b"1").status == 200
    clock.now += 0.9
    reply = put(kv, "k", b"2")
    assert (reply.status, reply.body) == (429, b"Too Many Requests")
    assert put(kv, "other", b"2").status == 200
    clock.now += 0.1
    assert put(kv, "k", b"3").status == 200
    assert get(kv, "k").body == b"3"


def test_reads_are_stale_for_as_long_as_configured(kv, clock):
    kv.configure({"staleness_ms": 5_000})
    kv.put({"k": "seeded"})
    put(kv, "k", b"first")
    clock.now += 3
    put(kv, "k", b"second")
    assert get(kv, "k").body == b"seeded"
    assert get(kv, "new").status == 404
    clock.now += 2
    assert get(kv, "k").body == b"first"
    assert listed(kv)["keys"] == [{"name": "k"}]
    clock.now += 3
    assert get(kv, "k").body == b"second"
    assert kv.dump()["k"]["value"] == b"second"


def test_two_readers_of_a_counter_lose_an_increment(kv):
    """Why a token bucket in KV is unsound: the second write does not see the first."""
    kv.configure({"staleness_ms": 60_000})
    kv.put({"bucket": "0"})
    for _ in range(2):
        seen = int(get(kv, "bucket").body)
        put(kv, "bucket", str(seen + 1).encode())
    assert kv.dump()["bucket"]["value"] == b"1"


def test_cache_ttl_has_a_minimum(kv):
    put(kv, "k", b"v")
    assert get(kv, "k", cache_ttl="30").status == 200
    assert get(kv, "k", cache_ttl="29").status == 400


def test_null_cannot_be_put(kv):
    with pytest.raises(UserError, match="null"):
        kv.put({"k": None})


def test_an_unknown_setting_is_named(kv):
    with pytest.raises(UserError, match="stale") as caught:
        kv.configure({"stale": 1})
    assert "staleness_ms" in str(caught.value)
    with pytest.raises(UserError, match="staleness_ms"):
        kv.configure({"staleness_ms": -1})
