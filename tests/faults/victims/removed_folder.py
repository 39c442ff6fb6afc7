"""The folder of results, removed under the command that writes it."""

from __future__ import annotations

import shutil

from .._processes import wait_until

WORK = "stages of cpython"
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
