"""The re-ranking service: ids in, their places in the new order out.

It holds the vectors itself, so that the Worker needs to fetch none of them. The body is
binary (`bench.services._rerank_wire` has the form): 1,536 numbers as text would cost
more to write than the rest of the call. Keeping its vectors in step with the index is
not part of this path.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from bench.path import wire
from bench.path.env import Env
from bench.path.errors import Malformed, bad_status
from bench.path.http import Call

SERVICE = "rerank"
_BYTES = "application/octet-stream"


def places(
    env: Env, vector: Sequence[float], ids: Sequence[str], tenant: str
) -> Sequence[int]:
    """Places of ``ids`` in the order of the custom score, best first."""
    asked = {"tenant": tenant, "now": env.clock(), "ids": list(ids)}
    call = Call(
        SERVICE,
        "POST",
        "/rerank",
        {"content-type": _BYTES, "accept": _BYTES},
        _packed({"dims": len(vector), "queries": [asked]}, vector),
        env.options.timeout_s,
    )
    reply = env.transport.send(call)
    if reply.status != 200:
        raise bad_status(SERVICE, reply)
    try:
        order = struct.unpack_from(f"<{len(ids)}I", reply.body)
    except struct.error as error:
        raise Malformed(SERVICE, "body") from error
    # A score of four bytes follows for each place.
    if len(reply.body) != 8 * len(ids) or sorted(order) != list(range(len(ids))):
        raise Malformed(SERVICE, "places")
    return order


def _packed(header: object, vector: Sequence[float]) -> bytes:
    text = wire.dumps(header)
    padding = b"\0" * (-len(text) % 4)
    try:
        floats = struct.pack(f"<{len(vector)}f", *vector)
    except OverflowError as error:
        raise Malformed("embeddings", "values") from error
    return struct.pack("<I", len(text)) + text + padding + floats
