"""What every service must do; a new file in the folder is tested when it exists."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys

import httpx
import psutil
import pytest

import bench.services
from bench.errors import BenchError, UserError
from bench.registry import load
from bench.services import start
from bench.services._faults import KINDS
from bench.services._port import Port, bound
from bench.services._server import REQUIRED
from bench.services._service import Base

SERVICES = load("bench.services", REQUIRED)

#: Something to put into each service that keeps data.
SAMPLES = {
    "ai": {"stream": "data: [DONE]\n\n"},
    "anthropic": {"stream": "data: {}\n\n"},
    "d1": {"sql": "CREATE TABLE t (a)", "rows": {"t": [{"a": b"\0"}]}},
    "kv": {"k": b"\xff"},
    "openai": {"stream": "data: {}\n\n"},
    "queue": ["message"],
    "r2": {"k": b"\xff"},
    "rerank": {"vectors": [{"id": "a", "values": [1.0]}]},
    "vectorize": {"vectors": [{"id": "a", "values": [1.0] * 1536}]},
}


@pytest.fixture(scope="module")
def running():
    with start(seed=1) as services:
        yield services


@pytest.fixture(params=sorted(SERVICES))
def name(request, running):
    running.reset()
    return request.param


def test_a_module_has_a_host_and_a_service(name):
    module = SERVICES[name]
    assert isinstance(module.HOST, str)
    assert issubclass(module.Service, Base)
    assert module.__doc__
    assert module.Service(1).name == name


def test_the_events_that_break_a_stream_are_there_where_streams_are(name):
    service = SERVICES[name].Service(1)
    if service.streams:
        assert service.stream_error().endswith(b"\n\n")
        assert len(service.giant_event(1000)) > 1000
    else:
        for event in (service.stream_error, lambda: service.giant_event(1000)):
            with pytest.raises(BenchError, match=f"{name} answers no event streams"):
                event()


def test_nothing_listens_on_anything_but_loopback(running):
    listening = [
        connection.laddr
        for connection in psutil.Process(running.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    ports = {int(url.rpartition(":")[2]) for url in running.endpoints.values()}
    assert ports < {address.port for address in listening}
    assert len(listening) == len(SERVICES) + 2  # control and outbound
    assert set(running.endpoints) == set(SERVICES)


def test_an_unknown_path_is_404_in_json(name, running):
    reply = httpx.post(running.endpoints[name] + "/no/such/path", content=b"{}")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/json"
    assert isinstance(reply.json(), dict)
    assert int(reply.headers["content-length"]) == len(reply.content)


def test_reset_clears_state(name, running):
    empty = running.dump(name)
    if name not in SAMPLES:
        with pytest.raises(UserError, match="no data"):
            running.put(name, {})
        return
    running.put(name, SAMPLES[name])
    assert running.dump(name) != empty
    running.reset(settings=False)
    assert running.dump(name) == empty


def possible_faults(name):
    service = SERVICES[name].Service
    never = set() if service.streams else {"split_utf8", "giant_line"}
    return set(KINDS) - never - (set() if service.overloads else {"overloaded"})


def test_any_fault_is_settable_or_refused_with_a_remedy(name, running):
    url = running.endpoints[name] + "/no/such/path"
    for kind in KINDS:
        if kind in possible_faults(name):
            running.fault(name, kind)
        else:
            with pytest.raises(UserError) as caught:
                running.fault(name, kind)
            assert "choose one of reset" in caught.value.remedy.replace("refused, ", "")
        running.clear_faults()
    running.fault(name, "5xx", status=599)
    assert httpx.get(url).status_code == 599
    running.reset()
    assert httpx.post(url).status_code == 404


def test_an_unknown_setting_is_the_users_error(name, running):
    with pytest.raises(UserError) as caught:
        running.configure(name, no_such_setting=1)
    assert caught.value.remedy


def test_a_broken_service_answers_500_in_its_own_shape(name, monkeypatch, capsys):
    service = SERVICES[name].Service(1)
    monkeypatch.setattr(service, "handle", lambda call: 1 / 0)
    (reply,) = serve(service, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 500 ")
    assert "ZeroDivisionError" in capsys.readouterr().err


def serve(service, *requests, after=None):
    """Answers of a service, each as the bytes of a single recv."""

    async def run():
        port = Port(service, bound(0))
        await port.open()
        loop = asyncio.get_running_loop()
        answers = []
        with socket.create_connection(("127.0.0.1", port.number)) as client:
            client.setblocking(False)
            for request in requests:
                await loop.sock_sendall(client, request)
                answers.append(await loop.sock_recv(client, 1 << 20))
            if after is not None:
                after(port, client)
        await port.close()
        return answers

    return asyncio.run(run())


def kv_with(value):
    service = SERVICES["kv"].Service(1)
    service.put({"k": value})
    return service


GET = b"GET /k HTTP/1.1\r\nHost: fake-host\r\n\r\n"


@pytest.mark.parametrize("size", [0, 1, 5_000, 30_000])
def test_head_and_body_leave_in_one_write(size):
    segments = []

    def count(_, client):
        if sys.platform == "linux":
            # struct tcp_info, linux/tcp.h: tcpi_data_segs_in is at byte 152.
            info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
            segments.append(struct.unpack_from("I", info, 152)[0])

    answers = serve(kv_with("x" * size), *[GET] * 20, after=count)
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"Content-Length: {size}".encode() in head
        assert body == b"x" * size
    # One segment of data per answer: loopback takes 64 KiB in one.
    assert segments in ([len(answers)], [])


def test_nagle_is_off_on_the_side_of_the_server():
    seen = []

    def look(port, _):
        (connection,) = port._http.connections
        sock = connection.transport.get_extra_info("socket")
        seen.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    serve(kv_with("x"), GET, after=look)
    assert seen[0] != 0


def test_a_connection_is_kept_over_many_calls(running):
    running.reset()
    with httpx.Client() as client:
        for _ in range(200):
            client.get(running.endpoints["kv"] + "/none")
    stats = running.stats()["kv"]
    assert (stats["connections"], stats["requests"]) == (1, 200)
    assert stats["statuses"] == {"404": 200}


ECHO = '''
"""A service that did not exist before."""
from bench.services._messages import json_reply
from bench.services._service import Base

HOST = "echo"

class Service(Base):
    """Says what it hears."""

    def handle(self, call):
        return json_reply({"heard": call.body.decode()})
'''


def test_adding_a_service_is_adding_a_file(tmp_path, monkeypatch):
    (tmp_path / "echo.py").write_text(ECHO)
    paths = [*bench.services.__path__, str(tmp_path)]
    monkeypatch.setattr(bench.services, "__path__", paths)
    found = load("bench.services", REQUIRED)
    monkeypatch.delitem(sys.modules, "bench.services.echo")
    monkeypatch.delattr(bench.services, "echo")
    assert set(found) == {*SERVICES, "echo"}
    service = found["echo"].Service(1)
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
    (answer,) = serve(service, request)
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"heard": "hi"}
