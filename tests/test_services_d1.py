"""D1: SQLite behind the wire protocol, batches, limits, sessions and replicas."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_support import Clock, call
from workerd_support import needs_workerd

from bench.errors import UserError
from bench.path.chat import load_conversation, save_turn, summarize
from bench.path.http import Request
from bench.path.schema import SCHEMA as PATH_SCHEMA
from bench.services.d1 import BOOKMARK, Service
from bench.workerd.process import Workerd

SCHEMA = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, title TEXT);
CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES conversations(id),
  content TEXT
);
CREATE INDEX by_conversation ON messages (conversation_id);
"""


@pytest.fixture
def d1(clock):
    service = Service(1, clock)
    service.put({"sql": SCHEMA, "rows": {"conversations": [{"id": "c", "title": "t"}]}})
    return service


def send(d1, body, form="ROWS_AND_COLUMNS", token=None, path="/query"):
    headers = {} if token is None else {BOOKMARK: token}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return d1.handle(call("POST", path, raw, headers, resultsFormat=form))


def one(d1, sql, *params, **options):
    reply = send(d1, {"sql": sql, "params": list(params)}, **options)
    answer = json.loads(reply.body)
    return answer[0] if isinstance(answer, list) else answer


def rows(d1, sql, *params, **options):
    return one(d1, sql, *params, **options)["results"]["rows"]


def bookmark_of(reply):
    return reply.headers[BOOKMARK]


def add(d1, name, token=None):
    statement = {"sql": "INSERT INTO conversations VALUES (?, '')", "params": [name]}
    return bookmark_of(send(d1, statement, token=token))


def count(d1, token=None):
    reply = send(d1, {"sql": "SELECT count(*) FROM conversations"}, token=token)
    (result,) = json.loads(reply.body)
    return result["results"]["rows"][0][0], result["meta"], bookmark_of(reply)


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.lists(st.integers(0, 255)),
)


@given(st.lists(VALUES, min_size=1, max_size=20))
def test_parameters_come_back_with_their_types(values):
    marks = ", ".join("?" for _ in values)
    assert rows(Service(1), f"SELECT {marks}", *values) == [values]


def test_booleans_become_numbers_and_objects_are_refused(d1):
    assert rows(d1, "SELECT ?, ?", True, False) == [[1, 0]]
    assert "not supported" in one(d1, "SELECT ?", {"a": 1})["error"]
    assert rows(d1, "SELECT ?", 2**70) == [[float(2**70)]]


def test_both_result_forms(d1):
    sql = "SELECT id, title FROM conversations"
    table = one(d1, sql)["results"]
    assert table == {"columns": ["id", "title"], "rows": [["c", "t"]]}
    objects = one(d1, sql, form="NONE", path="/execute")["results"]
    assert objects == [{"id": "c", "title": "t"}]


def test_meta_says_what_happened(d1):
    insert = "INSERT INTO messages VALUES (?, 'c', 'x')"
    meta = one(d1, insert, "m1")["meta"]
    # A row, the primary key's index and the other index.
    assert (meta["changes"], meta["rows_written"]) == (1, 3)
    assert (meta["last_row_id"], meta["changed_db"]) == (1, True)
    assert meta["served_by_primary"] is True
    for i in range(2, 11):
        one(d1, insert, f"m{i}")
    by_index = one(d1, "SELECT * FROM messages WHERE id = 'm3'")["meta"]
    scan = one(d1, "SELECT * FROM messages WHERE content = 'none'")["meta"]
    assert (by_index["rows_read"], by_index["changes"]) == (1, 0)
    assert scan["rows_read"] == 10
    assert scan["size_after"] > 0
    assert scan["duration"] >= 0


def test_a_new_index_changes_what_is_counted(d1):
    sql = "SELECT * FROM conversations WHERE title = 'none'"
    assert one(d1, sql)["meta"]["rows_read"] == 1
    one(d1, "CREATE INDEX by_title ON conversations (title)")
    assert one(d1, sql)["meta"]["rows_read"] == 0


# A Durable Object's SQLite counts rows as D1 does, and its cursor tells.
CONFIG = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .counter),
    (name = "disk", disk = (path = "disk", writable = true)),
  ],
  sockets = [(name = "0", address = "127.0.0.1:0", http = (), service = "main")],
);
const counter :Workerd.Worker = (
  modules = [(name = "counter", esModule = embed "counter.mjs")],
  compatibilityDate = "2026-01-01",
  durableObjectNamespaces = [
    (className = "Counter", uniqueKey = "counter", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "COUNTER", durableObjectNamespace = "Counter")],
);
"""
COUNTER = """import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  async fetch(request) {
    const { sql } = this.ctx.storage;
    const counted = (await request.json()).map(({ sql: text, params }) => {
      const cursor = sql.exec(text, ...params);
      cursor.toArray();
      return [cursor.rowsRead, cursor.rowsWritten];
    });
    return Response.json(counted);
  }
}
export default {
  fetch: (request, { COUNTER }) =>
    COUNTER.get(COUNTER.idFromName("one")).fetch(request),
};
"""


@pytest.fixture
def real_counts(tmp_path):
    """Rows read and written by statements, as workerd's own SQLite counts them."""
    needs_workerd()
    (tmp_path / "disk").mkdir()
    (tmp_path / "config.capnp").write_text(CONFIG)
    (tmp_path / "counter.mjs").write_text(COUNTER)
    workerd = Workerd(tmp_path, measured=False)
    try:
        workerd.ready(1)

        def counts(statements):
            asked = Request("POST", "/", {}, json.dumps(statements).encode())
            status, body = workerd.ask(0, asked)
            assert status == 200, body
            return [tuple(each) for each in json.loads(body)]

        yield counts
    finally:
        workerd.close()


