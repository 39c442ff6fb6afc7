"""Limits and prices: every row has its source, and what the sources dispute stands."""

from __future__ import annotations

import re
import sqlite3
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError, UserError
from bench.platform import limit_profiles, tables
from bench.services import _filters, _kv_rules, _sqlite, _vector_rules
from bench.services import queue as queue_service
from bench.services import r2 as r2_service

ROWS = [row for table in tables.TABLES for row in tables.rows(table)]
DISPUTED = [row for row in ROWS if row.also]
DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))

HEAD = """
[sources]
page = { text = "a page", date = 2026-07-07 }
old = { text = "an old page", date = 2024 }
copy = { text = "a copy" }
"""
ROW = '[kv]\nproduct = "KV"\n'


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row_says_what_it_is_and_where_it_comes_from(row):
    assert row.product
    assert row.item
    assert row.unit
    assert row.plan or not row.id.endswith((".free", ".paid"))
    assert row.value > 0
    assert row.per >= 1
    for said in (row, *row.also):
        assert said.source
        assert re.fullmatch(r"(20\d\d(-\d\d-\d\d)?)?", said.date)


def test_an_id_belongs_to_one_row():
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert all(tables.find(row.id) == row for row in ROWS)


def test_the_limits_are_those_of_the_profiles():
    held = {row.id: row.value for row in tables.rows("limits")}
    assert held == {
        f"{name}.{key}": limit.value
        for name, profile in limit_profiles().items()
        for key, limit in profile.limits.items()
    }


def test_every_service_has_limits_and_every_platform_prices():
    assert {row.product for row in tables.rows("services")} >= {
        *("Vectorize", "D1", "KV", "Queues", "R2", "Durable Objects", "Workers AI")
    }
    assert {row.product for row in tables.rows("prices")} >= {
        *("Workers", "AWS Lambda", "Cloud Run", "Fly.io")
    }


def test_a_meter_counts_what_is_included_in_the_unit_of_its_price():
    units = {row.id: row.unit for row in tables.rows("prices")}
    included = [name for name in units if name.endswith(".included")]
    assert len(included) > 20
    for name in included:
        price = units[name.removesuffix("included") + "price"]
        assert price.startswith("USD per ")
        assert price.endswith(f" {units[name]}")


@pytest.mark.parametrize(
    ("ident", "unit", "served"),
    [
        ("vectorize.dimensions", 1, _vector_rules.MAX_DIMENSIONS),
        ("vectorize.top_k.values", 1, _vector_rules.MAX_TOP_K_WITH_DATA),
        ("vectorize.top_k.ids", 1, _vector_rules.MAX_TOP_K),
        ("vectorize.metadata", 2**10, _vector_rules.MAX_METADATA),
        ("vectorize.batch.workers", 1, _vector_rules.MAX_BATCH),
        ("vectorize.filter.size", 1, _filters.MAX_JSON),
        ("vectorize.filter.key", 1, _filters.MAX_KEY),
        ("kv.value", 2**20, _kv_rules.MAX_VALUE),
        ("kv.key", 1, _kv_rules.MAX_KEY),
        ("kv.bulk_keys", 1, _kv_rules.MAX_BULK),
        ("kv.cache_ttl.smallest", 1, _kv_rules.MIN_CACHE_TTL_S),
        ("queues.message", 1000, queue_service.MAX_MESSAGE),
        ("queues.send.size", 1000, queue_service.MAX_BATCH),
        ("r2.key", 1, r2_service.MAX_KEY),
        ("r2.metadata", 1, r2_service.MAX_METADATA),
        ("d1.row", 10**6, _sqlite.LIMITS[sqlite3.SQLITE_LIMIT_LENGTH]),
        ("d1.parameters", 1, _sqlite.LIMITS[sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER]),
    ],
)
def test_the_services_that_we_serve_keep_the_limits_of_the_table(ident, unit, served):
    assert tables.strict(ident).value * unit == served


