"""What one isolate remembers of the conversations that it wrote.

The article's cure for a replica that lags: what was just written is taken from memory
instead of being read again. It holds only where the next request of the conversation
reaches the same isolate, which Workers do not promise.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

_CONVERSATIONS = 1000


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation; ``role`` is user, assistant or tool."""

    id: str
    role: str
    content: str
    tokens: int


class Memory:
    """Newest messages by (tenant, conversation), the least used ones forgotten."""

    def __init__(self, conversations: int = _CONVERSATIONS) -> None:
        self._limit = conversations
        self._known: OrderedDict[tuple[str, str], dict[str, Message]] = OrderedDict()

    def remember(
        self, key: tuple[str, str], messages: Iterable[Message], keep: int
    ) -> None:
        """Add ``messages`` to a conversation; only its newest ``keep`` stay."""
        known = self._known.setdefault(key, {})
        for message in messages:
            known[message.id] = message
        for old in list(known)[: max(0, len(known) - keep)]:
            del known[old]
        self._known.move_to_end(key)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def merge(self, key: tuple[str, str], rows: list[Message]) -> list[Message]:
        """``rows``, oldest first, with what they miss of this isolate's writes.

        Replicas apply writes in order, so what they miss is newer than what they have.
        What lies before a write that they have is missing for another reason: it is
        older than ``rows``, or was replaced by a summary.
        """
        known = self._known.get(key, {})
        missed: list[Message] = []
        there = {row.id for row in rows}
        for id_, message in known.items():
            if id_ in there:
                missed.clear()
            else:
                missed.append(message)
        return [known.get(row.id, row) for row in rows] + missed

    def forget(self, key: tuple[str, str], ids: Iterable[str]) -> None:
        """Drop messages that were replaced by a summary."""
        known = self._known.get(key, {})
        for old in ids:
            known.pop(old, None)
