"""What the numbers of a report do not say, as far as it applies to this one."""

from __future__ import annotations

from typing import Any

from bench.platform import LimitProfile
from bench.verdict.answer import TRANSFER_HIGH, TRANSFER_LOW


def limitations(document: dict[str, Any], limits: LimitProfile) -> list[str]:
    """Sentences for the numbered list of the report, most important first."""
    rows = document.get("rows") or []
    runtimes = {str(row.get("runtime")) for row in rows}
    found = [
        "A millisecond of this machine is not one of Cloudflare's. Without production "
        f"telemetry the factor is taken to lie between {TRANSFER_LOW:g} and "
        f"{TRANSFER_HIGH:g}; a verdict is given only where it holds over that range.",
        "The limit is a bank and not a threshold: unused CPU of earlier requests pays "
        "for an overrun, and neither its size nor its first credit is published.",
        "Services answer over loopback, without encryption and in no time. What the "
        "network costs in waiting is not CPU and is not here; what encryption costs a "
        "client is not here either.",
        "The HTTP client's CPU is the work of a library in this runtime. Workers does "
        "that work mostly outside the request's CPU account.",
        "One machine and one input: other transcripts, longer conversations and other "
        "processors shift every row.",
        "The first request of a fresh process includes what the runtime loads and "
        "compiles on first use. The start-up itself is a separate limit.",
    ]
    if "cpython" in runtimes:
        found.insert(
            1,
            "CPython is not what Workers runs, which is V8. It says which stages cost "
            "most and how they grow, not what a Worker in JavaScript would use; the "
            "limits beside its numbers only give the scale.",
        )
    if any(row.get("alone_ms") is not None for row in rows):
        found.append(
            "A stage alone runs over warm data; inside the path it reads what was just "
            "parsed. The number of the path is the one that is billed."
        )
    if limits.note:
        found.append(f"{limits.name}: {limits.note}")
    return found