@pytest.mark.parametrize(
    ("ident", "value", "others"),
    [
        ("queues.consumer_cpu.max", 300, [900]),  # Queues limits; Workers pricing
        ("d1.queries.free", 50, [1000, 1000]),  # D1 limits; Workers limits; measured
        ("workers.script_raw", 64, [67.108864]),  # 64 MB; 64 MiB
        ("vectorize.queried.free", 0, [30_000_000]),  # text and table of one page
        ("vectorize.stored.free", 0, [5_000_000]),
        ("fly.shared.price", 2.02, [1.94]),  # a price: the higher one
    ],
)
def test_where_sources_disagree_the_stricter_is_used_and_both_stand(
    ident, value, others
):
    used = tables.strict(ident)
    assert used.value == value
    assert [other.value for other in used.also] == others


def test_no_dispute_is_forgotten_by_the_test_above():
    assert len(DISPUTED) == 6


@pytest.mark.parametrize("row", DISPUTED, ids=lambda row: row.id)
def test_the_strictest_value_keeps_its_own_source(row):
    used = tables.strict(row.id)
    said = {(each.value, each.source, each.date) for each in (row, *row.also)}
    assert {(each.value, each.source, each.date) for each in (used, *used.also)} == said
    values = [used.value, *(other.value for other in used.also)]
    assert used.value == (max if row.higher_is_stricter else min)(values)
    assert used.unit == row.unit


def test_a_smallest_allowed_value_is_stricter_when_it_is_higher():
    source = 'floor = true, source = "page", also = [{ value = 60, source = "old" }]'
    text = f'ttl = {{ item = "TTL", unit = "s", value = 30, {source} }}'
    [row] = tables.parse(HEAD + ROW + text, "made.toml")
    assert row.higher_is_stricter
    assert tables._strictest(row).value == 60
    assert tables._strictest(row).date == "2024"


@given(DAYS)
def test_a_row_is_stale_from_the_day_after_a_year(today):
    stale = {row.id for row in tables.stale(today)}
    undated = {row.id for row in tables.undated()}
    assert not stale & undated
    for row in map(tables.strict, {row.id for row in ROWS}):
        if row.id not in undated:
            whole = row.date if "-" in row.date else f"{row.date}-01-01"
            age = today - date.fromisoformat(whole)
            assert (row.id in stale) == (age > timedelta(days=365))


def test_a_day_decides_whether_a_row_is_stale():
    day = date.fromisoformat(tables.strict("workers.requests.price").date)
    for days, old in ((365, False), (366, True)):
        names = {row.id for row in tables.stale(day + timedelta(days=days))}
        assert ("workers.requests.price" in names) is old


def test_a_source_known_by_its_year_counts_from_its_start():
    names = {row.id for row in tables.stale(date(2026, 1, 2))}
    assert "cloud_run.cpu.price" in names  # 2025
    assert "fly.shared.price" not in names  # the value used is of June 2026
    assert "cloud_run.cpu.price" not in {r.id for r in tables.stale(date(2026, 1, 1))}


def test_what_is_not_there_is_answered_with_what_is():
    with pytest.raises(UserError, match="bench list platform"):
        tables.strict("vectorize.speed")
    with pytest.raises(UserError, match="limits, services, prices"):
        tables.rows("weather")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('{ item = "I", unit = "s", source = "page" }', "value and usd"),
        (
            '{ item = "I", unit = "s", value = 1, usd = 1, source = "page" }',
            "value and usd",
        ),
        ('{ item = "I", unit = "s", value = 1, source = "hearsay" }', "hearsay"),
        ('{ item = "I", value = 1, source = "page" }', "unit"),
        ('{ item = "I", unit = "s", value = "1", source = "page" }', "float"),
        ('{ item = "I", unit = "s", value = 1, source = "page", x = 1 }', "`x`"),
        ("7", "object"),
    ],
)
def test_a_malformed_row_is_named(entry, words):
    with pytest.raises(BenchError, match=r"made\.toml: kv\.size: ") as caught:
        tables.parse(f"{HEAD}{ROW}size = {entry}\n", "made.toml")
    assert words in str(caught.value)


def test_a_source_tells_a_day_a_year_or_nothing():
    row = 'item = "I", unit = "s", value = 1'
    text = "\n".join(
        f'{name} = {{ {row}, source = "{name}" }}' for name in ("page", "old", "copy")
    )
    made = tables.parse(HEAD + ROW + text, "made.toml")
    assert [row.date for row in made] == ["2026-07-07", "2024", ""]


def test_text_that_is_not_toml_is_refused():
    with pytest.raises(BenchError, match=r"made\.toml: .*line 2"):
        tables.parse("[sources]\npage = ]", "made.toml")
