"""Every figure of the folder draws every kind of result, and says when it cannot."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from bench.errors import UserError
from bench.figures import caption, load, save
from bench.platform import limit_profile

PATHS = {
    "chat": {
        "auth": 0.12, "parse_request": 0.06, "validate": 0.02, "rate_limit": 0.09,
        "load_conversation": 0.55, "embed": 0.62, "retrieve": 1.48, "rerank": 0.02,
        "assemble": 0.21, "complete": 0.48, "stream": 1.12, "save_turn": 0.33,
        "summarize": 0.61,
    },
    "ingest": {
        "receive": 0.18, "parse_transcript": 1.35, "chunk": 0.74, "store": 0.92,
        "enqueue": 0.44,
    },
    "consume": {"embed_chunks": 5.3, "upsert": 2.2},
}  # fmt: skip
FLOOR = {"chat": 0.31, "ingest": 0.28, "consume": 0.27}
COLD = {"chat": 4.1, "ingest": 2.6, "consume": 1.7}
RUNTIME = "cpython"


def interval(value, share=0.02):
    return {"low": value * (1 - share), "high": value * (1 + share)}


def whole(phase, value, floor, n):
    return {
        "runtime": RUNTIME,
        "phase": phase,
        "whole_cpu_ms": value,
        **interval(value),
        "floor_cpu_ms": floor,
        "closure": 0.012,
        "closure_low": -0.004,
        "closure_high": 0.028,
        "n": n,
        "run_delay_ms": 0.4,
        "wall_ms": value * 1.8,
        "control": {"ratio": 1.002, "low": 0.994, "high": 1.01},
        "verdict": "ok",
        "stopped_by": "precision" if phase == "warm" else "time",
    }


def journey(phases=("warm", "cold"), invocations=tuple(PATHS), n=240):
    """The document of `bench stages` for a made-up, plausible machine."""
    rows, totals, parts = [], [], []
    for phase in phases:
        sums = []
        for invocation in invocations:
            factor = COLD[invocation] if phase == "cold" else 1.0
            requests = n if phase == "warm" else max(n // 20, 1)
            count = min(requests, 12)
            for stage, warm in PATHS[invocation].items():
                cpu = warm * factor
                io = 0.6 * cpu if stage in {"auth", "embed", "retrieve", "store"} else 0
                alone = {"alone_ms": None, "alone_low": None, "alone_high": None}
                if phase == "warm":
                    low, high = interval(cpu * 0.4, 0.03).values()
                    alone = {
                        "alone_ms": cpu * 0.4,
                        "alone_low": low,
                        "alone_high": high,
                    }
                rows.append(
                    {
                        "runtime": RUNTIME, "phase": phase, "invocation": invocation,
                        "stage": stage, "cpu_ms": cpu, **interval(cpu, 0.06),
                        "n": count, "requests": requests, "compute_ms": cpu - io,
                        "io_ms": io, **alone, "error": None,
                    }
                )  # fmt: skip
            value = sum(PATHS[invocation].values()) * factor + FLOOR[invocation]
            sums.append(value)
            total = whole(phase, value, FLOOR[invocation], count)
            parts.append({**total, "invocation": invocation})
        if sums:
            totals.append(whole(phase, sum(sums), sum(FLOOR.values()), count))
    return {
        "schema": 1,
        "run": "20260101T120000Z-ab12cd",
        "machine": {
            "host": "amd-epyc-2c-3f9a1c", "cpu": "AMD EPYC", "cores": 2,
            "kernel": "6.1", "python": "CPython 3.11.7", "load": [0.2, 0.1, 0.1],
            "governor": None,
            "cgroup_quota": None, "steal": 0.01, "virtualisation": "kvm",
            "versions": {"httpx": "0.28.1"}, "workerd": None, "v8": None,
            "warnings": ["the machine is virtual: other guests can take its time"],
        },
        "command": "bench stages --profile quick --seed 1",
        "rows": rows,
        "totals": totals,
        "invocations": parts,
    }  # fmt: skip


def drawn(result, seed=1):
    """Tidy samples that agree with ``result``: a cell a phase, each counting from 0."""
    rng, rows = random.Random(seed), []
    requests = {(r["phase"], r["invocation"]): r["requests"] for r in result["rows"]}
    for phase in dict.fromkeys(part["phase"] for part in result["invocations"]):
        parts = [part for part in result["invocations"] if part["phase"] == phase]
        todo = [p for p in parts for _ in range(requests[phase, p["invocation"]])]
        rng.shuffle(todo)
        for seq, part in enumerate(todo):
            head = {
                "run": result["run"], "host": "h", "cell": f"cell-{phase}",
                "runtime": part["runtime"], "phase": phase, "variant": "plain",
                "invocation": part["invocation"], "fixture": "transcript.json",
                "process": seq * 12 // len(todo), "seq": seq, "unit": "ms",
            }  # fmt: skip
            tail = math.exp(rng.gauss(0, 0.07)) + (rng.random() < 0.02) * rng.random()
            cpu = part["whole_cpu_ms"] * tail
            speed = math.exp(rng.gauss(0, 0.01)) * (1 + 0.03 * math.sin(seq / 300))
            rows += [
                {**head, "stage": "whole", "metric": "cpu", "value": cpu},
                {**head, "stage": "whole", "metric": "wall", "value": cpu * 2},
                {**head, "stage": "whole", "metric": "cpu", "value": cpu * 1.001,
                 "variant": "control"},
                {**head, "stage": "sentinel", "invocation": "", "metric": "cpu",
                 "value": 1.5 * speed},
            ]  # fmt: skip
    return pd.DataFrame(rows)


def degenerate():
    """Results that a failing, short or partial run leaves behind, by name."""
    nothing = journey(phases=())
    one = journey(n=1)
    failed = journey()
    for row in failed["rows"][::2]:
        row.update(cpu_ms=None, low=None, high=None, error="<b>boom</b> $x_{1}$ \\frac")
    broken = journey()
    for row in [*broken["rows"], *broken["invocations"], *broken["totals"]]:
        row.update(
            dict.fromkeys(
                ("cpu_ms", "low", "high", "whole_cpu_ms", "floor_cpu_ms", "alone_ms",
                 "io_ms", "n"),
            )
        )  # fmt: skip
    odd = journey(phases=("lukewarm",), invocations=("chat",))
    odd["rows"][0]["stage"] = "a stage $\\frac$ of theirs with a long name_{"
    odd["rows"][1].update(cpu_ms=0.0, low=-0.1, high=0.1)
    odd["rows"][2].update(cpu_ms=float("nan"))
    odd["rows"][3].update(cpu_ms=float("inf"))
    odd["rows"][4].update(cpu_ms=-0.002, io_ms=9.0)
    two = journey()
    for key in ("rows", "totals", "invocations"):
        two[key] += [{**row, "runtime": "workerd"} for row in two[key]]
    stretched = journey()
    for row in [*stretched["rows"], *stretched["invocations"]]:
        if row["phase"] == "cold":
            for field in ("cpu_ms", "low", "high", "whole_cpu_ms"):
                row[field] = row[field] * 40 if row.get(field) else row.get(field)
    return {
        "both phases": journey(),
        "warm only": journey(phases=("warm",)),
        "cold only": journey(phases=("cold",)),
        "one invocation": journey(invocations=("consume",)),
        "one sample": one,
        "some stages failed": failed,
        "every number missing": broken,
        "nothing measured": nothing,
        "an empty document": {"rows": [], "totals": [], "invocations": []},
        "no keys at all": {},
        "a plug-in stage and phase": odd,
        "two runtimes": two,
        "cold forty times slower": stretched,
    }


RESULTS = degenerate()
FIGURES = load()
SAMPLES = drawn(RESULTS["both phases"])


def samples_of(result):
    parts = result.get("invocations") or []
    measured = any(part["whole_cpu_ms"] for part in parts)
    return drawn(result) if measured else pd.DataFrame()


def text_of(figure):
    return " ".join(item.get_text() for item in figure.findobj(Text))


@pytest.mark.parametrize("case", RESULTS)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_every_result(name, case):
    result = RESULTS[case]
    kept = json.dumps(result)
    samples = samples_of(result)
    before = samples.copy()
    figure, data = FIGURES[name].draw(result, samples, limit_profile("free"))
    figure.draw_without_rendering()

    assert FIGURES[name].TITLE
    assert isinstance(data, pd.DataFrame)
    assert len(str(figure.get_label())) > 30, "the alternative text"
    assert json.dumps(result) == kept, "a figure does not change what it shows"
    pd.testing.assert_frame_equal(samples, before)
    if data.empty:
        assert "No " in text_of(figure), "an empty figure says why"


@pytest.mark.parametrize("name", FIGURES)
def test_no_rows_in_no_columns_and_wrong_columns(name):
    for samples in (
        pd.DataFrame(),
        pd.DataFrame({"other": [1]}),
        drawn(journey(n=2)).iloc[:0],
        drawn(journey(n=2)).assign(value=float("nan")),
        drawn(journey(n=2)).assign(process=None, seq=None, value="3.5"),
    ):
        figure, _ = FIGURES[name].draw(journey(n=2), samples, limit_profile("free"))
        assert figure.get_label()


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("limits", ["free", "paid-max", "custom:cpu_ms=0.01"])
def test_the_limit_is_named_wherever_it_lies(name, limits):
    profile = limit_profile(limits)
    figure, _ = FIGURES[name].draw(RESULTS["both phases"], SAMPLES, profile)
    if name in {"budget", "ecdf"}:
        assert limits in text_of(figure)


def test_every_axis_with_cpu_names_its_unit():
    for name, module in FIGURES.items():
        result = RESULTS["both phases"]
        figure, _ = module.draw(result, SAMPLES, limit_profile("free"))
        labels = [axes.get_xlabel() + axes.get_ylabel() for axes in figure.axes]
        assert any("ms" in label for label in labels), name
        for label in labels:
            assert "CPU" not in label or "(ms" in label, (name, label)


@pytest.mark.parametrize("name", FIGURES)
def test_equal_input_is_saved_as_equal_bytes(name, tmp_path):
    written = []
    for folder in ("first", "second"):
        figure, data = FIGURES[name].draw(
            RESULTS["both phases"], SAMPLES, limit_profile("article")
        )
        paths = save(tmp_path / folder, name, figure, data)
        assert [path.suffix for path in paths] == [".svg", ".png", ".csv"]
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]


def test_drawing_leaves_the_global_style_and_pyplot_alone():
    code = (
        "import sys, matplotlib, pandas as pd; before = matplotlib.rcParams.copy()\n"
        "from bench import figures; from bench.platform import limit_profile\n"
        "for module in figures.load().values():\n"
        "    module.draw({}, pd.DataFrame(), limit_profile('free'))\n"
        "assert matplotlib.rcParams.copy() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_a_figure_imports_no_heavy_library():
    code = (
        "import sys; from bench import figures; figures.load()\n"
        "assert not {'matplotlib', 'pandas', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_budget_is_complete_stacked_and_zero_based():
    result = RESULTS["both phases"]
    figure, data = FIGURES["budget"].draw(result, SAMPLES, limit_profile("free"))
    chat = data[data["bar"].eq("chat") & data["phase"].eq("warm")]
    parts = chat[chat["segment"].ne("whole")]["cpu_ms"].sum()
    assert parts == pytest.approx(chat[chat["segment"].eq("whole")]["cpu_ms"].item())
    assert list(chat["segment"])[:13] == list(PATHS["chat"])
    panels = [axes for axes in figure.axes if axes.patches]
    assert [axes.get_xlim()[0] for axes in panels] == [0, 0]
    reach = [max(p.get_x() + p.get_width() for p in axes.patches) for axes in panels]
    assert reach == pytest.approx([7.77, 23.72], abs=0.01)


def test_a_far_limit_is_said_and_does_not_flatten_the_bars():
    result = RESULTS["both phases"]
    figure, _ = FIGURES["budget"].draw(result, SAMPLES, limit_profile("paid-default"))
    assert "30,000 ms, is off the axis: 1,240 \N{MULTIPLICATION SIGN}" in text_of(
        figure
    )
    assert all(axes.get_xlim()[1] < 60 for axes in figure.axes if axes.patches)


@pytest.mark.parametrize(
    ("n", "marked"),
    [(9, []), (10, [50]), (99, [50]), (100, [50, 95]), (499, [50, 95]),
     (500, [50, 95, 99])],
)  # fmt: skip
def test_a_percentile_is_marked_only_where_enough_samples_lie_beyond(n, marked):
    result = journey(phases=("warm",), invocations=("chat",), n=n)
    figure, _ = FIGURES["ecdf"].draw(result, drawn(result), limit_profile("free"))
    legend = figure.legends[0]
    names = [text.get_text() for text in legend.get_texts()]
    assert names == [f"chat warm, n = {n:,}"]
    said = f"marks at {', '.join(f'p{q}' for q in marked)}" if marked else ""
    assert legend.get_title().get_text() == said
    marks = [m for m in figure.axes[0].lines if len(m.get_xdata()) == 1]
    assert [m.get_ydata()[0] for m in marks] == [q / 100 for q in marked]


def test_an_invocation_has_its_own_mark_so_that_grey_tells_it_too():
    result = RESULTS["both phases"]
    figure, _ = FIGURES["ecdf"].draw(result, SAMPLES, limit_profile("free"))
    lines = [line for line in figure.axes[0].lines if "n = " in str(line.get_label())]
    shapes = {line.get_label().split()[0]: line.get_marker() for line in lines}
    assert len(lines) == 6
    assert len(set(shapes.values())) == len(shapes) == 3


def test_a_limit_is_for_scale_where_workers_does_not_run_the_runtime():
    result = json.loads(json.dumps(RESULTS["both phases"]))
    for name in ("budget", "ecdf"):
        for workers in (True, False):
            for row in result["invocations"]:
                row["workers"] = workers
            figure, _ = FIGURES[name].draw(result, SAMPLES, limit_profile("free"))
            assert ("(for scale)" in text_of(figure)) is not workers
            assert "CPython" in text_of(figure)


@pytest.mark.parametrize("limits", ["free", "custom:cpu_ms=8.2", "custom:cpu_ms=30"])
def test_no_number_of_the_budget_lies_on_another_or_on_a_bar(limits):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    result = RESULTS["both phases"]
    figure, _ = FIGURES["budget"].draw(result, SAMPLES, limit_profile(limits))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    for axes in figure.axes:
        totals = [t for t in axes.texts if "groups" in t.get_text()]
        boxes = [t.get_window_extent(renderer) for t in totals]
        assert len(boxes) == 3
        edge = axes.get_window_extent(renderer).x1
        assert all(box.x0 >= edge and box.x1 <= figure.bbox.x1 for box in boxes)
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-1e-9, "0"), (0.0025, "0.0025"), (0.042, "0.0420"), (0.5, "0.500"),
     (6.214, "6.21"), (30_000, "30,000")],
)  # fmt: skip
def test_milliseconds_have_digits_that_a_clock_carries(value, text):
    from bench.figures._common import milliseconds

    assert milliseconds(value) == text


@settings(max_examples=25)
@given(st.lists(st.floats(0.001, 1e5), min_size=1, max_size=40))
def test_the_drawn_distribution_is_the_empirical_one(values):
    result = journey(phases=("warm",), invocations=("chat",), n=len(values))
    samples = drawn(result)
    plain = samples["stage"].eq("whole") & samples["variant"].eq("plain")
    samples.loc[plain & samples["metric"].eq("cpu"), "value"] = values
    _, data = FIGURES["ecdf"].draw(result, samples, limit_profile("free"))
    for value, share in zip(data["cpu_ms"], data["share"], strict=True):
        below = sum(other < value for other in values)
        upto = sum(other <= value for other in values)
        assert below < share * len(values) + 1e-6
        assert share * len(values) <= upto + 1e-6
    assert list(data["cpu_ms"]) == sorted(values)


def test_a_stage_has_one_colour_everywhere_and_the_path_has_no_repeats():
    from bench.figures._common import stage_colour

    for path in PATHS.values():
        assert len({stage_colour(stage) for stage in path}) == len(path)
    assert stage_colour("a stage of theirs") == stage_colour("a stage of theirs")


def test_the_caption_names_what_a_number_needs():
    text = caption(RESULTS["both phases"])
    for part in (
        "warm n = 12 process groups (cpython)",
        "amd-epyc-2c-3f9a1c",
        "CPython 3.11.7",
        "95 %",
        "bench stages --profile quick --seed 1",
    ):
        assert part in text
    assert "no finished measurement" in caption({})


def test_a_disk_that_refuses_is_a_user_error(tmp_path):
    (tmp_path / "taken").write_text("a file")
    figure, data = FIGURES["budget"].draw({}, SAMPLES, limit_profile("free"))
    with pytest.raises(UserError):
        save(tmp_path / "taken" / "figures", "budget", figure, data)


def test_the_description_travels_inside_the_picture(tmp_path):
    figure, data = FIGURES["budget"].draw(
        RESULTS["both phases"], SAMPLES, limit_profile("free")
    )
    svg = save(tmp_path, "budget", figure, data)[0].read_text()
    assert "60.20% of 10 ms" in svg
    assert "<dc:date>" not in svg


def test_cells_that_count_from_zero_are_laid_end_to_end():
    result = RESULTS["both phases"]
    _, data = FIGURES["run_order"].draw(result, SAMPLES, limit_profile("free"))
    warm, cold = (data[data["phase"].eq(phase)]["seq"] for phase in ("warm", "cold"))
    assert (warm.min(), warm.max()) == (0, 719)
    assert (cold.min(), cold.max()) == (720, 755)
    whole = data[data["stage"].eq("whole")]
    assert len(whole) == 756, "one point a request, none of the control"
