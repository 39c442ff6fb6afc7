"""Faults, as an HTTP client sees them, and the seed that makes them repeat."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UserError
from bench.services import start
from bench.services._faults import Fault, Params, draw

EVENTS = [
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    f'"delta":{{"type":"text_delta","text":"{text}"}}}}\n\n'
    for text in ("one", "dé", "tr☕is", "qu🙂atre", "five", "six")
]
STREAM = "".join(EVENTS).encode()
HEADERS = {"x-api-key": "k", "anthropic-version": "1", "authorization": "Bearer k"}
SHORT = httpx.Timeout(5.0)


@pytest.fixture(scope="module")
def running():
    with start(seed=3) as services:
        yield services


@pytest.fixture
def services(running):
    running.reset()
    running.put("kv", {"k": '{"value":true}'})
    running.put("anthropic", {"stream": STREAM})
    return running


@pytest.fixture
def client():
    with httpx.Client(timeout=SHORT, headers=HEADERS) as client:
        yield client


def get(services, client, **options):
    return client.get(services.endpoints["kv"] + "/k", **options)


def message(services, client, *, stream=True):
    body = {
        "model": "m",
        "max_tokens": 9,
        "stream": stream,
        "messages": [{"role": "user", "content": "hello"}],
    }
    return client.post(services.endpoints["anthropic"] + "/v1/messages", json=body)


def outcome(services, client):
    try:
        return get(services, client).status_code
    except httpx.TransportError as error:
        return type(error).__name__


@given(st.integers(0, 2**31), st.text(max_size=8), st.floats(0, 1), st.integers(0, 200))
def test_a_decision_depends_on_seed_service_and_number_only(seed, name, rate, n):
    assert draw(seed, name, n) == draw(seed, name, n)
    assert 0 <= draw(seed, name, n) < 1
    params = Params(rate=rate, seed=seed)
    one, two = (Fault(name, "reset", params) for _ in range(2))
    decided = [one.decide() for _ in range(50)]
    assert decided == [two.decide() for _ in range(50)]
    assert decided == [draw(seed, name, i) < rate for i in range(1, 51)]


@given(st.integers(0, 20), st.integers(1, 10), st.floats(0, 1), st.integers(0, 99))
def test_after_and_count_bound_the_failures(after, count, rate, seed):
    fault = Fault("kv", "reset", Params(rate=rate, seed=seed, after=after, count=count))
    decided = [fault.decide() for _ in range(60)]
    assert not any(decided[:after])
    assert sum(decided) <= count


def test_rates_are_met_over_many_requests():
    fault = Fault("kv", "reset", Params(rate=0.3, seed=5))
    assert sum(fault.decide() for _ in range(4_000)) == pytest.approx(1_200, rel=0.1)


def test_the_same_seed_fails_the_same_requests(services, client):
    def run(seed):
        services.clear_faults()
        services.fault("kv", "5xx", rate=0.4, seed=seed)
        return [outcome(services, client) for _ in range(30)]

    first = run(7)
    assert first == run(7) != run(8)
    assert set(first) == {200, 503}


def test_refused_closes_the_listener_until_cleared(services, client):
    assert get(services, client).status_code == 200
    services.fault("kv", "refused")
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            get(services, client)
    services.clear_faults()
    assert get(services, client).status_code == 200


def test_refused_after_some_requests_answers_exactly_those(services, client):
    services.fault("kv", "refused", after=3)
    seen = [outcome(services, client) for _ in range(5)]
    assert seen == [200, 200, 200, "ConnectError", "ConnectError"]


def test_refused_takes_no_rate(services):
    with pytest.raises(UserError, match="rate"):
        services.fault("kv", "refused", rate=0.5)


def test_reset_ends_the_connection_before_any_byte(services, client):
    services.fault("kv", "reset", count=1)
    with pytest.raises(httpx.ReadError, match="reset"):
        get(services, client)
    assert get(services, client).status_code == 200
    assert services.stats()["kv"]["faults"] == {"reset": 1}


def test_hang_never_answers_but_accepts(services, client):
    services.fault("kv", "hang")
    with pytest.raises(httpx.ReadTimeout):
        get(services, client, timeout=0.2)
    services.clear_faults()
    assert get(services, client).status_code == 200


def test_slow_delays_a_normal_answer(services, client):
    services.fault("kv", "slow", delay_ms=60)
    started = time.monotonic()
    assert get(services, client).json() == {"value": True}
    assert time.monotonic() - started >= 0.055


def test_429_says_when_to_come_back(services, client):
    services.fault("anthropic", "429", retry_after=7)
    services.fault("openai", "429")
    reply = message(services, client)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "7")
    assert reply.json()["error"]["type"] == "rate_limit_error"
    reply = client.post(services.endpoints["openai"] + "/v1/chat/completions", json={})
    assert reply.json()["error"]["code"] == "rate_limit_exceeded"


def test_5xx_has_the_providers_shape(services, client):
    services.fault("anthropic", "5xx", status=500)
    services.fault("d1", "5xx")
    services.fault("vectorize", "5xx", status=502)
    reply = message(services, client)
    assert (reply.status_code, reply.json()["error"]["type"]) == (500, "api_error")
    reply = client.post(services.endpoints["d1"] + "/query", json={})
    assert (reply.status_code, reply.json()["success"]) == (503, False)
    reply = client.get(services.endpoints["vectorize"] + "/info")
    assert (reply.status_code, set(reply.json())) == (502, {"code", "error"})


def test_a_failed_request_changes_nothing(services, client):
    services.fault("kv", "5xx")
    client.put(services.endpoints["kv"] + "/new", content=b"x")
    assert set(services.dump("kv")) == {"k"}


def test_overloaded_is_529_or_ends_the_stream(services, client):
    services.fault("anthropic", "overloaded", fraction=0.5)
    reply = message(services, client, stream=False)
    assert reply.status_code == 529
    assert reply.json()["error"]["type"] == "overloaded_error"
    reply = message(services, client)
    kept, _, last = reply.text.partition("event: error\ndata: ")
    assert reply.status_code == 200
    assert kept == "".join(EVENTS[:3])
    assert json.loads(last)["error"]["type"] == "overloaded_error"


def test_overloaded_in_the_words_of_others(services, client):
    services.fault("d1", "overloaded")
    services.fault("openai", "overloaded")
    reply = client.post(services.endpoints["d1"] + "/query", json={"sql": "SELECT 1"})
    assert reply.json()["error"].startswith("D1 DB is overloaded")
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    url = services.endpoints["openai"] + "/v1/chat/completions"
    assert client.post(url, json=body).status_code == 503


def test_the_authored_mid_stream_error_equals_ours(services, client, real):
    authored = (real / "errors" / "authored_anthropic_overloaded.sse").read_text()
    services.fault("anthropic", "overloaded", fraction=0)
    assert message(services, client).text.strip() == authored.strip()


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9])
def test_cut_ends_a_stream_after_a_fraction(services, client, fraction):
    services.fault("anthropic", "cut", fraction=fraction)
    url = services.endpoints["anthropic"] + "/v1/messages"
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{}]}
    chunks: list[bytes] = []
    with (
        client.stream("POST", url, json=body) as reply,
        pytest.raises(httpx.RemoteProtocolError, match="incomplete"),
    ):
        chunks.extend(reply.iter_raw())
    assert b"".join(chunks) == STREAM[: int(len(STREAM) * fraction)]


def test_cut_ends_a_body_before_its_length(services, client):
    services.fault("kv", "cut")
    with pytest.raises(
        httpx.RemoteProtocolError, match="received 7 bytes, expected 14"
    ):
        get(services, client)


def test_split_utf8_puts_chunk_boundaries_inside_characters(services, client):
    services.fault("anthropic", "split_utf8")
    url = services.endpoints["anthropic"] + "/v1/messages"
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{}]}
    with client.stream("POST", url, json=body) as reply:
        chunks = list(reply.iter_raw())
    assert b"".join(chunks) == STREAM
    broken = [chunk for chunk in chunks if not decodes(chunk)]
    assert len(broken) >= 3


def test_malformed_breaks_one_event_and_the_seed_chooses_it(services, client):
    def broken(**params):
        services.clear_faults()
        services.fault("anthropic", "malformed", **params)
        lines = message(services, client).text.splitlines()
        data = [line[6:] for line in lines if line.startswith("data: ")]
        return [i for i, text in enumerate(data) if not parses(text)], len(data)

    assert broken(event=2) == ([2], 6)
    assert broken(seed=4) == broken(seed=4)
    chosen = {broken(seed=seed)[0][0] for seed in range(12)}
    assert len(chosen) > 1


def test_malformed_cuts_a_json_body_short_but_not_the_connection(services, client):
    services.fault("kv", "malformed")
    reply = get(services, client)
    assert reply.status_code == 200
    assert not parses(reply.text)


@pytest.mark.parametrize("service", ["anthropic", "openai", "ai"])
def test_a_giant_line_has_its_size_and_is_valid(services, client, service):
    services.fault(service, "giant_line", bytes=300_000)
    path = {"anthropic": "/v1/messages", "ai": "/run"}
    url = services.endpoints[service] + path.get(service, "/v1/chat/completions")
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{}]}
    body["inputs"] = {"prompt": "x", "stream": True}
    reply = client.post(url, json=body, headers={"cf-consn-model-id": "@cf/x/y"})
    giants = [line for line in reply.text.splitlines() if len(line) > 100_000]
    assert [len(line) for line in giants] == [300_000]
    assert parses(giants[0][6:])


@pytest.mark.parametrize(
    ("service", "kind", "params", "text"),
    [
        ("kv", "explode", {}, "does not exist"),
        ("kv", "split_utf8", {}, "makes no sense"),
        ("r2", "giant_line", {}, "makes no sense"),
        ("queue", "overloaded", {}, "makes no sense"),
        ("embeddings", "split_utf8", {}, "makes no sense"),
        ("kv", "slow", {"delay": 3}, "delay"),
        ("kv", "5xx", {"status": 404}, "status"),
        ("kv", "reset", {"rate": 1.5}, "rate"),
        ("kv", "reset", {"after": -1}, "after"),
        ("anthropic", "cut", {"fraction": 2.0}, "fraction"),
        ("nope", "reset", {}, "no service"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(services, service, kind, params, text):
    with pytest.raises(UserError, match=text) as caught:
        services.fault(service, kind, **params)
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def decodes(raw):
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def parses(text):
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True
