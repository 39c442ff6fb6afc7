"""One HTML file that needs nothing else: no network, no font, no script but its own.

Everything a user could have written, from a stage's name to an error's text, passes
the template's autoescape; pictures are data of `img` elements, in which no script
runs; and the page's own policy forbids every load, and every script but the one that
sorts and filters tables, which it knows by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures._common import number, spoken
from bench.files import write_whole
from bench.platform import DEFAULT, LimitProfile, limit_profile
from bench.report import _evidence, _origins, _shape
from bench.report._contests import KINDS, sections
from bench.report._drawn import sentinel_text
from bench.report._isolate import isolate
from bench.report._limitations import comparisons, limitations
from bench.report._pictures import figures
from bench.report._raw import Raw
from bench.report._run import RunFolder, read
from bench.verdict import answer
from bench.verdict.article import SOURCE

if TYPE_CHECKING:
    from jinja2 import Environment

Row = dict[str, Any]

_HERE = Path(__file__).parent
_FACTS = (
    "host", "cpu", "arch", "cores", "cores_allowed", "memory_mib", "virtualisation",
    "kernel", "governor", "turbo", "smt", "cgroup_quota", "load", "steal", "python",
    "workerd", "v8",
)  # fmt: skip
_NAMED = {
    "memory_mib": "memory (MiB)",
    "load": "load (1, 5, 15 min)",
    "steal": "steal (share)",
    "cgroup_quota": "cgroup quota (cores)",
}
_PLACE = ("runtime", "phase", "invocation")
_STAGE = (
    *_PLACE, "stage", "cpu_ms", "low", "high", "io_ms", "compute_ms", "alone_ms",
    "profile_ms", "n", "error",
)  # fmt: skip
_WHOLE = (
    *_PLACE, "whole_cpu_ms", "low", "high", "locked_ms", "locked_low", "locked_high",
    "locked_floor_ms", "floor_cpu_ms", "closure", "closure_low", "closure_high",
    "control", "helpers_ms", "run_delay_ms", "wall_ms", "n", "verdict", "doubts",
    "stopped_by",
)  # fmt: skip
_ERROR = ("type", "message", "notebook", "trace")
_MANIFEST = (
    "created", "profile", "commit", "dirty", "lock", "seed", "fixtures",
)  # fmt: skip
_FILES = {
    "samples.parquet": "raw samples, one number a row",
    "stages.json": "the document behind the tables of the path",
    **{
        f"{kind}.json": f"the document behind the tables of {this.title}"
        for kind, this in KINDS.items()
    },
    "matrix.md": "the decision matrix with all that flips it, as Markdown",
    "capacity.md": "the capacity plan as Markdown",
    "history.html": "every finished run until then, cell by cell",
    "transfer.json": "the factor from this machine to production",
    "manifest.json": "arguments, seed, commit, inputs, state of every cell",
    "machine.json": "facts of the machine",
    "errors.jsonl": "what failed",
}


def write(folder: Path, document: Row | None) -> Path:
    """Render the report of ``folder`` into its ``report.html``; see ``build``."""
    run = read(folder, document)
    path = folder / "report.html"
    write_whole(path, render(run).encode())
    return path


def render(run: RunFolder) -> str:
    """The page as text."""
    return html("report.html.j2", **_context(run))


def html(template: str, **context: Any) -> str:
    """A template of this folder with the one style sheet and the one script; all else
    is escaped."""
    from markupsafe import Markup

    # What is not escaped: the style sheet and the script beside this file.
    style, script = (
        Markup((_HERE / name).read_text(encoding="utf-8"))  # noqa: S704
        for name in ("report.css", "tables.js")
    )
    own = {"style": style, "script": script, "policy": _policy(script), "raw": None}
    return _templates().get_template(template).render(**(own | context))


@cache
def _templates() -> Environment:
    # Kept: to compile the templates takes longer than to render most pages.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "ms": _shape.ms,
        "signed": _shape.signed_percent,
        "ratio": _shape.ratio,
        "text": _shape.text,
        "percent": answer.percent,
        "share": _shape.share,
        "spoken": spoken,
    }
    return environment


def _policy(script: str) -> str:
    """What a browser may do with the page: show it, and run exactly ``script``."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )


