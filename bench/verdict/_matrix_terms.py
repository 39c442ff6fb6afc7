"""Words of the matrix that its text and its picture share, free of heavy imports."""

from __future__ import annotations

UNTIL = "fits until"
NOT_MEASURED = "not measured"


def rounded(requests: float) -> str:
    """A number of requests with two significant digits, which is all it is worth."""
    return f"{float(f'{requests:.2g}'):,.0f}"
