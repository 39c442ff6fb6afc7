"""Families of processes: who belongs to a command, and whether all of it has ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil

PATIENCE_S = 30.0
POLL_S = 0.02


def family(process: psutil.Process) -> list[psutil.Process]:
    """``process`` and all that it started, directly or not."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def named(process: psutil.Process, *words: str) -> bool:
    """Whether each of ``words`` stands in the process's command line."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return all(word in line for word in words)


def sessions(processes: list[psutil.Process]) -> set[int]:
    """Sessions of ``processes``: what is started later is in one of them too."""
    found = set()
    for process in processes:
        try:
            found.add(os.getsid(process.pid))
        except ProcessLookupError:
            continue
    return found


def alive(members: list[psutil.Process], groups: set[int]) -> list[str]:
    """Command lines of what still lives of ``members`` and in the sessions."""
    found = {process for process in members if process.is_running()}
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) in groups:
                found.add(process)
        except ProcessLookupError:
            continue
    return [line for line in map(_line, found) if line]


def _line(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return f"{process.pid} {' '.join(process.cmdline())[:120]}"
    except psutil.Error:
        return ""


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
