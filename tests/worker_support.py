"""Both halves of the service side by side: the Python path and the Worker in workerd.

Each half has services of its own, seeded alike and asked alike, so that whatever one
of them stores and the other does not stays visible in what the services hold, however
many requests come between. Clocks and made-up ids are fixed on both sides.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bench import fixture_set, services, world
from bench.path import handle
from bench.path.env import Env
from bench.path.http import Request, read
from bench.path.memory import Memory
from bench.path.transport import HttpTransport
from bench.runtimes import Scene, environment
from bench.services import Services
from bench.workerd import tools
from bench.workerd.fleet import write
from bench.workerd.process import QUEUE_PATH, Workerd

Answer = tuple[int, dict[str, str], bytes]

HEADERS = (
    *("content-type", "retry-after", "x-d1-bookmark", "www-authenticate", "allow"),
    *("cache-control", "access-control-allow-origin"),
)
ACKNOWLEDGED = (200, {}, b'{"outcome":"ok","retried":false}')
# What the Worker does after its answer (waitUntil) is given this long to show.
_PATIENCE_S = 2.0


class Tally(Counter[str]):
    """How many requests were compared, by kind; told when pytest ends."""

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        told = ", ".join(f"{kind} {count}" for kind, count in sorted(self.items()))
        line = f"{self.total()} requests through Python and the Worker: {told}"
        terminalreporter.write_line(line)


TALLY = Tally()


@contextmanager
def halves(config: pytest.Config) -> Iterator[Halves]:
    """Both halves; skips where workerd cannot run."""
    if why := tools.unavailable():
        pytest.skip(why)
    if not config.pluginmanager.has_plugin("tally"):
        config.pluginmanager.register(TALLY, "tally")
    with ExitStack() as stack:
        yield Halves(stack)


class Halves:
    """``python`` and ``worker`` are their services; the worlds in them are equal."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.python = stack.enter_context(services.start(seed=1))
        self.worker = stack.enter_context(services.start(seed=1))
        self._transcript = fixture_set.read("transcript.json")
        self.world = world.build(self.python, self._transcript)
        built = world.build(self.worker, self._transcript)
        endpoints = self.worker.endpoints | {"outbound": self.worker.outbound}
        folder = stack.enter_context(TemporaryDirectory(prefix="workbench-"))
        # Not Scene.stage: it asks first, and what is held would not be equal any more.
        self._scene = Scene(built, endpoints, {}, Path(folder, "scene"))
        self._sides: dict[str, Side] = {}

    def fresh(self) -> None:
        """Services as they were in the beginning; what isolates remember is gone."""
        for side in self._sides.values():
            side.close()
        self._sides.clear()
        for each in (self.python, self.worker):
            each.reset()
            world.build(each, self._transcript)

    def each(self, what: Callable[[Services], Any]) -> None:
        """Do the same to the services of both."""
        what(self.python)
        what(self.worker)

    def side(self, endpoints: Mapping[str, str] | None = None, **options: Any) -> Side:
        """Both halves with these options, kept until ``fresh``.

        ``endpoints`` replaces services of both, by name; ``outbound`` stands for what
        the Worker fetches.
        """
        given = dict(endpoints or {})
        key = repr((sorted(given.items()), sorted(options.items())))
        if key not in self._sides:
            transport = HttpTransport({**self.python.endpoints, **given})
            env = environment(self.world, transport)
            env = replace(env, options=replace(env.options, **options))
            scene = replace(self._scene, endpoints={**self._scene.endpoints, **given})
            self._sides[key] = Side(env, scene, options)
            self._stack.callback(self._sides[key].close)
        return self._sides[key]

    def compare(
        self,
        kind: str,
        invocation: str,
        request: Request,
        *,
        stores: tuple[str, ...] = (),
        side: Side | None = None,
        **options: Any,
    ) -> Answer:
        """Ask both and hold the Worker's answer, and then what ``stores`` hold, to
        Python's. Returns the answer."""
        asked = side or self.side(**options)
        TALLY[kind] += 1
        asked.between()
        expected = asked.python(invocation, request)
        asked.between()
        found = asked.worker(request)
        if request.path == QUEUE_PATH:
            agree = (expected[0] == 200) == (found == ACKNOWLEDGED)
        else:
            agree = expected == found
        unequal = "" if agree else f"python {_clip(expected)}\nworker {_clip(found)}"
        unequal = unequal or self.unequal(stores)
        if unequal:
            self.fresh()  # so that whatever comes next begins alike
            raise AssertionError(f"{invocation} {_clip(request)}\n{unequal}")
        return expected

    def unequal(self, stores: tuple[str, ...]) -> str:
        """What differs between what the two hold, in words; empty if nothing does."""
        until = time.monotonic() + _PATIENCE_S
        while told := "\n".join(
            f"{store}: {difference}"
            for store in stores
            if (difference := _difference(*self._held(store)))
        ):
            if time.monotonic() > until:
                return told
            time.sleep(0.02)
        return ""

    def _held(self, store: str) -> tuple[Any, Any]:
        shape = {"kv": _values, "queue": _messages, "vectorize": _vectors}
        held = [each.dump(store) for each in (self.python, self.worker)]
        if store in shape:
            held = [shape[store](each) for each in held]
        return held[0], held[1]


