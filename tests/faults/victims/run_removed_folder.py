"""The folder of results, removed under `bench run` and its kernel."""

from __future__ import annotations

import shutil

from .._processes import wait_until

WORK = "run"
EXITS = (2,)


def find(driver, folder):
    """The driver, once there is something to remove."""
    return [driver] if folder.exists() else []


def strike(process, folder):
    """Remove it, whatever is being written into it."""

    def gone():
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    wait_until(gone)
