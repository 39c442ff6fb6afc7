"""A sweep as text for a terminal and as one page that opens offline."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from bench.files import write_whole
from bench.progress import duration
from bench.report import _shape
from bench.report._evidence import Table, Toned
from bench.report._lines import cut, joined, table, wrapped

Row = dict[str, Any]

_NUMBERS = 3  # of a cell that stand in its row
_SHOWN = 60  # rows on a terminal
_ERRORS = 5  # that are told there
_LETTERS = 36
_WIDEST = 60
_TONES = {"ok": "", "failed": "over", "timed out": "until", "lost": "unknown"}
_SIGNS = {
    "ok": "\N{CHECK MARK}",
    "failed": "\N{MULTIPLICATION SIGN}",
    "timed out": "\N{BLACK UP-POINTING TRIANGLE}",
    "lost": "?",
}


def write(folder: Path, document: Row) -> Path:
    """Write ``report.html`` and ``figures/`` of a sweep into ``folder``; the page.

    ``document`` is the one of `bench sweep`, with its points. Raises UserError when the
    disk refuses.
    """
    picture = _picture(document, folder / "figures")
    path = folder / "report.html"
    write_whole(path, page(document, folder, picture).encode())
    return path


def page(document: Row, folder: Path, picture: Row) -> str:
    """The sweep as HTML that needs nothing else: no network."""
    from bench.report._page import html

    return html(
        "sweep.html.j2",
        document=document,
        answer=sentence(document),
        varied=_varied(document["cells"]),
        cells=[_cell(row, folder) for row in _with_numbers(document)],
        statuses=list(_TONES),
        hosts=_hosts(document),
        picture=picture,
        method=method(document),
        spec=yaml.safe_dump(document["spec"], sort_keys=False, allow_unicode=True),
    )


def sentence(document: Row) -> str:
    """How many cells there are, how they ended, where, and in what time."""
    cells = document["cells"]
    counts = Counter(row["status"] for row in cells)
    ended = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    hosts = len(document["hosts"])
    where = document["hosts"][0] if hosts == 1 else f"{hosts} hosts"
    spent = duration(sum(row["seconds"] for row in cells))
    unsure = sum(row["status"] == "ok" and bool(row["error"]) for row in cells)
    said = f" {unsure:,} of those that are ok could not tell." if unsure else ""
    return f"{len(cells):,} cells on {where}: {ended}; {spent} of work.{said}"


def method(document: Row) -> list[str]:
    """What the rows rest on, and what must not be done with them."""
    several = [
        "The hosts are unlike: no number of one is set against a number of another, "
        "neither here nor in the figure. `bench compare` refuses such runs too."
    ]
    return [
        "A cell is named by the hash of its code, locks, fixtures, parameters, input "
        "files and kind of machine. One that has ended is never run again.",
        "Cells ran in an order that the seed "
        f"{document['seed']} has drawn, so that a drift of the machine does not look "
        "like an effect of a parameter.",
        "A cell was tried again only where the machine failed and not the cell: a "
        "process that was killed, a runtime that did not start, no memory or disk.",
        *(several if len(document["hosts"]) > 1 else ()),
    ]


def terminal(document: Row) -> str:
    """The sweep as text of at most 100 columns."""
    return joined(_lines(document))


def _lines(document: Row) -> Iterator[str]:
    yield from wrapped(sentence(document))
    rows = list(_with_numbers(document))
    varied = _varied(document["cells"])
    shown = Table(
        ["cell", *(cut(name, 16) for name in varied), "status", "seconds", "number"],
        [
            [
                row["key"][:10],
                *(cut(_value(row["parameters"].get(name)), 24) for name in varied),
                row["status"],
                f"{row['seconds']:.1f}",
                cut(row["numbers"][0] if row["numbers"] else _shape.MISSING, _WIDEST),
            ]
            for row in rows[:_SHOWN]
        ],
        [f"And {len(rows) - _SHOWN:,} more, see the table."]
        if len(rows) > _SHOWN
        else [],
    )
    yield from table("cell", shown)
    bad = [row for row in rows if row["error"]]
    for row in bad[:_ERRORS]:
        said = row["error"].partition("\n")[0]
        yield from wrapped(f"{row['key'][:10]}: {row['status']}: {said}")
    if len(bad) > _ERRORS:
        yield f"And {len(bad) - _ERRORS:,} more that did not end well."


def _varied(cells: list[Row]) -> list[str]:
    """Names of the parameters in which cells differ; all where none do."""
    names = list(dict.fromkeys(name for row in cells for name in row["parameters"]))
    differ = [
        name
        for name in names
        if len({_value(row["parameters"].get(name)) for row in cells}) > 1
    ]
    return differ or names


def _value(value: Any) -> str:
    if value is None:
        return _shape.MISSING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _with_numbers(document: Row) -> Iterator[Row]:
    """Each cell with its first numbers as texts."""
    mine: dict[str, list[Row]] = {}
    named = len({point["series"] for point in document["points"]}) > 1
    for point in document["points"]:
        mine.setdefault(point["cell"], []).append(point)
    for row in document["cells"]:
        points = mine.get(row["key"], [])
        texts = [_number(point, document["unit"], named) for point in points[:_NUMBERS]]
        if len(points) > _NUMBERS:
            texts.append(f"and {len(points) - _NUMBERS:,} more")
        yield row | {"numbers": texts}


def _number(point: Row, unit: str, named: bool) -> str:
    value = _digits(point["value"])
    if point["low"] is not None and point["high"] is not None:
        value += f" [{_digits(point['low'])}, {_digits(point['high'])}]"
    series = cut(point["series"], _LETTERS) if named else ""
    return " ".join(filter(None, (value, unit, series)))


def _digits(value: float) -> str:
    """Four significant digits, but all of a whole number."""
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def _cell(row: Row, folder: Path) -> Row:
    """A row of the page: links relative to it, and the status as a toned cell."""
    place = row["folder"]
    report = Path(place, "out", "report.html")
    status = row["status"]
    return row | {
        "values": {name: _value(value) for name, value in row["parameters"].items()},
        "short": row["key"][:10],
        "link": f"{quote(place)}/",
        "report": quote(report.as_posix()) if (folder / report).is_file() else None,
        "state": Toned(f"{_SIGNS.get(status, '?')} {status}", _TONES.get(status, "")),
    }


def _hosts(document: Row) -> dict[str, Counter[str]]:
    """How the cells of each host ended."""
    return {
        host: Counter(row["status"] for row in document["cells"] if row["host"] == host)
        for host in document["hosts"]
    }


def _picture(document: Row, folder: Path) -> Row:
    """The figure as data, with its words; its files are written into ``folder``."""
    import pandas as pd

    from bench import figures
    from bench.platform import DEFAULT, limit_profile

    module = figures.load()["sweep"]
    drawn, data = module.draw(document, pd.DataFrame(), limit_profile(DEFAULT))
    figures.save(folder, "sweep", drawn, data)
    content = (folder / "sweep.png").read_bytes()
    return {
        "title": module.TITLE,
        "source": f"data:image/png;base64,{base64.b64encode(content).decode()}",
        "alt": str(drawn.get_label()),
    }
