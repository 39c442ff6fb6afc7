"""The folder of results, removed under `bench run` and its kernel."""

from __future__ import annotations

from .removed_folder import EXITS, find, strike

__all__ = ["EXITS", "WORK", "find", "strike"]

WORK = "run"
