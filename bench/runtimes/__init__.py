"""Where the request path runs: one file a runtime, each with the same few names.

    WORKERS: bool                    whether Workers runs it, so that limits apply
    ALONE_HAS_CALLS: bool            whether a stage alone makes its calls
    unavailable() -> str | None      why it cannot run here, in one line
    crew(scene, phase)               how a measured subject of a role starts
    alone(scene, sizes, seed)        CPU of each stage by itself
    profile(scene, run, seconds, seed)   a profile of the warm path, saved in the run
    cells(scene, seed, seconds)      what else only this runtime can tell

Roles: ``whole`` and ``control`` run the path as it is, ``metered`` tells the stages
apart inside it, ``floor`` answers with no stage in it.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from bench import registry
from bench.errors import BenchError, UserError
from bench.measure.turns import Subject

if TYPE_CHECKING:
    from bench.measure.sizes import PhaseSize
    from bench.path.env import Env
    from bench.path.transport import Transport
    from bench.services import Services
    from bench.store import Run
    from bench.world import World

NAMES = (
    "WORKERS",
    "ALONE_HAS_CALLS",
    "unavailable",
    "crew",
    "alone",
    "profile",
    "cells",
)
# The user journey that is measured, in the order in which it happens.
JOURNEY = ("ingest", "consume", "chat")

Starter = Callable[[int], Subject]
Row = dict[str, Any]


def _not_here(service: str, **settings: Any) -> None:
    raise BenchError(f"a measured process cannot configure {service}")


@dataclass(frozen=True, slots=True)
class Scene:
    """What every measured process of one measurement shares.

    The world that was built in the services, where they listen, and the expected
    status and body of each invocation. ``path`` is its copy on disk, which the
    processes load, so that a 10 MB transcript is not sent through pipes.
    ``configure`` changes the settings of a service; only the driver can.
    """

    world: World
    endpoints: Mapping[str, str]
    expected: Mapping[str, tuple[int, bytes]]
    path: Path
    configure: Callable[..., None] = _not_here

    @classmethod
    @contextmanager
    def stage(cls, world: World, services: Services) -> Iterator[Scene]:
        """Write the copy to a temporary folder for as long as the block runs.

        Raises BenchError when a request does not get the same good answer twice.
        """
        endpoints = services.endpoints | {"outbound": services.outbound}
        expected = _reference(world, endpoints)
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            path = Path(folder, "scene.pickle")
            path.write_bytes(pickle.dumps((world, dict(endpoints), expected)))
            yield cls(world, endpoints, expected, path, services.configure)

    @classmethod
    def load(cls, path: str) -> Scene:
        """The scene as a measured process sees it."""
        world, endpoints, expected = pickle.loads(  # noqa: S301 - written by us
            Path(path).read_bytes()
        )
        return cls(world, endpoints, expected, Path(path))


def environment(world: World, transport: Transport) -> Env:
    """The world's environment, with ids that are the same in every process."""
    return replace(world.env(transport), new_id=lambda: "0" * 32)


def _reference(
    world: World, endpoints: Mapping[str, str]
) -> dict[str, tuple[int, bytes]]:
    """The answer before the clock: what each invocation must say, every time."""
    from bench.path import handle
    from bench.path.http import read
    from bench.path.transport import HttpTransport

    expected: dict[str, tuple[int, bytes]] = {}
    with HttpTransport(endpoints) as transport:
        env = environment(world, transport)
        for name, request in world.requests.items():
            for _ in range(2):
                response = handle(name, request, env)
                answer = (response.status, read(response))
                if expected.setdefault(name, answer) != answer or answer[0] >= 400:
                    raise BenchError(
                        f"{name} answered {answer[0]}: {answer[1][:200]!r}"
                    )
    return expected


class Runtime(Protocol):
    """The names that each file of this folder defines."""

    WORKERS: bool
    ALONE_HAS_CALLS: bool

    def unavailable(self) -> str | None:
        """Why the runtime cannot run here, or None."""

    def crew(
        self, scene: Scene, phase: str
    ) -> AbstractContextManager[Callable[[str], Starter]]:
        """For the time of a phase: role -> how a subject of it starts, given a seed."""

    def alone(
        self, scene: Scene, sizes: PhaseSize, seed: int
    ) -> Generator[dict[str, list[float]]]:
        """Endless: CPU ns of a call by case ``invocation/stage``, a fresh process each
        time; ``startup/<phase>`` too where start-up can be told apart. Ends at once
        where the runtime has no means."""

    def profile(self, scene: Scene, run: Run, seconds: float, seed: int) -> list[Row]:
        """Profile the warm path and save the files under ``profiles/``; samples of
        what it says of the stages, where it can tell them apart."""

    def cells(
        self, scene: Scene, seed: int, seconds: float
    ) -> Mapping[str, Callable[[], list[Row]]]:
        """Further cells by name: each gives samples, in about ``seconds``."""


def names() -> list[str]:
    """Every runtime that has a file here."""
    return list(registry.load(__name__, NAMES))


def load(name: str) -> Runtime:
    """The runtime called ``name``. Raises UserError for an unknown one."""
    found = registry.load(__name__, NAMES)
    if name not in found:
        raise UserError(
            f"{name!r} is not a runtime",
            field="runtimes",
            remedy=f"choose one or more of {', '.join(found)}",
        )
    return cast(Runtime, found[name])
