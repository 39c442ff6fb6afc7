"""The decision matrix as Markdown, and in short for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from bench.figures._common import milliseconds, number
from bench.figures._contest import listed
from bench.verdict._matrix_terms import NOT_MEASURED, UNTIL, rounded
from bench.verdict.answer import FITS, TOO_MUCH, percent

Row = dict[str, Any]

SYMBOLS = {
    FITS: "\N{CHECK MARK}",
    UNTIL: "~",
    TOO_MUCH: "\N{MULTIPLICATION X}",
    NOT_MEASURED: "?",
}
_WIDTH = 98  # letters of a line in a terminal


def kind(row: Row) -> str:
    """Which verdict a row has, without the number of requests in it."""
    verdict = str(row.get("verdict"))
    return UNTIL if verdict.startswith(UNTIL) else verdict


def cell(row: Row) -> str:
    """A verdict in as few letters as there are: a symbol, requests, confidence."""
    known = kind(row)
    symbol = SYMBOLS.get(known, "?")
    requests, sure = number(row.get("requests")), number(row.get("confidence"))
    parts = [symbol]
    if known == UNTIL and requests is not None:
        parts.append(rounded(requests))
    if sure is not None:
        parts.append(f"({sure:.0%})")
    return " ".join(parts)


def by_workload(document: Row) -> dict[str, dict[str, Row]]:
    """Rows by workload and then by profile, each in the order of the document."""
    found: dict[str, dict[str, Row]] = {}
    for row in listed(document, "rows"):
        of_workload = found.setdefault(str(row.get("workload")), {})
        of_workload[str(row.get("profile"))] = row
    return found


def profiles(document: Row) -> list[str]:
    """Names of the profiles that rows have, in the order of the document."""
    return list(dict.fromkeys(str(r.get("profile")) for r in listed(document, "rows")))


def markdown(document: Row) -> str:
    """The whole matrix: an overview, the details by profile, and what flips them."""
    machine = document.get("machine") or {}
    parts = [
        "# Decision matrix",
        f"Run `{document.get('run')}`, host `{machine.get('host')}`.",
        key(document),
        overview(document),
    ]
    for profile in profiles(document):
        limit = of(document, profile)[0]["limit_ms"]
        parts += [f"## {profile}, {limit:,g} ms of CPU a request"]
        parts += [details(document, profile), reasons(document, profile)]
    parts += ["## What flips a verdict", flips(document)]
    return "\n\n".join(parts) + "\n"


def of(document: Row, profile: str) -> list[Row]:
    """The rows of one profile."""
    rows = listed(document, "rows")
    return [row for row in rows if row.get("profile") == profile]


def key(document: Row) -> str:
    """What symbols and percentages mean, with all that was guessed."""
    given = document.get("assumptions") or {}
    banks = given.get("banks") or []
    return (
        f"{SYMBOLS[FITS]} fits; {SYMBOLS[UNTIL]} N: fits until an isolate has "
        f"served N requests; {SYMBOLS[TOO_MUCH]} does not fit; {SYMBOLS[NOT_MEASURED]} "
        "not measured. The median of all draws decides; in brackets is the share of "
        "draws with the same verdict: "
        f"{len(banks)} guesses of the unpublished bank, {_factor(given)}, "
        f"{given.get('resamples')} resamples of the measurement. It fits where at most "
        f"{percent(given.get('tolerated') or 0.0)} of isolates are ended within "
        f"{given.get('requests')} requests, and does not where more are within "
        f"{given.get('few')}."
    )


def _factor(given: Row) -> str:
    """What a millisecond here is taken to be, and from where that is known."""
    fitted, factors = given.get("transfer"), given.get("factors") or [0.0]
    if not fitted:
        ends = f"{min(factors):g} to {max(factors):g}"
        return f"a millisecond here as {ends} of Cloudflare's"
    value, low, high = (_short(fitted[name]) for name in ("factor", "low", "high"))
    return (
        f"a millisecond here as {value} [{low}, {high}] of Cloudflare's, fitted from "
        f"{fitted['n']:,} production requests ({fitted['source']})"
    )


def overview(document: Row) -> str:
    """Every workload and profile, a cell each."""
    names = profiles(document)
    header = ["workload", "the article", *names]
    lines = []
    for rows in by_workload(document).values():
        first = next(iter(rows.values()))
        said = f"{first['article']}; {first['article_choice']}"
        lines.append([first["title"], said, *(cell(rows[name]) for name in names)])
    return table(header, lines)


def details(document: Row, profile: str) -> str:
    """Every workload in one profile, with all that is known of the verdict."""
    header = ["workload", "verdict", "confidence", "margin (ms)", "driver", "put it"]
    header += ["fits up to factor", "flips at", "the article"]
    return table(header, [_detail(row) for row in of(document, profile)])


def reasons(document: Row, profile: str) -> str:
    """A sentence for each workload: why ours is the article's verdict, or not."""
    return "\n".join(
        f"- **{row['title']}** {row['why']}" for row in of(document, profile)
    )


