"""Every service times every fault: a defined answer each time, never a traceback.

The services are the real loopback ones and break for real: closed listeners, resets,
hung sockets, cut bodies.
"""

from __future__ import annotations

import json

import pytest
from path_support import data_of

from bench.path import invoke
from bench.path.http import read
from bench.path.transport import HttpTransport
from bench.services._faults import KINDS, STREAM_ONLY

# Only what hangs is waited for in vain; any other answer may take its time, as it
# does on a machine that is busy.
HASTY = {"timeout_s": 0.25, "llm_timeout_s": 0.25}

# invocation -> services that it needs before it can answer
NEEDED = {
    "chat": ["kv", "d1", "embeddings", "vectorize", "anthropic"],
    "ingest": ["kv", "r2", "queue"],
    "consume": ["r2", "embeddings", "vectorize"],
}
OK = {"chat": 200, "ingest": 202, "consume": 200}

# fault -> answers that are allowed; True stands for the normal one
ALLOWED = {
    "refused": {502},
    "reset": {502},
    "hang": {504},
    "slow": {True},
    "429": {429},
    "5xx": {502},
    "overloaded": {502},
    "cut": {502},
    "malformed": {502},
}
# In a stream the head has been sent: whatever comes, the answer is 200.
LATE = {"cut", "malformed", "overloaded", "split_utf8", "giant_line", "slow"}
ERRORS = {
    "cut": {"upstream_reset"},
    "overloaded": {"overloaded_error"},
}

# The binding tells a Worker nothing of D1's status, only that it failed.
UNTOLD = {("d1", "429"): 502}


@pytest.fixture
def ask(services, built):
    """Run one invocation on services that break; the faults are gone afterwards."""

    def run(invocation, **options):
        with HttpTransport(services.endpoints) as transport:
            environment = built.env(transport, **options)
            state, response = invoke(
                invocation, built.requests[invocation], environment
            )
            return state, response, read(response)

    services.clear_faults()
    yield run
    services.clear_faults()


def cells():
    for invocation, names in NEEDED.items():
        for service in names:
            for kind in KINDS:
                if kind in STREAM_ONLY and service != "anthropic":
                    continue
                if kind == "overloaded" and service not in {"d1", "anthropic"}:
                    continue
                yield invocation, service, kind


def params(kind):
    # A giant line is one that the parser refuses; the service's default just fits.
    return {"slow": {"delay_ms": 20}, "giant_line": {"bytes": 2**21}}.get(kind, {})


def check_refusal(response, body, service):
    error = json.loads(body)["error"]
    assert list(error) == ["type", "message"]
    assert service in error["message"]
    assert response.headers["content-type"] == "application/json"


def check_stream(body, kind):
    events = data_of(body)
    assert events.count("[DONE]") == 1
    assert events[-1] == "[DONE]"
    errors = [
        e["error"]["type"] for e in events if isinstance(e, dict) and "error" in e
    ]
    assert set(errors) <= ERRORS.get(kind, set())
    assert len(errors) == (kind in ERRORS)


@pytest.mark.parametrize(("invocation", "service", "kind"), list(cells()))
def test_every_fault_has_a_defined_answer(ask, services, invocation, service, kind):
    services.fault(service, kind, **params(kind))
    state, response, body = ask(invocation, **(HASTY if kind == "hang" else {}))
    for secret in (b"sk-", b"whsec", b"sess_", b"Traceback"):
        assert secret not in body
    if service == "anthropic" and kind in LATE:
        assert response.status == 200
        check_stream(body, kind)
        assert state.stream.malformed == (kind == "malformed")
        assert state.stream.oversized == (kind == "giant_line")
        return
    expected = {OK[invocation] if a is True else a for a in ALLOWED[kind]}
    if (service, kind) in UNTOLD:
        expected = {UNTOLD[service, kind]}
    assert response.status in expected
    if response.status >= 400:
        check_refusal(response, body, service)
    if response.status == 429:
        assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("kind", ["refused", "reset", "hang", "429", "5xx", "cut"])
def test_a_write_that_fails_at_the_end_does_not_break_the_answer(ask, services, kind):
    services.fault("d1", kind, after=1)
    state, response, body = ask("chat", **(HASTY if kind == "hang" else {}))
    assert response.status == 200
    check_stream(body, "none")
    assert state.failures == ["save_turn"]


@pytest.mark.parametrize("kind", ["cut", "reset", "overloaded"])
def test_pass_through_streams_end_in_an_error_event(ask, services, kind):
    services.fault("anthropic", kind, **({} if kind == "reset" else {"fraction": 0.6}))
    _, response, body = ask("chat", stream="pass")
    if kind == "reset":
        assert response.status == 502
        return
    assert response.status == 200
    assert b"event: error" in body.rstrip().split(b"\n\n")[-1]


def test_a_stream_cut_inside_characters_is_whole_again(ask, services):
    whole = ask("chat")[2]
    services.fault("anthropic", "split_utf8")
    assert ask("chat")[2] == whole
    services.clear_faults()
    for split in ("bytes:1", "bytes:7", "random"):
        services.configure("anthropic", split=split)
        assert ask("chat")[2] == whole
    services.configure("anthropic", split="event")


def test_a_session_that_is_unknown_is_not_a_failure_of_kv(ask, services, built):
    request = built.requests["chat"]
    stranger = {**request.headers, "authorization": "Bearer sess_nobody"}
    with HttpTransport(services.endpoints) as transport:
        asked = type(request)(request.method, request.path, stranger, request.body)
        assert invoke("chat", asked, built.env(transport))[1].status == 401
