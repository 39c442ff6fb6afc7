"""What services charge: as production would bill it, by the prices that there are."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import ask

from bench.errors import BenchError
from bench.platform import tables
from bench.registry import load
from bench.services import d1, kv, queue, r2, start, vectorize
from bench.services._server import REQUIRED

SERVICES = load("bench.services", REQUIRED)
METERED = [name for name, module in SERVICES.items() if module.Service.charges]
KEYS = st.text("abc", min_size=1, max_size=3)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_what_it_charges_and_there_is_a_price(name):
    module = SERVICES[name]
    charges = module.Service.charges
    assert charges == getattr(module, "CHARGES", {})
    for meter, how in charges.items():
        assert tables.find(f"{meter}.price").value > 0
        assert len(how.split()) > 3
    if charges:
        assert len(module.NOTE.split()) > 3
    assert module.Service(1).meters == {}


def test_what_is_billed_on_workers_is_metered():
    assert METERED == ["d1", "kv", "queue", "r2", "vectorize"]


def test_what_a_service_does_not_name_it_cannot_charge(clock):
    service = kv.Service(1, clock)
    with pytest.raises(
        BenchError, match=r"kv does not say that it charges r2\.class_a"
    ):
        service.charge("r2.class_a")
    assert service.meters == {}


# --- KV


@given(
    st.lists(
        st.tuples(st.sampled_from(["GET", "PUT", "DELETE", "list"]), KEYS), max_size=20
    )
)
def test_kv_charges_each_operation_whatever_it_finds(operations):
    service = kv.Service(1)
    for kind, key in operations:
        if kind == "list":
            ask(service, "GET", "/", prefix=key)
        else:
            ask(service, kind, f"/{key}", b"v")
    done = [kind for kind, _ in operations]
    assert service.meters == {
        meter: done.count(kind)
        for kind, meter in (
            ("GET", "kv.reads"),
            ("PUT", "kv.writes"),
            ("DELETE", "kv.deletes"),
            ("list", "kv.lists"),
        )
        if kind in done
    }


def test_kv_charges_a_bulk_read_by_key(clock):
    service = kv.Service(1, clock)
    service.put({"a": "text"})
    asked = json.dumps({"keys": ["a", "b", "c"]}).encode()
    assert ask(service, "POST", "/bulk/get", asked).status == 200
    assert service.meters == {"kv.reads": 3}


def test_kv_charges_nothing_that_it_refuses(clock):
    service = kv.Service(1, clock)
    service.configure({"enforce_write_rate": True})
    service.put({"a": "no JSON"})
    refused = [
        ask(service, "GET", "/a", cache_ttl="1"),
        ask(service, "PUT", "/a", b"v", expiration_ttl="1"),
        ask(service, "GET", "/", key_count_limit="0"),
        ask(service, "POST", "/bulk/get", b'{"keys":["a"],"type":"json"}'),
        ask(service, "POST", "/bulk/get", b'{"keys":[]}'),
    ]
    assert {reply.status for reply in refused} == {400}
    assert service.meters == {}
    assert [ask(service, "PUT", "/k", b"v").status for _ in range(2)] == [200, 429]
    assert service.meters == {"kv.writes": 1}


# --- D1


def statement(service, *statements):
    body = json.dumps([{"sql": sql} for sql in statements]).encode()
    return json.loads(ask(service, "POST", "/query", body).body)


def test_d1_charges_what_its_meta_says(clock):
    service = d1.Service(1, clock)
    service.put(
        {"sql": "CREATE TABLE t (id TEXT PRIMARY KEY, a); CREATE INDEX i ON t (a)"}
    )
    assert service.meters == {}, "what a test puts is no request"
    statement(service, "INSERT INTO t VALUES ('x', 1), ('y', 2)")
    assert service.meters["d1.rows_written"] == 2 * 3
    before = service.meters.copy()
    results = statement(
        service, "SELECT * FROM t WHERE id = 'x'", "DELETE FROM t WHERE id = 'y'"
    )
    for meter in ("rows_read", "rows_written"):
        said = sum(result["meta"][meter] for result in results)
        assert service.meters[f"d1.{meter}"] - before[f"d1.{meter}"] == said > 0


def test_d1_charges_nothing_for_a_batch_that_failed(clock):
    service = d1.Service(1, clock)
    service.put({"sql": "CREATE TABLE t (id TEXT PRIMARY KEY)"})
    twice = "INSERT INTO t VALUES ('x')"
    assert statement(service, twice, twice)["success"] is False
    assert service.dump() == {"t": []}
    assert service.meters == {}


# --- Vectorize


def test_vectorize_charges_the_dimensions_of_a_query_however_large_the_index(clock):
    service = vectorize.Service(1, clock)
    service.configure({"dimensions": 4})

    def post(path, **body):
        return ask(service, "POST", path, json.dumps(body).encode()).status

    vectors = [{"id": f"v{i}", "values": [1.0, i, 0, 0]} for i in range(50)]
    assert post("/upsert", vectors=vectors) == 200
    assert post("/getByIds", ids=["v1"]) == 200
    assert service.meters == {}
    assert post("/query", vector=[1, 0, 0, 0], topK=50) == 200
    assert post("/query", vectorId="v1", topK=1) == 200
    assert service.meters == {"vectorize.queried": 2 * 4}
    assert post("/query", vector=[1, 0]) == post("/query", vectorId="none") == 400
    assert service.meters == {"vectorize.queried": 2 * 4}


# --- Queues


def send(service, size):
    return ask(service, "POST", "/message", bytes(size), {"X-Msg-Fmt": "bytes"}).status


@pytest.mark.parametrize(
    ("size", "operations"),
    [(0, 1), (63_900, 1), (63_901, 2), (127_900, 2)],
)
def test_a_message_is_an_operation_for_every_64_kb_with_what_it_carries(
    clock, size, operations
):
    service = queue.Service(1, clock)
    assert send(service, size) == 200
    assert service.meters == {"queues.operations": operations}
    service.take()  # read
    assert service.meters == {"queues.operations": 2 * operations}
    service.take()  # acknowledged
    assert service.meters == {"queues.operations": 3 * operations}


def test_a_batch_is_charged_by_message_and_a_refused_one_not_at_all(clock):
    service = queue.Service(1, clock)

    def batch(*sizes):
        bodies = [base64.b64encode(bytes(size)).decode() for size in sizes]
        messages = [{"body": body, "contentType": "bytes"} for body in bodies]
        body = json.dumps({"messages": messages}).encode()
        return ask(service, "POST", "/batch", body).status

    assert batch(1, 2, 100_000) == 200
    assert service.meters == {"queues.operations": 1 + 1 + 2}
    assert batch(128_000) == send(service, 128_000) == 413
    assert service.meters == {"queues.operations": 4}


def test_a_message_that_fails_to_the_end_costs_what_the_documentation_says(clock):
    """Retried three times, the default: a write, four reads, and a delete."""
    service = queue.Service(1, clock)
    send(service, 10)
    for _ in range(4):
        (message,) = service.take()
        service.retry([message["id"]])
    assert service.take() == []
    assert service.meters == {"queues.operations": 1 + 4 + 1}


# --- R2


def read(service, method, **asked):
    head = json.dumps({"version": 1, "method": method} | asked)
    return ask(service, "GET", "/", b"", {"CF-R2-Request": head}).status


def write(service, method, payload=b"", **asked):
    head = json.dumps({"version": 1, "method": method} | asked).encode()
    size = {"CF-R2-Metadata-Size": str(len(head))}
    return ask(service, "PUT", "/", head + payload, size).status


@pytest.mark.parametrize(
    ("operation", "method", "asked", "status", "charged"),
    [
        (write, "put", {"object": "k"}, 200, "r2.class_a"),
        (read, "list", {}, 200, "r2.class_a"),
        (read, "get", {"object": "there"}, 200, "r2.class_b"),
        (read, "head", {"object": "there"}, 200, "r2.class_b"),
        (read, "get", {"object": "none"}, 404, "r2.class_b"),
        (write, "put", {"object": "k", "md5": "AAAA"}, 400, "r2.class_a"),
        (
            *(write, "put"),
            {"object": "there", "onlyIf": {"etagMatches": []}},
            *(412, "r2.class_a"),
        ),
        (write, "delete", {"object": "there"}, 200, None),
        (write, "createMultipartUpload", {"object": "k"}, 501, None),
    ],
)
def test_r2_charges_by_the_class_of_an_operation(
    clock, operation, method, asked, status, charged
):
    service = r2.Service(1, clock)
    service.put({"there": "body"})
    assert operation(service, method, **asked) == status
    assert service.meters == ({} if charged is None else {charged: 1})


# --- Over the network


def test_stats_have_the_meters_beside_the_requests():
    with start(seed=1) as services:
        url = services.endpoints["kv"] + "/k"

        def counted():
            stats = services.stats()
            assert all("meters" in each for each in stats.values())
            return stats["kv"]["requests"], stats["kv"]["meters"]

        assert counted() == (0, {})
        httpx.put(url, content=b"v")
        httpx.get(url)
        assert counted() == (2, {"kv.writes": 1, "kv.reads": 1})
        services.fault("kv", "5xx", count=1)
        assert httpx.get(url).status_code == 503
        assert counted() == (3, {"kv.writes": 1, "kv.reads": 1}), "it was not served"
        services.reset(settings=False)
        assert counted()[0] == 3, "counts stay where data goes"
        services.reset()
        assert counted() == (0, {})
