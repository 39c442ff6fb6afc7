"""Where the request path runs: one file a runtime, each with the same few names.

    unavailable() -> str | None      why it cannot run here, in one line
    starter(role, scene)             how a measured process of a role starts
    alone_cases(invocations)         the stages that it can measure by themselves
    profile(scene, run, seconds, seed)   a profile of the warm path, saved in the run

Roles: ``whole`` and ``control`` run the path as it is, ``metered`` reads the clock
between stages, ``floor`` answers with no stage in it, ``alone`` runs one stage at a
time with its calls answered from a recording.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from bench import registry
from bench.errors import UserError
from bench.measure.turns import Subject

if TYPE_CHECKING:
    from bench.store import Run
    from bench.world import World

NAMES = ("unavailable", "starter", "alone_cases", "profile")


@dataclass(frozen=True, slots=True)
class Scene:
    """What every measured process of one measurement shares: the world that was built
    in the services, and where they listen. ``path`` is its copy on disk, which the
    processes load, so that a 10 MB transcript is not sent through pipes."""

    world: World
    endpoints: Mapping[str, str]
    path: Path

    @classmethod
    @contextmanager
    def stage(cls, world: World, endpoints: Mapping[str, str]) -> Iterator[Scene]:
        """Write the copy to a temporary folder for as long as the block runs."""
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            path = Path(folder, "scene.pickle")
            path.write_bytes(pickle.dumps((world, dict(endpoints))))
            yield cls(world, endpoints, path)

    @classmethod
    def load(cls, path: str) -> Scene:
        """The scene as a measured process sees it."""
        world, endpoints = pickle.loads(Path(path).read_bytes())  # noqa: S301 - own file
        return cls(world, endpoints, Path(path))


class Runtime(Protocol):
    """The names that each file of this folder defines."""

    def unavailable(self) -> str | None:
        """Why the runtime cannot run here, or None."""

    def starter(self, role: str, scene: Scene) -> Callable[[int], Subject]:
        """How a process of ``role`` starts, given a seed."""

    def alone_cases(self, invocations: Sequence[str]) -> list[str]:
        """Cases ``invocation/stage`` of the role ``alone``."""

    def profile(self, scene: Scene, run: Run, seconds: float, seed: int) -> None:
        """Profile the warm path and save the files under ``profiles/``."""


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
