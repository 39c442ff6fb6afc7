"""What doctor and list say about the limits and prices."""

from __future__ import annotations

import json
from datetime import date

from click.testing import CliRunner

from bench import cli, doctor
from bench.errors import BenchError
from bench.platform import tables


def test_doctor_names_every_row_older_than_a_year():
    today = date(2026, 11, 24)
    check = doctor.check_platform(today)
    assert not check["ok"]
    assert "bench/platform" in check["remedy"]
    names = [row.id for row in tables.stale(today)]
    assert {"paid-max.cpu_ms", "lambda.x86.price"} <= set(names)  # 2025-03, 2024
    assert all(name in check["detail"] for name in names)
    assert "workers.requests.price" not in check["detail"]


def test_doctor_counts_what_has_no_date():
    assert f"{len(tables.undated())} rows" in doctor.check_platform()["detail"]


def test_doctor_likes_rows_that_are_young():
    check = doctor.check_platform(date(2020, 1, 1))
    assert check["ok"]
    assert "older" not in check["detail"]


def test_doctor_says_when_a_table_cannot_be_read(monkeypatch):
    def broken(today):
        raise BenchError("services.toml: kv.value: no unit")

    monkeypatch.setattr(tables, "stale", broken)
    check = doctor.check_platform()
    assert not check["ok"]
    assert "kv.value" in check["detail"]


def test_the_list_has_every_value_and_says_which_is_used():
    result = CliRunner().invoke(cli.bench, ["list", "platform", "--json"])
    assert result.exit_code == 0
    rows = json.loads(result.stdout)["rows"]
    used = {row["id"]: row["value"] for row in rows if row["used"] == "yes"}
    known = {row.id for table in tables.TABLES for row in tables.rows(table)}
    assert used == {name: tables.strict(name).value for name in known}
    disputed = [row["value"] for row in rows if row["id"] == "queues.consumer_cpu.max"]
    assert disputed == [300, 900]
    assert all(row["source"] and row["unit"] for row in rows)