class Side:
    """The path with some options on both sides; the same memory for all requests."""

    def __init__(self, env: Env, scene: Scene, options: Mapping[str, Any]) -> None:
        self.env = replace(env, memory=Memory())
        folder = write(scene, ["whole"], options=options)
        self._workerd = Workerd(folder, measured=False)
        self._workerd.ready(2)
        self._connections: dict[str, HTTPConnection] = {}
        #: Done before each of the two is asked.
        self.between: Callable[[], Any] = lambda: None

    def python(self, invocation: str, request: Request) -> Answer:
        """The Python path's answer, its work after the answer done."""
        response = handle(invocation, request, self.env)
        headers = {name: response.headers.get(name) for name in HEADERS}
        body = read(response)
        return response.status, {k: v for k, v in headers.items() if v}, body

    def worker(self, request: Request) -> Answer:
        """The Worker's answer, or the outcome of its batch."""
        socket = "trigger" if request.path == QUEUE_PATH else "0"
        response = self._response(socket, request)
        body = response.read()
        if socket == "trigger":
            return response.status, {}, body
        headers = {name: response.getheader(name) for name in HEADERS}
        return response.status, {k: v for k, v in headers.items() if v}, body

    def _response(self, socket: str, request: Request) -> HTTPResponse:
        if socket not in self._connections:
            self._connections[socket] = self._workerd.connect(socket)
        connection = self._connections[socket]
        try:
            return self._workerd.send(connection, 0, request)
        except (RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # An answer that did not wait for the body ends its connection; the next
            # request on it is what notices.
            connection.close()
            return self._workerd.send(connection, 0, request)

    def close(self) -> None:
        """End the process and the connections; safe to call twice."""
        for connection in self._connections.values():
            connection.close()
        self._workerd.close()
        transport = self.env.transport
        assert isinstance(transport, HttpTransport)
        transport.close()


def _values(dump: dict[str, Any]) -> dict[str, bytes]:
    """Values of KV. When they expire is counted by the clock of the service."""
    return {key: entry["value"] for key, entry in dump.items()}


def _messages(dump: list[dict[str, Any]]) -> list[tuple[bytes, str]]:
    return [(message["body"], message["content_type"]) for message in dump]


def _vectors(dump: list[dict[str, Any]]) -> dict[str, Any]:
    """By id, metadata as text, because the order of its keys is to be equal too."""
    return {
        item["id"]: (json.dumps(item.get("metadata")), item["values"]) for item in dump
    }


def _difference(python: Any, worker: Any) -> str:
    if python == worker:
        return ""
    if isinstance(python, dict):
        keys = [k for k in python | worker if python.get(k) != worker.get(k)]
        told = {key: (python.get(key), worker.get(key)) for key in keys[:2]}
        return _clip(told)
    pairs = [pair for pair in zip(python, worker, strict=False) if pair[0] != pair[1]]
    return _clip(pairs[:1] or f"{len(python)} entries, and {len(worker)}")


def _clip(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 1500 else f"{told[:700]} ... {told[-700:]}"
