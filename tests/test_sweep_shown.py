"""A sweep as one table, as text, as a page and as a figure."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from figure_support import text_of

from bench.figures import sweep as figure
from bench.paths import ROOT
from bench.platform import limit_profile
from bench.report import _sweep
from bench.sweep import _numbers, table

HOSTILE = "<script>alert(1)</script>\x1b[31m $x_{1}$"
FREE = limit_profile("free")


def row(parser, value):
    return {"parser": parser, "mode": "full", "cpu_us": value, "low": value * 0.9,
            "high": value * 1.1, "n": 12, "error": None}  # fmt: skip


def record(folder, place, document, **changes):
    """A cell that has left ``document`` in its folder."""
    key = f"{place:032x}"
    left = folder / "cells" / key
    left.mkdir(parents=True)
    if document is not None:
        (left / "document.json").write_text(json.dumps(document), encoding="utf-8")
    return {
        "key": key,
        "place": place,
        "verb": "parsers",
        "notebook": "",
        "parameters": {"seed": place, "profile": "quick"},
        "status": "ok",
        "host": "one-4c-aaaaaa",
        "seconds": 1.5 + place,
        "error": "",
        "attempts": 1,
        "folder": f"cells/{key}",
    } | changes


@pytest.fixture
def document(tmp_path):
    """Cells on two hosts: measured, inconclusive, failed, lost, and hostile."""
    good = {"rows": [row("orjson", 40.0), row("json", 110.0)]}
    cells = [
        record(tmp_path, 0, good),
        record(tmp_path, 1, good, error="inconclusive: the machine was not still"),
        record(tmp_path, 2, good, host="two-8c-bbbbbb", attempts=2),
        record(tmp_path, 3, None, status="failed", error=HOSTILE),
        record(tmp_path, 4, None, status="lost", error="no memory is left"),
        record(
            tmp_path,
            5,
            {"rows": [row(HOSTILE, 1.0)]},
            parameters={"seed": HOSTILE, HOSTILE: [1, {"a": None}]},
        ),
    ]
    return made(tmp_path, cells)


def made(folder, cells):
    return {
        "name": "n",
        "verb": "parsers",
        "notebook": "",
        "seed": 1,
        "spec": {"name": "n", "verb": HOSTILE},
        "hosts": sorted({cell["host"] for cell in cells}),
        "cells": cells,
        **_numbers.found(cells, folder),
    }


def test_the_table_has_a_row_a_row_and_one_for_a_cell_without(document, tmp_path):
    found = table.frame(document["cells"], tmp_path)
    assert list(found["place"]) == [0, 0, 1, 1, 2, 2, 3, 4, 5]
    assert list(found.columns[:5]) == list(table.OWN)
    assert found["cpu_us"].dtype == "float64"
    assert found["parameter.seed"].tolist()[:2] == ["0", "0"], "words make it text"
    assert found[f"parameter.{HOSTILE}"].iloc[-1] == '[1, {"a": null}]'
    again = pd.read_parquet(io.BytesIO(table.parquet(found)))
    assert table.csv(again) == table.csv(found)


def test_a_row_that_has_the_name_of_ours_keeps_its_value(tmp_path):
    odd = {"rows": [{"host": "theirs", "cell": 7, "status": True, "seconds": [1]}]}
    found = table.frame([record(tmp_path, 0, odd)], tmp_path)
    assert found["host"].tolist() == ["one-4c-aaaaaa"]
    theirs = [found[f"row.{name}"].iloc[0] for name in ("host", "cell", "status")]
    assert theirs == ["theirs", 7, True]
    assert found["row.seconds"].iloc[0] == "[1]"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"factor": 1.2, "low": 1.1, "schema": 1, "run": None}, [1.2]),
        ({"notebooks": [{"name": "a", "seconds": 2.0}]}, []),
        ({"rows": []}, []),
        ({"rows": "no list"}, []),
        ([1], []),
        (None, []),
        ({"rows": [{"value": None}, {"value": 2}, 5]}, [2.0]),
    ],
)
def test_numbers_are_found_in_whatever_a_verb_says(tmp_path, document, expected):
    found = _numbers.found([record(tmp_path, 0, document)], tmp_path)
    assert [point["value"] for point in found["points"]] == expected


def test_numbers_of_two_units_are_not_set_beside_each_other(tmp_path):
    rows = [{"metric": m, "value": 1.0, "unit": u} for m, u in
            (("a", "s"), ("b", "USD"), ("c", "USD"))]  # fmt: skip
    found = _numbers.found([record(tmp_path, 0, {"rows": rows})], tmp_path)
    assert (found["unit"], found["measure"]) == ("USD", "value")
    assert [point["series"] for point in found["points"]] == ["b", "c"]


def test_what_is_the_same_in_every_cell_is_left_out(tmp_path):
    cells = [
        record(tmp_path, n, {"rows": [row("same", 7.0), row("other", 1.0 + n)]})
        for n in range(3)
    ]
    found = _numbers.found(cells, tmp_path)
    assert {point["series"] for point in found["points"]} == {"other full"}
    [alone] = [_numbers.found(cells[:1], tmp_path)]
    assert len(alone["points"]) == 2


def test_a_notebook_has_the_rows_of_the_documents_in_its_run(tmp_path):
    cell = record(tmp_path, 0, {"notebooks": [{"name": "n"}]}, notebook="n", verb="")
    run = tmp_path / cell["folder"] / "out"
    run.mkdir()
    (run / "stages.json").write_text('{"rows": [{"cpu_ms": 2.5}]}', encoding="utf-8")
    assert table.rows(cell, tmp_path) == [{"document": "stages", "cpu_ms": 2.5}]


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in {"href", "src"}]


def test_the_page_shows_every_cell_and_runs_only_its_own_script(document, tmp_path):
    first = tmp_path / document["cells"][0]["folder"] / "out"
    first.mkdir()
    (first / "report.html").write_text("x", encoding="utf-8")
    page = _sweep.write(tmp_path, document).read_text(encoding="utf-8")
    found = Links()
    found.feed(page)
    own = (ROOT / "bench" / "report" / "tables.js").read_text(encoding="utf-8")
    assert found.tags.count("script") == page.count(own) == 1
    assert f"{document['cells'][0]['folder']}/out/report.html" in found.links
    for cell in document["cells"]:
        assert f"{cell['folder']}/" in found.links
    assert all(re.match(r"(#|cells/|table\.|data:image/png)", x) for x in found.links)
    for text in ("failed", "lost", "no memory is left", "not still", "2 attempts"):
        assert text in page
    assert "no number of one is set against a number of another" in page
    assert {p.name for p in (tmp_path / "figures").iterdir()} == {
        "sweep.svg", "sweep.png", "sweep.csv",
    }  # fmt: skip


def test_the_text_fits_a_terminal_and_cannot_steer_it(document):
    text = _sweep.terminal(document)
    assert "6 cells on 2 hosts: 4 ok, 1 failed, 1 lost" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text


def test_hosts_have_panels_of_their_own(document):
    drawn, data = figure.draw(document, pd.DataFrame(), FREE)
    drawn.draw_without_rendering()
    titles = [axes.get_title(loc="left") for axes in drawn.axes]
    assert titles == ["one-4c-aaaaaa", "two-8c-bbbbbb"]
    assert set(data["host"]) == set(titles)
    assert len(data) == 7
    assert "from 1 to 110" in drawn.get_label()


@pytest.mark.parametrize(
    "points",
    [
        None,
        [],
        [{}],
        [{"value": None, "place": 0}],
        [{"value": float("nan"), "place": 0}],
        [{"value": -1.0, "place": 0, "series": HOSTILE, "low": 2, "high": None}],
        [{"value": 10.0**n, "place": n, "series": "s"} for n in range(9)],
        [{"value": 1.0, "place": n, "series": f"s{n}" * 30, "host": f"h{n}" * 30}
         for n in range(12)],
    ],
    ids=["none", "empty", "no keys", "null", "nan", "hostile", "range", "many"],
)  # fmt: skip
def test_a_figure_draws_whatever_there_is(points):
    drawn, data = figure.draw({"points": points}, pd.DataFrame(), FREE)
    drawn.draw_without_rendering()
    assert len(drawn.get_label()) > 30
    if data.empty:
        assert "No " in text_of(drawn)
