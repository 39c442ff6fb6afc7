"""What every test shares: recorded inputs where they exist, and fixed randomness."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REAL = Path(__file__).parents[2] / "shared" / "real"

# Derandomised: the same examples on every machine and in every run.
settings.register_profile(
    "workbench",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("workbench")


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of recorded inputs; the test is skipped where it is absent."""
    if not REAL.is_dir():
        pytest.skip("the recorded inputs are not beside this checkout")
    return REAL
