"""The process of the Workers behind service bindings: bundled, started, counted.

Who is counted is read from its trace, because a call may be RPC, which no service on
loopback sees. Where workerd writes none, calls to other Workers are not counted.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from bench.project import Project, _bundle, _config, bindings
from bench.project._bundle import Bundle
from bench.project._neighbours import led_to
from bench.services import Services
from bench.workerd import tools
from bench.workerd.isolates import TRACE, Isolates
from bench.workerd.trace import Trace

Built = Mapping[str, tuple[Project, Bundle]]


def build(project: Project, folder: Path) -> Built:
    """Every neighbour of ``project`` bundled, in folders of ``folder``."""
    found = {}
    for name, own in project.neighbours.items():
        place = folder / f"bundle-{name}"
        place.mkdir()
        found[name] = own, _bundle.build(own, place)
    return found


def start(
    project: Project, built: Built, services: Services, folder: Path
) -> Neighbours:
    """Start them; raises WorkerdError where one cannot be."""
    place = Path(tempfile.mkdtemp(dir=folder))
    sockets = {each.name: each for each in led_to(project)}
    own = {
        bindings.service(each) for other, _ in built.values() for each in other.bindings
    }
    own |= {_config.BEYOND, _config.CACHE}
    endpoints = {k: v for k, v in services.endpoints.items() if k in own}
    _config.write_neighbours(place, built, sockets, endpoints)
    traced = tools.features().async_trace
    isolates = Isolates(place, len(sockets), trace=traced, measured=False)
    return Neighbours(isolates, project, _Calls(place / TRACE) if traced else None)


class Neighbours:
    """The running process. Use it as a context manager."""

    def __init__(
        self, isolates: Isolates, project: Project, calls: _Calls | None
    ) -> None:
        self._isolates, self._calls = isolates, calls
        self._led = led_to(project)

    @property
    def endpoints(self) -> dict[str, str]:
        """Where each binding leads, by service."""
        ports = self._isolates.ports
        return {
            bindings.service(each): f"{_config.TUNNEL}://127.0.0.1:{ports[each.name]}"
            for each in self._led
        }

    def used(self) -> Counter[str]:
        """Invocations so far, by the first binding that leads to their Worker."""
        names = {each.details["at"]: each.name for each in reversed(self._led)}
        counted = self._calls.read() if self._calls is not None else {}
        return Counter({names[at]: counted.get(at, 0) for at in names})

    def __enter__(self) -> Self:
        try:
            self._isolates.ready()
        except BaseException:
            self._isolates.close()
            raise
        if self._calls is not None:
            self._calls.open()
        return self

    def __exit__(self, *_: object) -> None:
        if self._calls is not None:
            self._calls.close()
        self._isolates.close()


class _Calls:
    """Invocations of each Worker of a process, from its trace."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._trace: Trace | None = None
        self._counted: Counter[str] = Counter()

    def open(self) -> None:
        """Follow the trace from its beginning; the process has to run."""
        self._trace = Trace(self._path)

    def read(self) -> Mapping[str, int]:
        """Totals so far, by service."""
        if self._trace is not None:
            self._counted.update(
                event["worker"] for event in self._trace.events() if _is_call(event)
            )
        return self._counted

    def close(self) -> None:
        """Close the file."""
        if self._trace is not None:
            self._trace.close()


def _is_call(event: Mapping[str, Any]) -> bool:
    """Whether a context began that is no object's."""
    return event["e"] == "ctx" and event.get("actor") is None
