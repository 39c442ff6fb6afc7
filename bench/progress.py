"""One progress display with time left, whoever does the work.

On a terminal it is one line that redraws itself, and so it is below the cell of a
notebook; elsewhere an occasional line of text.
A measuring process inside a notebook cannot draw on the user's terminal, so it reports:
where ``WORKBENCH_PROGRESS`` names a file, each step is appended there as a line of
JSON, and the batch driver, which reads the file, shows all of it in its own display.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TextIO

VARIABLE = "WORKBENCH_PROGRESS"
PLAIN_SECONDS = 10.0
CELL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class State:
    """How far the work is: a fraction in 0..1, what is being done, seconds left."""

    label: str
    fraction: float
    left_s: float | None


class Display(Protocol):
    """Where progress is shown."""

    def show(self, state: State) -> None:
        """Show or pass on ``state``."""

    def close(self) -> None:
        """End the display and leave the terminal as it was."""


class Progress:
    """Progress over ``steps`` of about equal length, over ``seconds``, or over both.

    With both, steps say how far it is and seconds how long it takes. Use it as a
    context manager; it never raises because of what it draws on.
    """

    def __init__(
        self,
        *,
        steps: int | None = None,
        seconds: float | None = None,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._display = _display(quiet, stream or sys.stderr)
        self._label = ""
        self.expect(steps=steps, seconds=seconds)

    def expect(self, *, steps: int | None = None, seconds: float | None = None) -> None:
        """Set or correct what lies ahead, counted from this moment on."""
        self._steps, self._seconds = steps, seconds
        self._begun = 0
        self._start = self._clock()
        self._fraction = 0.0

    def step(self, label: str) -> None:
        """Say that ``label`` begins; the step before it is done."""
        self._label = label
        if self._steps:
            self._fraction = min(self._begun / self._steps, 1.0)
        elif self._seconds:
            self._fraction = min((self._clock() - self._start) / self._seconds, 0.99)
        self._begun += 1
        self._show()

    def at(self, fraction: float, label: str) -> None:
        """Say how far the whole is, 0 to 1, where another process counts the steps."""
        self._label = label
        self._fraction = min(max(fraction, 0.0), 1.0)
        self._show()

    def close(self) -> None:
        """Remove the display."""
        self._display.close()

    def left_s(self) -> float | None:
        """Seconds that are left; None while nothing is known."""
        elapsed = self._clock() - self._start
        if self._seconds:
            return max(self._seconds - elapsed, 0.0)
        if self._fraction <= 0.0:
            return None
        return elapsed * (1.0 - self._fraction) / self._fraction

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _show(self) -> None:
        self._display.show(State(self._label, self._fraction, self.left_s()))


class Follower:
    """Reads what another process reports through ``VARIABLE``."""

    def __init__(self, path: Path) -> None:
        """Follow the file at ``path``, which need not exist yet."""
        self._path = path
        self._offset = 0

    def latest(self) -> State | None:
        """The newest whole report since the last call, None without one."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                data = stream.read()
        except OSError:
            return None
        whole, newline, _ = data.rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        if not whole:
            return None
        return State(**json.loads(whole.rpartition(b"\n")[2]))


def duration(seconds: float) -> str:
    """``seconds`` as a person would say them: ``0:07``, ``3:20``, ``1:02:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _Silent:
    def show(self, state: State) -> None:
        """Nothing is wanted."""

    def close(self) -> None:
        """Nothing was opened."""


class _Relay:
    """Appends each state to the file that the driver follows."""

    def __init__(self, path: str) -> None:
        self._path = path

    def show(self, state: State) -> None:
        data = json.dumps(asdict(state)).encode() + b"\n"
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "ab", buffering=0) as out:
                out.write(data)
        except OSError:
            self._path = os.devnull  # the driver is gone: nobody reads it

    def close(self) -> None:
        """The driver removes the file."""


class _Plain:
    """One line at the start, then at most one in ``PLAIN_SECONDS``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: float | None = None

    def show(self, state: State) -> None:
        now = time.monotonic()
        if self._last is not None and now - self._last < PLAIN_SECONDS:
            return
        self._last = now
        left = "" if state.left_s is None else f", {duration(state.left_s)} left"
        print(
            f"{state.fraction:4.0%} {state.label}{left}", file=self._stream, flush=True
        )

    def close(self) -> None:
        """Lines stay where they are."""


class _Cell:
    """A line below the cell of a notebook, drawn anew at most once in
    ``CELL_SECONDS``. The executed notebook keeps the last one alone."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._start = self._last = time.monotonic()
        self._text = ""

    def show(self, state: State) -> None:
        filled = round(state.fraction * 20)
        bar = "█" * filled + "░" * (20 - filled)
        self._text = f"{bar} {state.fraction:4.0%}  {state.label}"
        now = time.monotonic()
        if self._handle is not None and now - self._last < CELL_SECONDS:
            return
        self._last = now
        left = "" if state.left_s is None else f", {duration(state.left_s)} left"
        self._draw(self._text + left)

    def close(self) -> None:
        if self._text:
            took = duration(time.monotonic() - self._start)
            self._draw(f"{self._text}, ended after {took}")

    def _draw(self, text: str) -> None:
        from IPython.display import display

        content = {"text/plain": text}
        if self._handle is None:
            show: Any = display
            self._handle = show(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


class _Bar:
    """A line of a terminal, drawn by rich; it honours NO_COLOR."""

    def __init__(self, stream: TextIO) -> None:
        from rich import progress
        from rich.console import Console

        # Twice a second: drawing must not take the driver's core from the services.
        self._bar = progress.Progress(
            progress.BarColumn(bar_width=24),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[left]:>8}"),
            progress.TextColumn("{task.description}", markup=False),
            console=Console(file=stream),
            refresh_per_second=2,
            transient=True,
        )
        self._task = self._bar.add_task("", total=1.0, left="")
        self._bar.start()

    def show(self, state: State) -> None:
        left = "" if state.left_s is None else f"{duration(state.left_s)} left"
        self._bar.update(
            self._task, description=state.label, completed=state.fraction, left=left
        )

    def close(self) -> None:
        self._bar.stop()


def _display(quiet: bool, stream: Any) -> Display:
    relay = os.environ.get(VARIABLE)
    if quiet:
        return _Silent()
    if relay:
        return _Relay(relay)
    if stream is sys.stderr and _in_kernel():
        return _Cell()
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return _Bar(stream)
    return _Plain(stream)


def _in_kernel() -> bool:
    # Nothing is imported for the answer: without IPython there is no kernel.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
