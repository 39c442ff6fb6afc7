"""What the tests share: recorded inputs, fixed randomness, services that run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from service_support import Clock

    from bench.services import Services
    from bench.world import World

REAL = Path(__file__).parents[2] / "shared" / "real"

# Derandomised: the same examples on every machine and in every run.
settings.register_profile(
    "workbench",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("workbench")

# A shell ignores Ctrl-C for what it starts in the background, and what that starts
# inherits it: tests of an interruption would wait for an end that never comes.
signal.signal(signal.SIGINT, signal.default_int_handler)


# They measure for real, and alone at the end they would keep all other cores waiting.
LONGEST = ("test_measure_stages", "test_workerd_stages", "test_cli")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, and keep the order of the others."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of recorded inputs; the test is skipped where it is absent."""
    if not REAL.is_dir():
        pytest.skip("the recorded inputs are not beside this checkout")
    return REAL


# Imported where they are used: most tests need neither services nor a world.


@pytest.fixture
def clock() -> Clock:
    """The clock of a single service."""
    from service_support import Clock

    return Clock()


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    """All services in a process of their own, one for the tests of a module."""
    from bench.services import start

    with start(seed=1) as running:
        yield running


@pytest.fixture(scope="module")
def built(services: Services) -> World:
    """The default journey, seeded into ``services``."""
    from bench import fixture_set, world

    return world.build(services, fixture_set.read("transcript.json"))
