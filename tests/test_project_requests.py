"""Requests out of files that strangers wrote."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_support import LEFT, RIGHT, SECRET, error_of

from bench.errors import UserError
from bench.path.http import Request
from bench.project import requests
from bench.project.requests import MOST, MOST_ROUTES, read
from bench.project.requests._route import OTHER, route_of


def har(*asked, **more):
    entries = [{"request": {"method": "GET", "headers": [], **each}} for each in asked]
    return json.dumps({"log": {"version": "1.2", "entries": entries, **more}})


def write(tmp_path, text, name="requests"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


SAMPLES = {
    "har": har({"url": "https://a.example/x?y=1"}),
    "ndjson": '{"path": "/x?y=1"}\n',
    "plain": "# mine\nGET /x?y=1\n",
}


@pytest.mark.parametrize("name", requests.load())
def test_a_format_is_found_by_its_content_and_read(name, tmp_path):
    found = read(write(tmp_path, SAMPLES[name]))
    assert found.source["format"] == name
    assert len(found.source["sha256"]) == 64
    [[request]] = found.routes.values()
    assert request == Request("GET", "https://worker.localhost/x?y=1", {}, b"")
    assert found.weights == {"GET /x": 1}


@pytest.mark.parametrize("name", requests.load())
def test_a_format_is_told_from_the_others(name):
    module = requests.load()[name]
    fitting = [n for n, text in SAMPLES.items() if module.fits(text.encode())]
    # Any object of a HAR fits on a line too; what is asked first decides.
    assert name in fitting
    assert module.NOTE
    assert all(suffix.startswith(".") for suffix in module.SUFFIXES)


def test_without_a_file_the_root_is_asked():
    assert read(None).weights == {"GET /": 1}


def test_a_har_is_replayed_to_the_worker_and_nobody_else(tmp_path):
    text = har(
        {"url": "https://mine.example/a", "headers": [
            {"name": "Host", "value": "mine.example"},
            {"name": ":authority", "value": "mine.example"},
            {"name": "Cookie", "value": "a=1"},
            {"name": "cookie", "value": "b=2"},
            {"name": "Accept", "value": "x"},
        ]},
        {"url": "https://cdn.example/lib.js"},
        {"url": "wss://mine.example/socket"},
        {"url": "data:text/plain,x"},
        {"url": "https://mine.example/s",
         "headers": [{"name": "Upgrade", "value": "websocket"}]},
        {"url": "https://mine.example/b", "method": "POST",
         "postData": {"params": [{"name": "q", "value": "a b"}]}},
        {"url": "https://mine.example/c", "method": "put",
         "postData": {"text": "aGk=", "encoding": "base64"}},
    )  # fmt: skip
    found = read(write(tmp_path, text, "page.har"))
    assert found.skipped == {"another host": 1, "a WebSocket": 2, "no HTTP": 1}
    assert list(found.routes) == ["GET /a", "POST /b", "PUT /c"]
    [page], [form], [raw] = found.routes.values()
    assert page.headers == {"cookie": "a=1; b=2", "accept": "x"}
    assert (form.body, raw.body) == (b"q=a+b", b"hi")


def test_lines_of_ndjson_have_bodies_and_batches(tmp_path):
    text = "\n".join(
        [
            '{"method": "post", "path": "/x", "body": {"a": 1}}',
            "",
            '{"path": "https://any.example/y", "body": "t", "headers": {"X-A": "b"}}',
            '{"queue": "jobs", "messages": [{"n": 1}]}',
            '{"cron": "*/5 * * * *"}',
        ]
    )
    found = read(write(tmp_path, text, "x.ndjson"))
    routes = ["POST /x", "GET /y", "queue jobs", "cron */5 * * * *"]
    assert list(found.routes) == routes
    [posted], [got], [batch], [woken] = found.routes.values()
    assert (woken.path, woken.body) == (
        "/queue?cron=%2A%2F5%20%2A%20%2A%20%2A%20%2A",
        b"",
    )
    assert (posted.body, posted.headers) == (
        b'{"a":1}',
        {"content-type": "application/json"},
    )
    assert (got.body, got.headers) == (b"t", {"x-a": "b"})
    assert json.loads(batch.body) == [{"n": 1}]


BAD = [
    ("x.har", "{", "line 1"),
    ("x.har", "[]", "log.entries"),
    ("x.har", '{"log": {"entries": {}}}', "log.entries"),
    ("x.har", '{"log": {"entries": [3]}}', "log.entries[0].request"),
    ("x.har", har({"url": 3}), "log.entries[0].request.url"),
    ("x.har", har({"url": "http://[x/"}), "log.entries[0].request.url"),
    ("x.har", har({"url": "http://a/", "method": "TRACE"}),
     "log.entries[0].request.method"),
    ("x.har", har({"url": "http://a/", "headers": [
        {"name": "x", "value": f"{SECRET}\r\nevil: 1"}]}),
     "log.entries[0].request.headers[0]"),
    ("x.har", har({"url": "http://a/", "headers": [{"name": "a b", "value": "x"}]}),
     "log.entries[0].request.headers[0]"),
    ("x.har", har({"url": "http://a/", "headers": [3]}),
     "log.entries[0].request.headers[0]"),
    ("x.har", har({"url": "http://a/", "postData": {
        "text": "*", "encoding": "base64"}}),
     "log.entries[0].request.postData.text"),
    ("x.har", har({"url": "http://a/" + "x" * 9000}), "log.entries[0].request.path"),
    ("x.ndjson", '{"path": "/"}\nnope', "line 2"),
    ("x.ndjson", '{"path": "x"}', "line 1.path"),
    ("x.ndjson", '{"path": "/", "headers": []}', "line 1.headers"),
    ("x.ndjson", '{"queue": "", "messages": []}', "line 1.queue"),
    ("x.ndjson", '{"queue": "q", "messages": []}', "line 1.messages"),
    ("x.ndjson", '{"cron": 5}', "line 1.cron"),
    ("x.txt", "GET /\nBREW /coffee", "line 2.method"),
    ("x.txt", "GET nowhere", "line 1.path"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "field"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_sent_is_named_and_not_quoted(name, text, field, tmp_path):
    with pytest.raises(UserError) as raised:
        read(write(tmp_path, text, name))
    assert raised.value.field == field
    assert SECRET not in error_of(raised)


@pytest.mark.parametrize("data", [b"\0\1\2", b"hello", b"\xff\xfe", b"<html>"])
def test_an_unknown_format_says_which_are_known(data, tmp_path):
    with pytest.raises(UserError, match="no known format") as raised:
        read(write(tmp_path, data))
    assert "HAR" in error_of(raised)


def test_a_file_with_nothing_to_replay_says_why(tmp_path):
    text = har({"url": "https://a.example/"}, {"url": "ws://a.example/"})
    assert read(write(tmp_path, text, "a.har")).total == 1
    with pytest.raises(UserError, match="1 of a WebSocket"):
        read(write(tmp_path, har({"url": "ws://a.example/"}), "b.har"))
    with pytest.raises(UserError, match="is empty"):
        read(write(tmp_path, ""))
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / "gone")


ROUTES = [
    ("/", "GET /"),
    ("/users/17", "GET /users/:number"),
    ("/u/6f9619ff-8b86-d011-b42d-00cf4fc964ff/x", "GET /u/:uuid/x"),
    ("/c/0123456789abcdef", "GET /c/:hex"),
    ("/day/2026-11-24", "GET /day/:date"),
    ("/t/eyJhbGciOiJIUzI1NiJ9.e30.x", "GET /t/:token"),
    ("/a?token=secret", "GET /a"),
    ("/application-programming", "GET /application-programming"),
    ("/" + "no" * 25, "GET /:long"),
    ("/%3Cscript%3E", f"GET /{LEFT}script{RIGHT}"),
    ("/%1b%5b31m", "GET /\N{REPLACEMENT CHARACTER}[31m"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "route"), ROUTES)
def test_alike_requests_are_one_route_that_is_safe_to_show(path, route):
    url = f"https://worker.localhost{path}"
    assert route_of(Request("GET", url, {}, b"")) == route


def test_many_requests_are_sampled_by_route(tmp_path):
    lines = [f"GET /item/{n}" for n in range(500)] + ["GET /rare"] * 3
    found = read(write(tmp_path, "\n".join(lines)))
    assert found.weights == {"GET /item/:number": 500, "GET /rare": 3}
    assert sum(map(len, found.routes.values())) <= MOST + 1
    assert len(found.routes["GET /rare"]) == 1
    assert found.left_out == 503 - sum(map(len, found.routes.values()))
    again = read(write(tmp_path, "\n".join(lines)))
    assert again == found


def test_the_rarest_of_many_routes_are_one(tmp_path):
    words = [f"GET /{chr(97 + n // 10)}{chr(97 + n % 10)}" for n in range(60)]
    found = read(write(tmp_path, "\n".join(words * 2)))
    assert len(found.routes) == MOST_ROUTES
    assert found.weights[OTHER] == 2 * (60 - MOST_ROUTES + 1)
    assert found.total == 120


@pytest.mark.parametrize("path", ["/../../etc/passwd", "//evil.example/x", "/a\\b"])
def test_a_path_leads_to_the_worker_whatever_it_is(path, tmp_path):
    [[request]] = read(write(tmp_path, json.dumps({"path": path}))).routes.values()
    assert urlsplit(request.path).netloc == "worker.localhost"


TEXT = st.text(max_size=30)


@given(TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=3), TEXT)
def test_what_is_read_can_be_sent(tmp_path_factory, method, path, headers, body):
    """Python's own client refuses what would end a request line or a header early."""
    line = {"method": method or "GET", "path": f"/{path}", "headers": headers}
    line["body"] = body
    file = write(tmp_path_factory.mktemp("any"), json.dumps(line), "x.ndjson")
    try:
        mix = read(file)
    except UserError:
        return
    [(route, [request])] = mix.routes.items()
    assert route.isprintable()
    assert len(route) <= 80
    connection = http.client.HTTPConnection("127.0.0.1", 1)
    connection.putrequest(request.method, request.path)
    for name, value in request.headers.items():
        connection.putheader(name, value)


@given(st.binary(max_size=300))
def test_no_bytes_are_an_internal_error(tmp_path_factory, data):
    for name in ("x", "x.har", "x.ndjson", "x.txt"):
        try:
            read(write(tmp_path_factory.mktemp("any"), data, name))
        except UserError:
            continue
