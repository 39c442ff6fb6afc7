"""Where the request path runs: one file a runtime, each with the same few names.

    WORKERS: bool                    whether Workers runs it, so that limits apply
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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from bench import registry
from bench.errors import BenchError, UserError
from bench.measure.turns import Subject

if TYPE_CHECKING:
    from bench.path.env import Env
    from bench.path.transport import Transport
    from bench.store import Run
    from bench.world import World

NAMES = ("WORKERS", "unavailable", "starter", "alone_cases", "profile")


@dataclass(frozen=True, slots=True)
class Scene:
    """What every measured process of one measurement shares.

    The world that was built in the services, where they listen, and the expected
    status and body of each invocation. ``path`` is its copy on disk, which the
    processes load, so that a 10 MB transcript is not sent through pipes.
    """

    world: World
    endpoints: Mapping[str, str]
    expected: Mapping[str, tuple[int, bytes]]
    path: Path

    @classmethod
    @contextmanager
    def stage(cls, world: World, endpoints: Mapping[str, str]) -> Iterator[Scene]:
        """Write the copy to a temporary folder for as long as the block runs.

        Raises BenchError when a request does not get the same good answer twice.
        """
        expected = _reference(world, endpoints)
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
            path = Path(folder, "scene.pickle")
            path.write_bytes(pickle.dumps((world, dict(endpoints), expected)))
            yield cls(world, endpoints, expected, path)

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
