"""Transports: what breaks on a socket, what a recording gives, what a meter sees."""

from __future__ import annotations

import pickle
import socket
import threading

import pytest
from path_support import NOW, Scripted, chat, env, says

from bench.errors import BenchError
from bench.path import invoke
from bench.path.errors import (
    ANSWERS,
    BadStatus,
    Refused,
    Reset,
    TimedOut,
    UpstreamError,
    answer,
)
from bench.path.http import Call, Reply, StreamReply, read
from bench.path.transport import HttpTransport, Recorder, Replay

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


class Server:
    """A socket that answers each request with ``script``, a list of pieces.

    A piece is bytes, "hang" (until the client leaves) or "reset" (a TCP reset).
    """

    def __init__(self, script):
        self.script = script
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        assert not self.thread.is_alive()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                while _request(connection):
                    if not self._answer(connection):
                        break

    def _answer(self, connection):
        for piece in self.script:
            if piece == "hang":
                connection.recv(1)
                return False
            if piece == "reset":
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return False
            if piece == "close":
                return False
            connection.sendall(piece)
        return True


def _request(connection):
    """Read one request; False when the client has left."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return False
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 4 if b"content-length: 4" in head.lower() else 0
    while len(body) < length:
        body += connection.recv(65536)
    return True


@pytest.fixture
def serve():
    servers, transports = [], []

    def start(*script):
        servers.append(Server(script))
        transports.append(HttpTransport({"s": servers[-1].address}))
        return servers[-1], transports[-1]

    yield start
    for transport in transports:
        transport.close()
    for server in servers:
        server.close()


def send(transport, timeout=5.0):
    return transport.send(Call("s", "POST", "/x", {"a": "b"}, b"body", timeout))


def stream(transport, timeout=5.0):
    asked = Call("s", "GET", "/x", {}, b"", timeout)
    return b"".join(transport.stream(asked).chunks)


def test_replies_are_whole_and_connections_kept(serve):
    server, transport = serve(HEAD + b"X-Thing: 1\r\nContent-Length: 2\r\n\r\nok")
    for _ in range(3):
        reply = send(transport)
        assert (reply.status, reply.body, reply.headers["x-thing"]) == (200, b"ok", "1")
    assert server.connections == 1


CUT = HEAD + b"Content-Length: 9\r\n\r\nhalf"
CUT_CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"


@pytest.mark.parametrize("call", [send, stream])
@pytest.mark.parametrize(
    ("script", "error"),
    [
        (["close"], Reset),
        (["reset"], Reset),
        ([b"HTTP/1.1 200 OK\r\nContent-"], Reset),
        ([CUT, "close"], Reset),
        ([CUT_CHUNKED, "close"], Reset),
        ([CUT, "reset"], Reset),
        ([b"nonsense\r\n\r\n", "close"], Reset),
    ],
)
def test_broken_replies(serve, call, script, error):
    if script[-1] not in {"close", "reset"}:
        script = [*script, "close"]
    _, transport = serve(*script)
    with pytest.raises(UpstreamError) as caught:
        call(transport)
    assert isinstance(caught.value, error)
    assert caught.value.service == "s"


@pytest.mark.parametrize("call", [send, stream])
@pytest.mark.parametrize("script", [["hang"], [CUT, "hang"], [CUT_CHUNKED, "hang"]])
def test_replies_that_do_not_end_in_time(serve, call, script):
    _, transport = serve(*script)
    with pytest.raises(TimedOut):
        call(transport, 0.05)


@pytest.mark.parametrize("call", [send, stream])
def test_a_body_that_drips_runs_into_the_deadline(call):
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
            while not stop.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with HttpTransport({"s": address}) as transport, pytest.raises(TimedOut):
            call(transport, 0.2)
    finally:
        stop.set()
        thread.join(5)
        listener.close()


def test_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with HttpTransport({"s": address}) as transport:
        for call in (send, stream):
            with pytest.raises(Refused):
                call(transport)


def test_proxies_of_the_environment_are_ignored(serve, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    _, transport = serve(HEAD + b"Content-Length: 2\r\n\r\nok")
    assert send(transport).body == b"ok"


# --- answers ----------------------------------------------------------------------


def errors():
    return [kind("kv") for kind in ANSWERS if kind is not BadStatus] + [
        BadStatus("kv", status) for status in (400, 401, 429, 500, 529)
    ]


@pytest.mark.parametrize("error", errors(), ids=str)
def test_every_upstream_failure_has_one_answer(error):
    response = answer(error)
    expected = 504 if isinstance(error, TimedOut) else 502
    if isinstance(error, BadStatus) and error.status == 429:
        expected = 429
    assert response.status == expected
    assert ("retry-after" in response.headers) == (expected == 429)


def test_no_kind_of_failure_is_without_an_answer():
    assert set(ANSWERS) == set(UpstreamError.__subclasses__())


@pytest.mark.parametrize("error", errors(), ids=str)
def test_errors_survive_pickling(error):
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copy), str(copy)) == (type(error), str(error))


# --- recording --------------------------------------------------------------------


def record(chunks=None, **options):
    inner = Scripted(stream_chunks=chunks or [says("Hel"), b": more\n\n", says("lo")])
    recorder = Recorder(inner)
    _, response = invoke("chat", chat(), env(recorder, **options))
    return read(response), recorder.recording


@pytest.mark.parametrize("options", [{}, {"rerank": "in_path"}, {"context": "r2"}])
def test_a_replay_gives_the_same_answer_without_any_service(options):
    body, recording = record(**options)
    replay = Replay(pickle.loads(pickle.dumps(recording)))  # noqa: S301
    for _ in range(3):
        replay.rewind()
        assert read(invoke("chat", chat(), env(replay, **options))[1]) == body


def test_failures_are_replayed_where_they_happened():
    body, recording = record(chunks=[says("Hello")[:300], Reset("anthropic")])
    assert b"upstream_reset" in body
    assert read(invoke("chat", chat(), env(Replay(recording)))[1]) == body
    recorder = Recorder(Scripted({"embeddings": TimedOut("embeddings")}))
    assert invoke("chat", chat(), env(recorder))[1].status == 504
    replay = Replay(recorder.recording)
    assert invoke("chat", chat(), env(replay))[1].status == 504
    recorder = Recorder(Scripted({"anthropic": Refused("anthropic")}))
    assert invoke("chat", chat(), env(recorder))[1].status == 502
    assert invoke("chat", chat(), env(Replay(recorder.recording)))[1].status == 502


def test_another_request_than_the_recorded_one_is_an_error():
    _, recording = record()
    with pytest.raises(BenchError, match="recorded"):
        invoke("chat", chat(), env(Replay(recording[3:])))
    with pytest.raises(BenchError, match="ended before"):
        invoke("chat", chat(), env(Replay(recording[:2])))


# --- meter ------------------------------------------------------------------------


class Log:
    """A meter that writes down what it is told and checks that it nests."""

    def __init__(self):
        self.events, self.open = [], []

    def enter(self, stage):
        assert not self.open
        self.open.append(stage)
        self.events.append(stage)

    def leave(self, stage):
        assert self.open == [stage]
        self.open.pop()

    def io_enter(self):
        assert len(self.open) == 1
        self.open.append("io")
        self.events.append(f"{self.open[0]} waits")

    def io_leave(self):
        assert self.open[1:] == ["io"]
        self.open.pop()


def runs(events):
    """``events`` with repetitions in a row taken as one."""
    return [e for n, e in enumerate(events) if n == 0 or events[n - 1] != e]


def test_a_meter_sees_every_stage_and_every_wait():
    log = Log()
    transport = Scripted(stream_chunks=[says("Hel", "lo")])
    _, response = invoke("chat", chat(), env(transport), log)
    before = list(log.events)
    assert before[-1] == "stream"
    assert "save_turn" not in before
    body = b"".join(response.body)
    assert body.endswith(b"[DONE]\n\n")
    assert "summarize" not in log.events
    for work in response.after:
        work()
    assert log.open == []
    names = [event for event in runs(log.events) if " waits" not in event]
    assert runs(names) == [
        *("auth", "parse_request", "validate", "rate_limit", "load_conversation"),
        *("embed", "retrieve", "rerank", "assemble", "complete", "stream"),
        *("save_turn", "summarize"),
    ]
    waits = runs([event for event in log.events if " waits" in event])
    assert waits == [
        f"{stage} waits"
        for stage in (
            *("auth", "rate_limit", "load_conversation", "embed", "retrieve"),
            *("complete", "stream", "save_turn"),
        )
    ]


@pytest.mark.parametrize(
    "service", ["kv", "d1", "embeddings", "vectorize", "anthropic"]
)
def test_a_meter_is_left_when_a_service_fails(service):
    log = Log()
    transport = Scripted({service: Reset(service)})
    assert invoke("chat", chat(), env(transport), log)[1].status == 502
    assert log.open == []


def test_a_meter_is_left_when_the_stream_breaks_or_the_client_leaves():
    for chunks in ([b"", Reset("anthropic")], [says("a")]):
        log = Log()
        transport = Scripted(stream_chunks=chunks)
        _, response = invoke("chat", chat(), env(transport), log)
        body = iter(response.body)
        next(body)
        body.close()
        assert log.open == []
        assert transport.closed == 1


def test_a_metered_answer_is_the_same_answer():
    plain = read(invoke("chat", chat(), env(Scripted()))[1])
    assert read(invoke("chat", chat(), env(Scripted()), Log())[1]) == plain


def test_without_a_meter_the_transport_is_used_as_it_is(monkeypatch):
    seen = []
    transport = Scripted()
    monkeypatch.setattr(
        transport,
        "send",
        lambda call: (seen.append(call), Scripted.send(transport, call))[1],
    )
    environment = env(transport, NOW)
    read(invoke("chat", chat(), environment)[1])
    assert seen
    assert environment.transport is transport


def test_replies_are_plain_data():
    assert Reply(200, {}, b"") == Reply(200, {}, b"")
    assert StreamReply(200, {}, iter(())).close() is None