def _detail(row: Row) -> list[str]:
    sure, part = number(row["confidence"]), number(row["driver_share"])
    driver = str(row["driver"] or "")
    flips = row["flips_at"]
    factor = number(flips.get("factor"))
    sizes = [f"{name} {flips[name]:,.0f}" for name in flips if name != "factor"]
    return [
        row["title"],
        f"{SYMBOLS.get(kind(row), '?')} {row['verdict']}",
        "" if sure is None else f"{sure:.0%}",
        margin(row),
        driver if part is None else f"{driver} ({percent(part)})",
        row["choice"] or "",
        "" if factor is None else _short(factor),
        ", ".join(sizes),
        f"{row['article']}; agrees: {row['agrees'] or 'unknown'}",
    ]


def margin(row: Row) -> str:
    """What is left of the limit in ms, with its interval."""
    value = number(row.get("margin_ms"))
    if value is None:
        return ""
    low, high = number(row.get("margin_low")), number(row.get("margin_high"))
    ends = ""
    if low is not None and high is not None:
        ends = f" [{milliseconds(low)}, {milliseconds(high)}]"
    return f"{milliseconds(value)}{ends}"


def flips(document: Row, profile: str | None = None) -> str:
    """The sensitivity table, of one profile or of all."""
    lines = [
        line
        for line in listed(document, "sensitivity")
        if profile in (None, line["profile"])
    ]
    header = ["workload", "profile", "parameter", "setting", "verdict", "agree"]
    found = []
    for line in lines:
        sure = number(line["confidence"])
        verdict = _flip(line) if line["verdict"] is None else line["verdict"]
        agree = "" if sure is None else f"{sure:.0%}"
        names = [line[name] for name in ("workload", "profile", "parameter", "setting")]
        found.append([*map(str, names), verdict, agree])
    return table(header, found)


def _flip(line: Row) -> str:
    at = number(line["flips_at"])
    if at is None:
        return "never"
    if line["before"]:
        return f"never by its CPU: {line['before']} comes before"
    ends = [number(line[name]) for name in ("low", "high")]
    known = ", ".join(_short(end) for end in ends if end is not None)
    text = f"{_short(at)} {line['unit']}{f' [{known}]' if known else ''}".strip()
    return text + (", beyond what was measured" if line["extrapolated"] else "")


def _short(value: float) -> str:
    """Three significant digits, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    cells = [[str(item).replace("|", "\\|") for item in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def terminal(document: Row) -> str:
    """The overview in aligned columns, then for each workload why, in its strictest
    profile."""
    names = profiles(document)
    rows = by_workload(document)
    lines = [["", *names]]
    lines += [
        [str(name), *(cell(found[profile]) for profile in names)]
        for name, found in rows.items()
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    text += ["", *textwrap.wrap(key(document), _WIDTH)]
    for name, found in rows.items():
        row = min(found.values(), key=lambda each: each["limit_ms"])
        said = f"The article: {row['article']}. {row['why']}"
        if row["choice"]:
            said += f" Put it: {row['choice']}."
        text += ["", f"{name}, {row['profile']}"]
        text += textwrap.wrap(said, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(text)
