"""What every service has in common, so that adding one is adding a file.

A public module of this folder defines ``HOST`` (the Host header that the real client
sends) and ``Service`` (a subclass of Base). The server finds both by listing the
folder.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from bench.errors import BenchError, UserError
from bench.services._messages import Answer, Call, Reply, json_reply


class NoSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A service without settings."""


class Base(ABC):
    """State, settings and answers of one service.

    Class attributes: ``Settings`` is a msgspec Struct whose fields and bounds are the
    settings; ``streams`` says that answers can be event streams, ``overloads`` that
    the provider has an "overloaded" answer (both decide which faults make sense; with
    ``streams``, ``stream_error`` and ``giant_event`` are to be defined too);
    ``commands`` names the methods that the control port may call; ``charges`` are the
    meters that the provider would bill requests by, and how each is counted. A meter
    is the id of its price in `bench/platform/prices.toml` without ``.price``.
    """

    Settings: ClassVar[type[msgspec.Struct]] = NoSettings
    streams: ClassVar[bool] = False
    overloads: ClassVar[bool] = False
    commands: ClassVar[frozenset[str]] = frozenset()
    charges: ClassVar[Mapping[str, str]] = {}
    #: In a stream, a giant event is put after the first event that contains this.
    giant_after: ClassVar[bytes] = b""

    def __init__(self, seed: int, clock: Callable[[], float] = time.time) -> None:
        self.seed = seed
        self.clock = clock
        self.settings: Any = self.Settings()
        #: What was charged since the start or the last reset, by meter.
        self.meters: Counter[str] = Counter()
        self.clear()

    def clear(self) -> None:  # noqa: B027 - a service may hold no data
        """Forget all data; settings stay."""

    def configure(self, values: Mapping[str, Any]) -> None:
        """Change settings. Raises UserError naming the setting that is wrong."""
        merged = {**msgspec.structs.asdict(self.settings), **values}
        self.settings = checked(merged, self.Settings, "setting")

    def put(self, data: Any) -> None:
        """Seed state; visible at once, whatever the delays."""
        raise UserError(
            "holds no data that could be put",
            field=self.name,
            remedy="put data into another service, or use configure",
        )

    def dump(self) -> Any:
        """The state as plain values."""
        return None

    def charge(self, meter: str, amount: int = 1) -> None:
        """Count ``amount`` of a meter. Raises BenchError unless ``charges`` has it."""
        if meter not in self.charges:
            raise BenchError(f"{self.name} does not say that it charges {meter}")
        self.meters[meter] += amount

    @abstractmethod
    def handle(self, call: Call) -> Answer:
        """Answer one request; may raise Refusal."""

    def failure(self, status: int, message: str) -> Reply:
        """An error answer in the provider's own shape."""
        return json_reply({"error": message}, status)

    def overloaded(self) -> Reply:
        """The provider's answer when it is overloaded."""
        return self.failure(503, "Overloaded")

    def stream_error(self) -> bytes:
        """The event that ends a stream when the provider is overloaded."""
        raise BenchError(f"{self.name} answers no event streams")

    def giant_event(self, size: int) -> bytes:
        """A valid event of the stream whose data line has ``size`` bytes."""
        raise BenchError(f"{self.name} answers no event streams")

    @property
    def name(self) -> str:
        """Name of the module that defines the service."""
        return type(self).__module__.rpartition(".")[2]


def checked(values: Mapping[str, Any], kind: type[Any], what: str) -> Any:
    """``values`` as a ``kind``. Raises UserError with its fields as the remedy."""
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        names = ", ".join(field.name for field in msgspec.structs.fields(kind))
        raise UserError(
            str(error),
            field=what,
            remedy=f"known here: {names}" if names else f"there is no {what} here",
        ) from error
