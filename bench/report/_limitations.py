"""What the numbers of a report do not say, as far as it applies to this one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.figures._common import number, spoken
from bench.platform import LimitProfile
from bench.verdict.answer import TRANSFER_HIGH, TRANSFER_LOW

Row = dict[str, Any]

_FACTOR = (
    "A millisecond of this machine is not one of Cloudflare's. Without production "
    f"telemetry the factor is taken to lie between {TRANSFER_LOW:g} and "
    f"{TRANSFER_HIGH:g}; a verdict is given only where it holds over that range."
)
_COMPARED = {
    "parsers": (
        "A ratio of parsers is one of a body, a mode and a machine: other shapes of "
        "JSON shift it, and a parser that is not asked for everything does less.",
        "A parser's CPU is that of its thread over many warm parses. V8's helper "
        "threads collect garbage beside it and are not in the number.",
        "Cost by size is a line through generated transcripts, which are alike but for "
        "their length. Beyond the largest it is an extrapolation, and says so.",
        "A text that a parser reads right is no proof: the tests are examples.",
    ),
    "rerank": (
        "The index answers with a prepared response over loopback, so that retrieval "
        "itself costs nothing here; a network is added by arithmetic, without TLS.",
        "Exact means cosines of the vectors as the index returns them. Leaving the "
        "order to the index is cheaper and is another answer.",
        "Offloading moves the CPU to a service that somebody runs and pays for; only "
        "the Worker's part is held against the limit.",
    ),
    "matrix": (
        "A share of draws counts simulated worlds: sizes of the bank that nobody has "
        "published, a factor for the machine, resamples of the requests. It is no "
        "probability, and another set of worlds would give another one.",
        "The stage that drives a workload is told from the default request, whose "
        "stages were measured, and not from the workload's own.",
    ),
    "workloads": (
        "A workload is replayed with one input, or with a few sizes of it, against "
        "services that answer at once: other inputs shift its row.",
        "An engine outside has one core to itself, a few thousand vectors, and all of "
        "them in memory. What it takes of millions is an extrapolation over orders of "
        "magnitude, as wide as its interval says.",
    ),
    "remedies": (
        "Lags, rates and caches of the services follow documented rules on loopback; "
        "that production keeps to them is taken from its documentation.",
    ),
    "claims": (
        "A claim is refused only where no factor in the range makes it true, and by "
        "this machine and these inputs; the article does not say what its own were.",
    ),
    "capacity": (
        "A capacity plan is a simulation: how isolates live, where requests arrive and "
        "how long they wait for what is outside are assumptions, and not measured.",
    ),
}

_WORKERD = (
    "workerd enforces no limit here: the workbench holds its numbers against the "
    "limits by arithmetic, and what Cloudflare counts may differ from what its open "
    "source shows.",
    "In workerd a stage's cost is the difference of two requests, one with the stage "
    "and one without. Its noise is that of both, so a small stage may come out "
    "slightly negative, and a bar shows such a part as nothing.",
    "Time under the isolate lock is wall time in workerd's own trace, taken on a "
    "pinned core in processes of their own. Tracing costs something, and a thread that "
    "had to wait while it held the lock is counted as if it had worked.",
    "V8's helper threads, which compile and collect garbage, share the measuring core "
    "and are counted apart. Whether production charges them is not documented.",
)


def limitations(document: Row, limits: LimitProfile) -> list[str]:
    """Sentences for the numbered list of the report, most important first."""
    rows = document.get("rows") or []
    wholes = document.get("invocations") or []
    runtimes = {str(row.get("runtime")) for row in rows}
    found = [
        _FACTOR,
        *_languages(runtimes),
        "The limit is a bank and not a threshold: unused CPU of earlier requests pays "
        "for an overrun, and neither its size nor its first credit is published.",
        *(_WORKERD if "workerd" in runtimes else ()),
        *_unlocked(wholes),
        "Services answer over loopback, without encryption and in no time. What the "
        "network costs in waiting is not CPU and is not here; what encryption costs a "
        "client is not here either.",
    ]
    if "cpython" in runtimes:
        found.append(
            "In CPython the HTTP client's CPU is the work of a Python library. Workers "
            "does that work outside the request's CPU account."
        )
    found += [
        "One machine and one input: other transcripts, longer conversations and other "
        "processors shift every row.",
        "The first request of a fresh isolate or process includes what the runtime "
        "loads and compiles on first use. The start-up itself is a separate limit.",
    ]
    if any(row.get("alone_ms") is not None for row in rows):
        found.append(
            "A stage alone runs over warm data; inside the path it reads what was just "
            "parsed. The number of the path is the one that is billed."
        )
    if limits.note:
        found.append(f"{limits.name}: {limits.note}")
    return found


def comparisons(compared: Iterable[str], *, staged: bool) -> list[str]:
    """The same for the comparisons of a run; ``staged`` where `limitations` has said
    what holds for any number."""
    texts = [text for kind in compared for text in _COMPARED.get(kind, ())]
    return texts if staged or not texts else [_FACTOR, *texts]


def _languages(runtimes: set[str]) -> list[str]:
    """What CPython's numbers are good for, which depends on what stands beside them."""
    if "cpython" not in runtimes:
        return []
    if "workerd" in runtimes:
        return [
            "CPython is not what Workers runs: its rows show the same path in another "
            "language and get no verdict. The two differ in their HTTP clients and in "
            "how a stage is told apart, so a single stage of one is not the other's."
        ]
    return [
        "CPython is not what Workers runs, which is V8, and workerd was not measured "
        "in this run. It says which stages cost most and how they grow, not what a "
        "Worker in JavaScript would use; the limits beside its numbers only give the "
        "scale."
    ]


def _unlocked(wholes: list[Row]) -> list[str]:
    """Runtimes of Workers whose time under the lock could not be told."""
    names = dict.fromkeys(
        spoken(row.get("runtime"))
        for row in wholes
        if row.get("workers") and number(row.get("locked_ms")) is None
    )
    return [
        f"This {name} cannot trace itself, so its time under the isolate lock is not "
        "known and all CPU of its thread stands in for what is charged, which is more."
        for name in names
    ]
