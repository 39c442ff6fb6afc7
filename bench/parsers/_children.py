"""One question after the other to processes that may die of any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from bench.measure.process import ChildError


class Answering(Protocol):
    """A process that can be asked once it is ready."""

    def ready(self) -> None:
        """Wait for the set-up. Raises ChildError."""


Process = TypeVar("Process", bound=Answering)


def each(
    cases: Mapping[str, Any],
    start: Callable[[Mapping[str, Any]], AbstractContextManager[Process]],
    ask: Callable[[Process, str], Any],
) -> Iterator[tuple[str, Any]]:
    """What a process says to each case; where it ends, the ChildError, and a new one.

    A process whose set-up fails says the same to all cases.
    """
    left = dict(cases)
    while left:
        with start(left) as process:
            try:
                process.ready()
            except ChildError as error:
                yield from ((case, error) for case in left)
                return
            for case in list(left):
                del left[case]
                try:
                    said = ask(process, case)
                except ChildError as error:
                    yield case, error
                    break
                yield case, said
