"""What every invocation carries from stage to stage."""

from __future__ import annotations

from dataclasses import dataclass

from bench.path.http import Request, Response


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks: the value of a session token."""

    tenant: str
    user: str


class State:
    """Base of the state of an invocation; each adds what its own stages hand on.

    Fields without a default are set by the stage that their comment names, and read
    only by later ones.
    """

    session: Session  # auth, or receive

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Response | None = None  # by the stage that has it
        self.tail: list[bytes] = []  # sent after the body, by stages of WHEN = "end"
        self.failures: list[str] = []  # stages that failed after the head was sent
