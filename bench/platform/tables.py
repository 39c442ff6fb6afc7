"""Limits and prices of the platform as rows, each with its source and its date.

``services`` are the limits of what surrounds a Worker (`services.toml`), ``prices`` are
meters (`prices.toml`), and ``limits`` are the profiles of `limits.toml` as rows of the
same kind. Where sources disagree, a row keeps what each says, and ``strict`` takes the
one that is worse for the user: the lower limit, the higher price.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import BenchError, UserError
from bench.platform import limit_profiles

TABLES = ("limits", "services", "prices")
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Other:
    """What another source says instead, in the unit of its row."""

    value: float
    source: str
    date: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One documented value.

    ``date`` is that of the source: a day, a year alone, or empty where the source tells
    none. A price is in dollars for ``per`` units, as its ``unit`` says; elsewhere
    ``per`` is 1. ``higher_is_stricter`` holds for prices and for smallest values.
    """

    id: str
    product: str
    item: str
    plan: str
    value: float
    unit: str
    source: str
    date: str
    note: str = ""
    also: tuple[Other, ...] = ()
    per: int = 1
    higher_is_stricter: bool = False


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    date: date | int | None = None


class _Also(msgspec.Struct, forbid_unknown_fields=True):
    value: float
    source: str
    note: str = ""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    item: str
    unit: str
    source: str
    value: float | None = None
    usd: float | None = None
    per: int = 1
    plan: str = ""
    note: str = ""
    floor: bool = False
    also: tuple[_Also, ...] = ()


def rows(table: str) -> list[Row]:
    """The rows of ``limits``, ``services`` or ``prices``, in the order of their file.

    Raises UserError for another table, BenchError where a file is malformed.
    """
    if table not in TABLES:
        known = ", ".join(TABLES)
        raise UserError(f"no table is called {table!r}", remedy=f"name one of {known}")
    return list(_limits() if table == "limits" else _read(table))


def find(ident: str) -> Row:
    """The row of that id, as its own source says it.

    Raises UserError where there is none.
    """
    try:
        return _by_id()[ident]
    except KeyError:
        raise UserError(
            f"no limit or price is called {ident!r}",
            remedy="see `bench list platform`",
        ) from None


def strict(ident: str) -> Row:
    """The row of that id with the strictest of its values, and that value's source.

    The others are in its ``also``. Raises UserError for an unknown id.
    """
    return _strictest(find(ident))


def values(row: Row) -> list[Other]:
    """What each source says, the row's own first."""
    return [Other(row.value, row.source, row.date, row.note), *row.also]


def stale(today: date) -> list[Row]:
    """Rows of all tables whose strictest value is more than 365 days old.

    A source that is known by its year only counts from the start of that year. Rows
    without a date are not among them; see ``undated``.
    """
    used = map(_strictest, _by_id().values())
    return [row for row in used if row.date and today - _earliest(row.date) > _YEAR]


def undated() -> list[Row]:
    """Rows of all tables whose strictest value has a source that tells no date."""
    return [row for row in map(_strictest, _by_id().values()) if not row.date]


def _earliest(text: str) -> date:
    return date.fromisoformat(text if "-" in text else f"{text}-01-01")


def _strictest(row: Row) -> Row:
    said = values(row)
    # min and max keep the first of equals: the row's own source before another.
    choose = max if row.higher_is_stricter else min
    used = choose(said, key=lambda other: other.value)
    return replace(
        row,
        value=used.value,
        source=used.source,
        date=used.date,
        note=used.note,
        also=tuple(other for other in said if other is not used),
    )


@cache
def _by_id() -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in (row for table in TABLES for row in rows(table)):
        if found.setdefault(row.id, row) is not row:
            raise BenchError(f"bench/platform: two rows are called {row.id}")
    return found


@cache
def _limits() -> tuple[Row, ...]:
    return tuple(
        Row(
            id=f"{name}.{key}",
            product="Workers",
            item=key,
            plan=profile.title,
            value=limit.value,
            unit=limit.unit,
            source=limit.source,
            date=limit.date,
        )
        for name, profile in limit_profiles().items()
        for key, limit in profile.limits.items()
    )


@cache
def _read(table: str) -> tuple[Row, ...]:
    path = Path(__file__).with_name(f"{table}.toml")
    return parse(path.read_text(encoding="utf-8"), path.name)


def parse(text: str, name: str) -> tuple[Row, ...]:
    """The rows of TOML ``text``, laid out as `services.toml` says.

    Raises BenchError, which names the file ``name`` and the row, for a key that is
    unknown or missing, a value of another type, a source that is not listed, and text
    that is not TOML.
    """
    place = "sources"
    try:
        data = tomllib.loads(text)
        sources = msgspec.convert(data.pop("sources"), dict[str, _Source])
        made = []
        for key, section in data.items():
            product = section.pop("product")
            for place, entry in _leaves(key, section):
                made.append(_row(place, product, entry, sources))
    except (KeyError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BenchError(f"{name}: {place}: {error}") from error
    return tuple(made)


def _leaves(place: str, table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, inner in table.items():
        below = f"{place}.{key}"
        if isinstance(inner, dict) and "source" not in inner:
            yield from _leaves(below, inner)
        else:
            yield below, inner


def _row(place: str, product: str, given: Any, sources: dict[str, _Source]) -> Row:
    entry = msgspec.convert(given, _Entry)
    value = entry.value if entry.usd is None else entry.usd
    if value is None or (entry.value is not None and entry.usd is not None):
        raise msgspec.ValidationError("needs one of value and usd")
    own = sources[entry.source]
    return Row(
        id=place,
        product=product,
        item=entry.item,
        plan=entry.plan,
        value=value,
        unit=entry.unit if entry.usd is None else _dollars(entry),
        source=own.text,
        date=_day(own),
        note=entry.note,
        also=tuple(
            Other(other.value, page.text, _day(page), other.note)
            for other in entry.also
            for page in [sources[other.source]]
        ),
        per=entry.per,
        higher_is_stricter=entry.floor or entry.usd is not None,
    )


def _dollars(entry: _Entry) -> str:
    per = "" if entry.per == 1 else f"{entry.per:,} "
    return f"USD per {per}{entry.unit}"


def _day(source: _Source) -> str:
    return "" if source.date is None else str(source.date)