MESSAGES = 60


def journey():
    """Statements of a chat and of its summary, by name, after those that lead there."""

    def message(place):
        params = [f"m{place}", "c", "t", "user", "said", place, 3]
        return {"sql": save_turn.MESSAGE, "params": params}

    conversation = {"sql": save_turn.CONVERSATION, "params": ["c", "t", 5]}
    count = {"sql": save_turn.COUNT, "params": ["c", "t"]}
    loaded = ["c", "m100", "m101", 1000]
    old = json.dumps([f"m{place}" for place in range(5)])
    before = [{"sql": sql, "params": []} for sql in PATH_SCHEMA]
    before += [conversation, *map(message, range(MESSAGES))]
    return before, {
        "conversation": {"sql": load_conversation.CONVERSATION, "params": ["c"]},
        "messages": {"sql": load_conversation.MESSAGES, "params": loaded},
        "saved again": conversation | {"params": ["c", "t", 9]},
        "message": message(MESSAGES),
        "message again": message(MESSAGES),
        "count": count,
        "summary": {"sql": summarize.SUMMARY, "params": ["c", "short", "t"]},
        "delete": {"sql": summarize.DELETE, "params": ["c", old]},
    }


def test_rows_written_are_those_of_workerd_and_rows_read_too_few(real_counts):
    before, after = journey()
    counted = real_counts([*before, *after.values()])[len(before) :]
    real = dict(zip(after, counted, strict=True))
    service = Service(1)
    for statement in before:
        one(service, statement["sql"], *statement["params"])
    ours = {}
    for name, statement in after.items():
        meta = one(service, statement["sql"], *statement["params"])["meta"]
        ours[name] = meta["rows_read"], meta["rows_written"]
    written = {name: (ours[name][1], real[name][1]) for name in after}
    # A row that was there is an update to SQLite; in production a turn is new.
    assert written.pop("saved again") == (3, 2)
    assert written.pop("message again") == (3, 1)
    assert all(mine == its for mine, its in written.values()), written
    assert written["message"] == (3, 3)
    read = {name: (ours[name][0], real[name][0]) for name in after}
    assert read["conversation"] == (1, 1)
    # The row of the index and that of the table.
    assert read["messages"] == (MESSAGES, 2 * MESSAGES)
    # What a statement reads that answers no rows.
    assert read["count"][0] == 0
    assert read["count"][1] > MESSAGES
    del read["summary"], read["delete"]
    mine, its = map(sum, zip(*read.values(), strict=True))
    assert mine / its == pytest.approx(1 / 3, rel=0.1), "as NOTE says"


def test_an_update_writes_the_indexes_of_what_it_sets(d1):
    one(d1, "INSERT INTO messages VALUES ('m', 'c', 'x')")
    for sql, rows in (
        ("UPDATE messages SET content = 'y'", 1),
        ("UPDATE messages SET conversation_id = 'c'", 2),
        ("UPDATE messages SET id = 'n', conversation_id = 'c'", 3),
        ("UPDATE messages SET content = 'z' WHERE id = 'none'", 0),
        ("DELETE FROM messages", 1),
    ):
        assert one(d1, sql)["meta"]["rows_written"] == rows, sql


