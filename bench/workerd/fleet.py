"""Isolates of the Worker in one workerd process, and what a request to one costs."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bench.errors import BenchError
from bench.path.env import Options
from bench.path.http import Request
from bench.workerd import bundle, config, project, tools
from bench.workerd.process import Workerd
from bench.workerd.trace import Trace
from bench.world import NOW

if TYPE_CHECKING:
    from bench.runtimes import Scene
    from bench.world import World

_CONFIG, _TRACE, _TRIGGER = "config.capnp", "trace.jsonl", "trigger.mjs"


@dataclass(frozen=True, slots=True)
class Cost:
    """One request in ns: main-thread CPU, wall clock, run delay, helper threads' CPU,
    and time under the isolate lock where it was traced, in all and by operation."""

    cpu: int
    wall: int
    run_delay: int | None
    helpers: int
    locked: int | None = None
    operations: Mapping[str, int] | None = None


class Fleet:
    """A process with one isolate for each of ``modules``, in their order.

    Starting does not wait; ``ready`` does. ``trace`` turns workerd's trace on, which
    costs CPU itself.
    """

    def __init__(
        self,
        scene: Scene,
        modules: Sequence[str],
        *,
        trace: bool = False,
        arguments: Sequence[str] = (),
        v8_flags: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        measured: bool = True,
    ) -> None:
        self._sockets = len(modules) + 1
        self._folder = write(scene, modules, v8_flags=v8_flags, options=options)
        self._trace: Trace | None = None
        given = [f"--async-trace={_TRACE}"] if trace else []
        self._traced = trace
        self._workerd = Workerd(self._folder, [*given, *arguments], measured=measured)

    @property
    def pid(self) -> int:
        """Process id of workerd."""
        return self._workerd.pid

    @property
    def inspector_port(self) -> int:
        """Where the inspector listens, if it was asked for."""
        return self._workerd.inspector_port

    def ready(self) -> None:
        """Wait until every isolate listens. Raises WorkerdError."""
        self._workerd.ready(self._sockets)
        if self._traced and self._trace is None:
            self._trace = Trace(self._folder / _TRACE)

    def ask(self, isolate: int, request: Request) -> tuple[int, bytes]:
        """Status and body. Raises WorkerdError."""
        return self._workerd.ask(isolate, request)

    def alone(self, isolate: int, request: Request) -> tuple[int, bytes]:
        """As ``ask``, over a connection of its own: calls may overlap."""
        with closing(self._workerd.connect(str(isolate))) as connection:
            response = self._workerd.send(connection, isolate, request)
            return response.status, response.read()

    def cost(self, isolate: int, request: Request) -> tuple[Cost, tuple[int, bytes]]:
        """What ``request`` costs until the main thread sleeps, and its answer."""
        threads = self._workerd.threads
        if self._trace is not None:
            self._trace.skip()
        try:
            before = threads.now()
            began = time.perf_counter_ns()
            answer = self.ask(isolate, request)
            wall = time.perf_counter_ns() - began
            after = threads.settled()
        except ProcessLookupError:
            # It died between the answer and the reading: say how.
            self.ask(isolate, request)
            raise
        locked, operations = None, None
        if self._trace is not None:
            locked, operations = self._trace.locked(str(isolate))
        delay = None
        if after.run_delay is not None and before.run_delay is not None:
            delay = after.run_delay - before.run_delay
        helpers = after.helpers - before.helpers
        cpu = after.cpu - before.cpu
        return Cost(cpu, wall, delay, helpers, locked, operations), answer

    def close(self) -> None:
        """End the process and forget its files; safe to call twice."""
        if self._trace is not None:
            self._trace.close()
        self._workerd.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write(
    scene: Scene,
    modules: Sequence[str],
    *,
    extra: Mapping[str, str] | None = None,
    v8_flags: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Path:
    """A folder with the configuration and the modules of a process, ready to start.

    ``options`` replaces single options of the path that the world was built with.
    """
    works = scene.path.parent / "workerd"
    works.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=works))
    own = project.load(tools.PROJECT)
    isolates = [
        config.Isolate(_built(own, name, works, folder), extra or {})
        for name in modules
    ]
    shutil.copy(bundle.ENTRIES / _TRIGGER, folder)
    text = config.render(
        own,
        isolates,
        scene.endpoints,
        variables(replace(scene.world.options, **(options or {}))),
        secrets(scene.world),
        v8_flags,
    )
    (folder / _CONFIG).write_text(text, encoding="utf-8")
    return folder


def variables(options: Options) -> dict[str, Any]:
    """The path's options as the Worker takes them: variables in capitals."""
    return {each.name.upper(): getattr(options, each.name) for each in fields(options)}


def secrets(world: World) -> dict[str, str]:
    """The secrets by the names that the Worker knows them by."""
    known = world.secrets
    return {each.name.upper(): getattr(known, each.name) for each in fields(known)}


def _built(own: project.Project, name: str, works: Path, folder: Path) -> str:
    """The module of the entry ``name`` in ``folder``, bundled once a scene."""
    entry = bundle.ENTRIES / f"{name}.ts"
    if not entry.is_file():
        raise BenchError(f"{entry}: there is no such entry")
    made = works / f"{name}.mjs"
    if not made.is_file():
        clock = {"CLOCK_MS": str(round(NOW * 1000))}
        bundle.build(own, entry, made, clock)
    linked = folder / made.name
    if not linked.exists():
        linked.symlink_to(made)
    return made.name
