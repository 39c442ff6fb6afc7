"""The decision matrix: each workload against each limit profile, from raw samples.

Nothing is measured here, and no summary of another verb is read: the rows of
``samples.parquet`` and the tables of limits are all there is, so that one run always
gives the same matrix and another sample gives another one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.measure.statistics import Interval
from bench.platform import LimitProfile, limit_profile, limit_profiles
from bench.transfer import Transfer, factors, of_run
from bench.verdict import _matrix_costs, _matrix_limits, bank, sensitivity
from bench.verdict import _matrix_words as words
from bench.verdict._matrix_costs import Costs
from bench.verdict._matrix_draws import (
    ISOLATES,
    RESAMPLES,
    Draws,
    Share,
    draw,
    share,
)
from bench.verdict._matrix_driver import Driver, driver
from bench.verdict._matrix_terms import NOT_MEASURED
from bench.verdict.answer import FITS, TOO_MUCH
from bench.verdict.sensitivity import Law

if TYPE_CHECKING:
    import pandas as pd

    from bench.store import Run

SCHEMA = 1
_RANKED = ("rag_simple", "rag_complex")
_EXTERNAL = "external"
_MOST = 0.5
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Route:
    costs: Costs
    draws: Draws
    in_worker: bool


@dataclass(frozen=True, slots=True)
class _Study:
    """One workload as a run has it; ``native`` is None where it was not measured."""

    name: str
    module: Any
    native: _Route | None
    others: Sequence[_Route]
    driver: Driver
    laws: Mapping[str, Law | None]
    transfer: Transfer | None


def document(
    run: Run, profiles: Sequence[LimitProfile] = (), seed: int = 1
) -> dict[str, Any]:
    """The matrix of a run: ``rows``, one for each workload and profile, in their order.

    ``profiles`` are all of `limits.toml` where none are named. A row has

        workload, title, profile, limit_ms, article, article_choice
        verdict, requests   in words, and after how many requests an isolate ends
        confidence          share of the draws with that verdict
        margin_ms, margin_low, margin_high  limit less the mean CPU of a request, here,
                            or times the fitted factor where the run keeps one
        driver, driver_share, driver_of
                            the stage, the size, or the id of the limit, that decides
        choice              native, or where to put it instead
        flips_at            {factor, payload, k, dims}: where fitting ends
        agrees, why         with the article, and one sentence
        evidence            ids of the samples behind it (`bench.verdict.evidence`)

    ``sensitivity`` has the table that ``bench.verdict.sensitivity.rows`` describes,
    ``assumptions`` what was guessed; the factor is not, where the run keeps one that
    was fitted (``transfer.json``). Numbers are None where nothing was measured.

    Raises UserError where that file is damaged.
    """
    from bench import workloads

    samples = run.samples()
    profiles = profiles or list(limit_profiles().values())
    transfer = of_run(run.path)
    studies = [
        _study(samples, name, module, seed, transfer)
        for name, module in workloads.load().items()
    ]
    judged = [_judge(study, profile) for study in studies for profile in profiles]
    return {
        "schema": SCHEMA,
        "run": run.id,
        "machine": run.machine,
        "command": run.manifest["command"],
        "profiles": [profile.name for profile in profiles],
        "assumptions": _assumptions(seed, transfer),
        "rows": [row for row, _ in judged],
        "sensitivity": [line for _, table in judged for line in table],
    }


def _assumptions(seed: int, transfer: Transfer | None) -> Row:
    fitted = {} if transfer is None else {"transfer": transfer.as_row()}
    return {
        "banks": [{"cap_ms": cap, "credit_ms": first} for cap, first in bank.GUESSES],
        "middle_bank": dict(zip(("cap_ms", "credit_ms"), bank.MIDDLE, strict=True)),
        "factors": list(factors(transfer)),
        "resamples": RESAMPLES,
        "isolates": ISOLATES,
        "requests": bank.REQUESTS,
        "tolerated": bank.TOLERATED,
        "few": bank.FEW,
        "seed": seed,
        **fitted,
    }


def _study(
    samples: pd.DataFrame,
    name: str,
    module: Any,
    seed: int,
    transfer: Transfer | None,
) -> _Study:
    drawn = factors(transfer)
    found = _matrix_costs.read(samples, name)
    own = [route for route in module.ROUTES if route != _EXTERNAL]
    routes = {}
    for route in dict.fromkeys([*own, *(costs.route for costs in found)]):
        costs = _matrix_costs.main(found, route, module)
        if costs is not None:
            routes[route] = _Route(costs, draw(costs, seed, drawn), route in own)
    native = routes.pop(own[0], None)
    sized = [costs for costs in found if costs.route == own[0]]
    values = sensitivity.by_values(samples) if name in _RANKED else None
    return _Study(
        name=name,
        module=module,
        native=native,
        others=list(routes.values()),
        driver=driver(samples, name, module),
        laws={
            sensitivity.PAYLOAD: sensitivity.by_payload(sized),
            sensitivity.K: values,
        },
        transfer=transfer,
    )


def _judge(study: _Study, profile: LimitProfile) -> tuple[Row, list[Row]]:
    """The row of a workload and profile, and its part of the sensitivity table."""
    limit_ms = profile.cpu_ms
    native, module = study.native, study.module
    counts = native.costs.counts if native else {}
    broken = _matrix_limits.broken(module, profile, counts)
    lasting = native.draws.lasting(limit_ms) if native else None
    found = None if lasting is None else share(lasting)
    others = [_other(route, limit_ms) for route in study.others]
    verdict, said = _verdict(found, broken)
    place = {"workload": study.name, "profile": profile.name}
    row = place | {
        "title": module.TITLE,
        "limit_ms": limit_ms,
        "article": module.ARTICLE["native"],
        "article_choice": module.ARTICLE["external"],
        "verdict": said,
        "requests": None if broken or found is None else found.requests,
        "confidence": 1.0 if broken else found and found.confidence,
        **_margin(native, limit_ms, study.transfer),
        **_driven(study, broken),
        "choice": words.choice(
            verdict,
            broken,
            others,
            str(module.ARTICLE["external"]),
            upgrade=_fits_paid(study),
        ),
        "flips_at": {},
        "agrees": words.agrees(verdict, str(module.ARTICLE["native"])),
        "why": words.why(
            module,
            verdict,
            profile,
            costs=native.costs if native else None,
            found=found,
            limit=broken,
            routes=others,
        ),
        "evidence": _evidence(study),
    }
    if native is None or lasting is None or found is None:
        return row, []
    edge = native.draws.edge(limit_ms)
    payload, values = (study.laws[key] for key in (sensitivity.PAYLOAD, sensitivity.K))
    fitted = study.transfer.factor if study.transfer else 1.0
    sizes = sensitivity.flips(native.costs, edge / fitted, payload, values)
    row["flips_at"] = {"factor": edge if math.isfinite(edge) else None} | {
        name: size.value
        for name, size in sizes.items()
        if sensitivity.before(name, size.value) is None
    }
    stricter = native.draws.lasting(limit_ms, bank.STRICTER)
    table = sensitivity.rows(
        place,
        lasting,
        stricter,
        found,
        edge,
        sizes,
        study.laws,
        native.draws.factors,
    )
    return row, table


def _verdict(
    found: Share | None, broken: _matrix_limits.Broken | None
) -> tuple[str, str]:
    """The kind of verdict, and its words."""
    if broken is not None:
        return TOO_MUCH, TOO_MUCH
    if found is None:
        return NOT_MEASURED, NOT_MEASURED
    return found.verdict, found.said


def _other(route: _Route, limit_ms: float) -> words.Route:
    costs = route.costs
    found = share(route.draws.lasting(limit_ms))
    return words.Route(costs.route, route.in_worker, costs.mean(), found)


def _margin(native: _Route | None, limit_ms: float, transfer: Transfer | None) -> Row:
    if native is None:
        return dict.fromkeys(("margin_ms", "margin_low", "margin_high")) | {"n": 0}
    mean: Interval = native.costs.mean()
    sure = mean.n > 1  # the interval over one process has no ends
    factor = low = high = 1.0
    if transfer is not None:
        # Both at their ends at once: wider than 95 %, never narrower.
        factor, low, high = transfer.factor, transfer.low, transfer.high
    return {
        "margin_ms": limit_ms - mean.value * factor,
        "margin_low": limit_ms - mean.high * high if sure else None,
        "margin_high": limit_ms - mean.low * low if sure else None,
        "n": mean.n,
    }


def _driven(study: _Study, broken: _matrix_limits.Broken | None) -> Row:
    keys = ("driver", "driver_share", "driver_of")
    return dict(zip(keys, _what_decides(study, broken), strict=True))


def _what_decides(
    study: _Study, broken: _matrix_limits.Broken | None
) -> tuple[str | None, float | None, str | None]:
    """What decides: a limit, the size of the input where most of the cost grows with
    it, else the dearest stage of the path that this workload goes."""
    if broken is not None:
        return broken.limit, None, "a limit of the platform"
    if study.native is None:
        return None, None, None
    payload, stage = study.laws[sensitivity.PAYLOAD], study.driver
    if payload is not None and payload.share > _MOST:
        return "size of the input", payload.share, f"cost over {payload.unit}"
    if stage.share is None:
        return stage.stage, None, "this run has no stages of it"
    return stage.stage, stage.share, f"the default {stage.invocation} request, warm"


def _fits_paid(study: _Study) -> bool:
    """Whether the paid plan would do."""
    paid = limit_profile(words.UPGRADE)
    if study.native is None:
        return False
    counts = study.native.costs.counts
    if _matrix_limits.broken(study.module, paid, counts) is not None:
        return False
    return share(study.native.draws.lasting(paid.cpu_ms)).verdict == FITS


def _evidence(study: _Study) -> list[str]:
    routes = [study.native] if study.native else []
    found = [
        name for route in [*routes, *study.others] for name in route.costs.evidence
    ]
    if study.native and study.driver.evidence:
        found.append(study.driver.evidence)
    return found
