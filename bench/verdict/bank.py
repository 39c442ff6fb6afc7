"""The CPU limit as Workers enforces it: a credit that rolls over, not a threshold.

Each isolate has a bank of CPU time. What a request leaves of its limit is put into it,
what it takes beyond its limit is taken out, and only a request that finds too little in
it is ended (error 1102). A fresh isolate starts with some credit, for compilation (K.
Varda, Workers, February 2024, answeroverflow.com/m/1395089750846734346; the same in
cloudflare-workers-wasm-demo issue 3, 2019; `completedRequest` in workerd's
io/limit-enforcer.h). So a request over the limit is nothing, and a mean over the limit
is the end, some time later: it works in a test and dies with traffic.

How large the bank gets and how much is in it at first is not published, only that it
does not start empty. ``GUESSES`` spans what is known: from 100 ms, a guess, to the 2 s
that a loop in a fresh isolate of the free plan was seen to survive (third-party report
of 2026-08-21: alive at 1.9 s, ended at 2 s). ``STRICTER`` are models that all this
refutes; they are shown, and no verdict rests on them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.verdict._matrix_terms import UNTIL, rounded
from bench.verdict.answer import FITS, TOO_MUCH

REQUESTS = 500
"""Requests that an isolate is followed for."""
TOLERATED = 0.01
"""Share of isolates that may be ended before a workload is said not to fit."""
FEW = 10
"""An isolate that is ended within so few requests has served nobody."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bank:
    """A limit of ``limit_ms`` a request, and a bank that starts with ``credit_ms`` and
    holds at most ``cap_ms``. Raises ValueError for a bank that could not be one."""

    limit_ms: float
    cap_ms: float
    credit_ms: float

    def __post_init__(self) -> None:
        if not (self.limit_ms > 0 and 0 <= self.credit_ms <= self.cap_ms):
            raise ValueError(f"{self} needs limit > 0 and 0 <= credit <= cap")


_SIZES = (100.0, 400.0, 2000.0)
GUESSES = tuple((cap, credit) for cap in _SIZES for credit in _SIZES if credit <= cap)
"""Pairs of cap and first credit in ms, each as likely as the others."""
STRICTER = ((0.0, 0.0), (400.0, 0.0))
"""No bank at all, which is a threshold, and one that starts empty."""
MIDDLE = (2000.0, 400.0)
"""The pair that stands for all of them where one number is asked for."""


def banks(
    limit_ms: float, guesses: Sequence[tuple[float, float]] = GUESSES
) -> list[Bank]:
    """A bank of each guess over one limit."""
    return [Bank(limit_ms, cap, credit) for cap, credit in guesses]


def deaths(costs: Array, banks: Sequence[Bank]) -> NDArray[np.int64]:
    """Number of the request that ends each isolate in each bank, counted from 1.

    ``costs`` is CPU in ms, (..., requests); the result is (banks, ...). An isolate that
    outlives its requests has their number and one more.
    """
    alive = costs.shape[-1] + 1
    flat = costs.reshape(-1, costs.shape[-1])
    dead = np.full((len(banks), len(flat)), alive, dtype=np.int64)
    # A bank only ever fills in between: who overdraws less than any credit lives.
    lowest = min(bank.limit_ms for bank in banks)
    over = np.maximum(flat - lowest, 0).sum(axis=-1)
    risky = np.flatnonzero(over > min(bank.credit_ms for bank in banks))
    if risky.size:
        dead[:, risky] = _walk(np.ascontiguousarray(flat[risky].T), banks)
    return dead.reshape(len(banks), *costs.shape[:-1])


def _walk(steps: Array, banks: Sequence[Bank]) -> NDArray[np.int64]:
    """``deaths`` of (requests, isolates), request by request."""
    limit, cap, credit = np.array(
        [(bank.limit_ms, bank.cap_ms, bank.credit_ms) for bank in banks],
        dtype=np.float64,
    ).T[..., np.newaxis]
    alive = len(steps) + 1
    dead = np.full((len(banks), steps.shape[1]), alive, dtype=np.int64)
    left = np.broadcast_to(credit, dead.shape).copy()
    for number, spent in enumerate(steps, start=1):
        left += limit - spent
        ended = (left < 0) & (dead == alive)
        if ended.any():
            dead[ended] = number
            if (dead < alive).all():
                break
        np.minimum(left, cap, out=left)
    return dead


def drawn(
    warm: Array,
    cold: Array,
    requests: int,
    isolates: int,
    rng: np.random.Generator,
) -> Array:
    """Costs in ms of (isolates, requests): the first one cold, all others warm."""
    costs = rng.choice(warm, size=(isolates, requests))
    costs[:, 0] = rng.choice(cold, size=isolates)
    return costs


def simulate(
    cpu: Sequence[float] | Array,
    cold: Sequence[float] | Array,
    bank: Bank,
    *,
    requests: int = REQUESTS,
    isolates: int = 200,
    seed: int = 1,
    factor: float = 1.0,
) -> Array:
    """Share of isolates that were ended by each request, of shape (requests,).

    ``cpu`` are the warm and ``cold`` the first requests in ms here, ``factor`` is what
    such a millisecond costs there. One seed draws the same requests for every bank and
    factor, so more credit never ends an isolate earlier. Raises ValueError where there
    is no cost, or one that is negative or no number.
    """
    warm, first = _checked(cpu), _checked(cold)
    rng = np.random.default_rng(seed)
    costs = factor * drawn(warm, first, requests, isolates, rng)
    [dead] = deaths(costs, [bank])
    ended = np.bincount(dead, minlength=requests + 2)[1 : requests + 1]
    return np.cumsum(ended) / isolates


def _checked(costs: Any) -> Array:
    found = np.asarray(costs, dtype=np.float64).ravel()
    if not found.size or not np.isfinite(found).all() or (found < 0).any():
        raise ValueError("CPU of requests must be positive numbers, at least one")
    return found


def lasts(dead: NDArray[np.int64], requests: int) -> Array:
    """Requests after which no more than the tolerated share of isolates was ended.

    ``dead`` is what ``deaths`` gave, (..., isolates) of ``requests`` each; infinite
    where that share is never exceeded.
    """
    spared = int(TOLERATED * dead.shape[-1])
    first = np.sort(dead, axis=-1)[..., spared]
    return np.where(first > requests, math.inf, first - 1.0)


def sustained(lasting: Array, mean_ms: Array, bank: Bank) -> Array:
    """``lasting`` with an end for what has a mean above the limit but had not yet used
    up its bank: requests that its credit still covers, at that mean."""
    over = np.maximum(mean_ms - bank.limit_ms, 0.0)
    covered = np.divide(
        bank.credit_ms, over, out=np.full_like(over, math.inf), where=over > 0
    )
    end = np.maximum(np.floor(covered), REQUESTS)
    return np.where((over > 0) & np.isinf(lasting), end, lasting)


def kind(lasting: float) -> str:
    """Which of the three verdicts so many requests per isolate are."""
    if math.isinf(lasting):
        return FITS
    return TOO_MUCH if lasting < FEW else UNTIL


def said(verdict: str, requests: float | None) -> str:
    """The verdict in words: ``fits until 60 requests per isolate``."""
    if verdict != UNTIL or requests is None:
        return verdict
    return f"{UNTIL} {rounded(requests)} requests per isolate"
