"""Loops that Numba compiles, once for as long as their source stays the same.

Machine code is kept under ``.cache/numba`` of the checkout, or where
``NUMBA_CACHE_DIR`` says. Where neither can be written it is compiled anew each time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from bench.paths import ROOT

F = TypeVar("F", bound=Callable[..., Any])


def _folder() -> Path:
    """Where code of this source belongs.

    Numba looks at the file of a function only, not at those of the functions that it
    calls, so the folder is named by all files that hold such functions.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    base = os.environ.get("NUMBA_CACHE_DIR") or ROOT / ".cache" / "numba"
    return Path(base) / digest.hexdigest()[:16]


def _is_kept(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


_FOLDER = _folder()
_KEPT = _is_kept(_FOLDER)
# Set like this because the types of Numba do not know what its settings are.
vars(numba.config)["CACHE_DIR"] = str(_FOLDER)


def compiled(function: F) -> F:
    """``function`` as machine code that lets other threads run beside it."""
    made: Any = numba.njit(nogil=True, cache=_KEPT)(function)
    return cast(F, made)
