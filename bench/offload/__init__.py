"""What a Worker still pays for re-ranking when the ranking itself is moved out.

Cosines are cheap; what they are computed from is not. A Worker that sends the vectors
on has parsed them out of the index's JSON first, so the options differ in what is
fetched and what is sent, and each is measured as a whole request in workerd: the index
is asked, the option carried out, the ids are answered in their new order.

Every option fetches the metadata, because the path needs the texts in it. Left out, as
the same in all of them, is what happens before: the query's embedding, and writing it
into the question to the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Near = Literal["", "score", "cosine"]


@dataclass(frozen=True, slots=True)
class Option:
    """``values``: whether the index is asked for the vectors; it scores exactly then,
    and approximately otherwise (Cloudflare docs, Vectorize query vectors, 2026-08-05).
    ``near`` is what the custom score is made of: nothing, the index's score, or the
    cosine of the vectors. ``body`` is what is sent to the service, if anything is.
    """

    name: str
    values: bool
    near: Near
    body: Literal["", "json", "binary", "ids"]
    note: str

    @property
    def offloads(self) -> bool:
        """Whether it needs the service."""
        return bool(self.body)


OPTIONS = {
    option.name: option
    for option in (
        Option("off", False, "", "", "the index's order as it is; what all others add"),
        Option(
            "metadata",
            False,
            "score",
            "",
            "custom score over the index's approximate scores, in the Worker",
        ),
        Option(
            "exact",
            True,
            "score",
            "",
            "custom score over exact scores, for which the index sends the vectors "
            "along, wanted or not: they are parsed and dropped",
        ),
        Option(
            "in_path",
            True,
            "cosine",
            "",
            "cosine and custom score in the Worker, by its own stage",
        ),
        Option(
            "offload_json",
            True,
            "cosine",
            "json",
            "vectors parsed from JSON, and written as JSON again for the service",
        ),
        Option(
            "offload_binary",
            True,
            "cosine",
            "binary",
            "vectors parsed from JSON, and sent to the service as float32",
        ),
        Option(
            "offload_ids",
            False,
            "cosine",
            "ids",
            "only ids and the query are sent; the service holds the vectors, a second "
            "copy of the index that somebody has to keep up to date",
        ),
    )
}


def case(option: str, size: str) -> str:
    """The name of an option at a size, such as ``in_path/8x1536``."""
    return f"{option}/{size}"


def size(k: int, dims: int) -> str:
    """The name of ``k`` matches of ``dims`` dimensions."""
    return f"{k}x{dims}"