def test_a_batch_is_one_transaction(d1):
    batch = [
        {"sql": "INSERT INTO conversations VALUES ('new', '')"},
        {"sql": "INSERT INTO conversations VALUES ('c', '')"},
    ]
    answer = json.loads(send(d1, batch).body)
    assert answer == {
        "success": False,
        "error": "UNIQUE constraint failed: conversations.id: SQLITE_CONSTRAINT",
    }
    assert count(d1)[0] == 1
    results = json.loads(send(d1, [batch[0], {"sql": "SELECT 1"}]).body)
    assert [result["success"] for result in results] == [True, True]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT * FROM nope", "no such table: nope: SQLITE_ERROR"),
        ("SELEC", 'near "SELEC": syntax error: SQLITE_ERROR'),
        ("SELECT ?", "Wrong number of parameter bindings"),
        ("SELECT 1; SELECT 2", "must contain only one statement"),
        ("INSERT INTO messages VALUES ('m', 'none', '')", "FOREIGN KEY constraint"),
        ("ATTACH ':memory:' AS other", "SQLITE_"),
        ("BEGIN", "not authorized: SQLITE_AUTH"),
        ("COMMIT", "not authorized: SQLITE_AUTH"),
        ("SAVEPOINT s", "not authorized: SQLITE_AUTH"),
        ("PRAGMA writable_schema = 1", "not authorized: SQLITE_AUTH"),
        ("-- nothing\n/* here */ ;", "No SQL statements detected."),
        (f"SELECT {', '.join(f'?{i}' for i in range(1, 102))}", "SQLITE_ERROR"),
        (f"SELECT '{'x' * 100_000}'", "statement too long: SQLITE_TOOBIG"),
        ("SELECT zeroblob(2000001)", "too big: SQLITE_TOOBIG"),
        (f"SELECT 'a' LIKE '{'a' * 51}'", "pattern too complex"),
        (f"CREATE TABLE w ({', '.join(f'c{i}' for i in range(101))})", "too many col"),
    ],
)
def test_errors_have_d1s_shape(d1, sql, error):
    answer = one(d1, sql)
    assert answer["success"] is False
    assert error in answer["error"]
    assert count(d1)[0] == 1


def test_limits_that_are_just_met(d1):
    marks = ", ".join("?" for _ in range(100))
    assert len(rows(d1, f"SELECT {marks}", *range(100))[0]) == 100
    assert rows(d1, "SELECT length(?)", "x" * 1_900_000) == [[1_900_000]]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"params":[]}', b"[]"])
def test_a_bad_body_is_an_error_in_json(d1, body):
    assert json.loads(send(d1, body).body)["success"] is False


def test_bookmarks_grow_with_writes_only(d1):
    first = add(d1, "a")
    second = add(d1, "b")
    assert first < second
    assert len(first) == len(second)
    assert count(d1, second)[2] == second
    assert send(d1, {"sql": "SELECT 1"}, token="nonsense").status == 200
    assert "invalid bookmark" in one(d1, "SELECT 1", token="nonsense")["error"]


def test_a_lagging_replica_misses_a_write_and_a_bookmark_cures_it(d1, clock):
    d1.configure({"replica_lag_ms": 1_000})
    mark = add(d1, "a", token="first-primary")
    stale, meta, at = count(d1, "first-unconstrained")
    assert (stale, meta["served_by_primary"]) == (1, False)
    assert at < mark
    assert count(d1, mark)[0] == 2
    assert count(d1, "first-primary")[0] == 2
    assert count(d1)[0] == 2
    clock.now += 1
    fresh, meta, at = count(d1, "first-unconstrained")
    assert (fresh, meta["served_by_primary"], at) == (2, False, mark)
    assert count(d1, mark)[1]["served_by_primary"] is False


def test_a_lag_in_writes_needs_no_clock(d1):
    d1.configure({"replica_lag_writes": 2})
    seen = []
    for name in "wxyz":
        add(d1, name)
        seen.append(count(d1, "first-unconstrained")[0])
    assert seen == [1, 1, 2, 3]


def test_writes_of_an_unconstrained_session_go_to_the_primary(d1):
    d1.configure({"replica_lag_writes": 5})
    mark = add(d1, "a", token="first-unconstrained")
    assert count(d1, mark)[0] == 2
    assert count(d1, "first-unconstrained")[0] == 1
    assert len(d1.dump()["conversations"]) == 2


def test_what_is_put_is_on_the_replica_too(d1):
    d1.configure({"replica_lag_ms": 1e9})
    d1.put({"rows": {"conversations": [{"id": "p", "title": ""}]}})
    assert count(d1, "first-unconstrained")[0] == 2
    d1.configure({"replica_lag_ms": 0})
    add(d1, "q")
    assert count(d1, "first-unconstrained")[0] == 3


@given(
    st.lists(
        st.one_of(st.just("write"), st.just("read"), st.floats(0, 3)), max_size=25
    ),
    st.floats(0, 2_000),
    st.integers(0, 3),
)
def test_a_session_always_reads_its_own_writes(steps, lag_ms, lag_writes):
    clock = Clock()
    d1 = Service(1, clock)
    d1.put({"sql": SCHEMA})
    d1.configure({"replica_lag_ms": lag_ms, "replica_lag_writes": lag_writes})
    token, written, marks = "first-unconstrained", 0, []
    for step in steps:
        if step == "write":
            token = add(d1, f"c{written}", token=token)
            written += 1
        elif step == "read":
            seen, _, token = count(d1, token)
            assert seen == written
        else:
            clock.now += step
        if token != "first-unconstrained":
            marks.append(token)
    assert marks == sorted(marks)


def test_a_bad_script_is_the_users_error(d1):
    with pytest.raises(UserError, match="syntax error"):
        d1.put({"sql": "CREATE TABEL x"})
    with pytest.raises(UserError, match="no such table"):
        d1.put({"rows": {"nope": [{"a": 1}]}})


def test_other_routes_are_not_found(d1):
    assert send(d1, {"sql": "SELECT 1"}, path="/dump").status == 404
