"""A driver whose files may not grow any more: a full disk that needs no file system.

The limit is of the process that runs, so that it can come at any moment (Linux).
"""

from __future__ import annotations

import resource
from contextlib import contextmanager

WORK = "stages of cpython"
EXITS = (2,)
# More than what it says at its end, less than a manifest.
LIMIT_BYTES = 1024


@contextmanager
def place(scratch):
    """Any folder, where a process can be limited from outside."""
    yield scratch if hasattr(resource, "prlimit") else None


def find(driver, folder):
    """The driver, once the run has been made."""
    return [driver] if folder.exists() else []


def strike(process, folder):
    """Take the right to write longer files, as `ulimit -f` would have."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    limit = (LIMIT_BYTES, before[1])
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limit)