def _context(run: RunFolder) -> Row:
    document = run.document
    limits = limit_profile(str(document.get("limits") or DEFAULT))
    compared = sections(run.compared)
    return {
        "run": document.get("run") or run.folder.name,
        "manifest": _full(run.manifest, _MANIFEST),
        "command": _command(document),
        "limits": limits,
        "judged": answer.judged(document),
        **_headline(run, limits, compared),
        "staged": run.staged,
        "sections": compared,
        "against": _against(document, limits),
        "groups": [_group(document, row, limits) for row in answer.measured(document)],
        "totals": _totals(document),
        "unlocked": _evidence.unlocked(document),
        "locked": any(map(answer.is_locked, document.get("invocations") or [])),
        "instruments": _evidence.instruments(document),
        "warming": _evidence.warming(document),
        "article": _evidence.article(document),
        "isolate": isolate(document, limits),
        "source": SOURCE,
        "sentinel": sentinel_text(run.sentinel),
        "figures": figures(run),
        "machine": _machine(run.machine),
        "versions": run.machine.get("versions") or {},
        "warnings": run.machine.get("warnings") or [],
        "limitations": [
            *(limitations(document, limits) if run.staged else ()),
            *comparisons(run.compared, staged=run.staged),
        ],
        "files": [
            (name, what, run.link(name))
            for name, what in _FILES.items()
            # Samples are sealed to this name right after the report is written.
            if run.link(name) or name == "samples.parquet"
        ],
        "profiles": run.profiles,
        "notebooks": run.notebooks,
        "raw": Raw(run),
        "failed": [
            _full(row, _STAGE) for row in document.get("rows") or [] if row.get("error")
        ],
        "errors": [_full(row, _ERROR) for row in run.errors],
    }


def _headline(run: RunFolder, limits: LimitProfile, compared: list[Row]) -> Row:
    """The question of the page, its answer, and what a browser calls it."""
    document = run.document
    if not run.staged:
        first = compared[0]
        return {
            "title": first["title"],
            "question": first["question"],
            "answer": first["answer"],
        }
    judged = f"Does it fit {limits.title}?"
    where = "Where does the CPU of one request go?"
    return {
        "title": "CPU of the request path",
        "question": judged if answer.judged(document) else where,
        "answer": answer.sentence(document, limits),
    }


def _against(document: Row, limits: LimitProfile) -> Row:
    """The table of profiles: phases as columns, one row a profile."""
    found = answer.against_all(document, limits)
    rows: dict[str, Row] = {}
    for entry in found:
        blank: Row = {"profile": entry.profile, "by": {}, "origin": []}
        row = rows.setdefault(entry.profile.name, blank)
        row["origin"] += _nearest(document, entry)
        row["by"][entry.phase] = {
            "runtime": entry.runtime,
            "invocation": entry.invocation,
            "share": entry.share,
            "said": entry.said,
            "symbol": answer.SYMBOL.get(entry.said, "?"),
        }
    phases = list(dict.fromkeys(entry.phase for entry in found))
    return {"phases": phases, "rows": list(rows.values())}


def _nearest(document: Row, entry: answer.Against) -> list[str]:
    """What the share of the invocation that is nearest to its limit rests on."""
    place = {name: getattr(entry, name) for name in _PLACE}
    return list(_origins.locked(document, place))


def _totals(document: Row) -> list[Row]:
    rows = _evidence.in_order(document, document.get("totals") or [])
    return [
        _full(row, _WHOLE) | {"origins": {"checked": _origins.checked(document, row)}}
        for row in rows
    ]


def _command(document: Row) -> str:
    """The command as it is typed without an activated environment."""
    command = str(document.get("command") or "bench run")
    ours = command.split(" ", 1)[0] in {"bench", "papermill"}
    return f".venv/bin/{command}" if ours else command


def _full(row: Row, fields: tuple[str, ...]) -> Row:
    """``row`` with None for every field that it lacks: old runs lack some."""
    return {**dict.fromkeys(fields), **row}


def _group(document: Row, whole: Row, limits: LimitProfile) -> Row:
    """One invocation in one phase: its whole, its checks and its stages."""
    limit = limits.cpu_ms_for(str(whole.get("invocation")))
    stages = [
        _full(row, _STAGE)
        | {
            "share": answer.counted(row, whole) / limit,
            "part": max(cpu, 0) / _longest(whole),
            "origin": _origins.stage(document, row, str(row.get("stage"))),
        }
        for row in document.get("rows") or []
        if (cpu := number(row.get("cpu_ms"))) is not None
        and all(row.get(key) == whole.get(key) for key in _PLACE)
    ]
    locked = answer.is_locked(whole)
    floor = number(whole.get("locked_floor_ms" if locked else "floor_cpu_ms"))
    return _full(whole, _WHOLE) | {
        "limit": limit,
        "share": answer.share(whole, limits),
        "floor_share": None if floor is None else floor / limit,
        "stages": stages,
        "locked": locked,
        "foreign": whole.get("workers") is False and answer.judged(document),
        "alone": any(row["alone_ms"] is not None for row in stages),
        "profiled": any(row["profile_ms"] is not None for row in stages),
        "profile_note": _evidence.profile_note(whole),
        "origins": {
            "floor": _origins.floor(whole),
            "whole": _origins.whole(whole),
            "locked": _origins.locked(document, whole),
            "checked": _origins.checked(document, whole),
        },
    }


def _longest(whole: Row) -> float:
    return max(float(whole["whole_cpu_ms"]), 1e-9)


def _machine(facts: Row) -> list[tuple[str, str]]:
    shown = [(name, facts[name]) for name in _FACTS if facts.get(name) is not None]
    return [(_NAMED.get(name, name.replace("_", " ")), _fact(v)) for name, v in shown]


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
