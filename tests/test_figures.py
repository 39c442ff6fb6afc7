"""Every figure of the path draws every kind of result, and says when it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise

import pandas as pd
import pytest
from figure_support import (
    NEGATIVE,
    PATHS,
    both,
    drawn,
    figures_of,
    journey,
    text_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UserError
from bench.figures import caption, save
from bench.platform import limit_profile


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
    strange = both(phases=("warm",))
    for row in [*strange["rows"], *strange["invocations"], *strange["totals"]]:
        row["runtime"] = {"workerd": "<b>theirs</b>"}.get(row["runtime"], "other")
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
        "two runtimes": both(),
        "two runtimes, cold only": both(phases=("cold",), n=1),
        "two unknown runtimes": strange,
        "cold forty times slower": stretched,
    }


RESULTS = degenerate()
FIGURES = figures_of("stages")
SAMPLES = drawn(RESULTS["both phases"])


def samples_of(result):
    parts = result.get("invocations") or []
    measured = any(part["whole_cpu_ms"] for part in parts)
    return drawn(result) if measured else pd.DataFrame()


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
    assert set(data["runtime"]) == {"cpython"}
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
    lines = figure.legends[0].get_lines()
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


BOTH = both()
BOTH_SAMPLES = drawn(BOTH)
FREE = limit_profile("free")


def test_what_is_charged_ends_the_solid_part_and_is_held_against_the_limit():
    figure, data = FIGURES["budget"].draw(BOTH, BOTH_SAMPLES, FREE)
    warm = data[data["bar"].eq("chat workerd") & data["phase"].eq("warm")]
    rows = warm.set_index("segment")
    assert rows.loc["under lock", "compute_ms"] == pytest.approx(0.6 * 6.02)
    assert rows.loc[NEGATIVE, "cpu_ms"] == -0.03, "the data has it as measured"
    assert "3.61 ms under the isolate lock of 6.02 ms of CPU, 36.12%" in str(
        figure.get_label()
    )
    text = text_of(figure)
    assert "3.61 ms  [3.51, 3.71] charged" in text
    assert "workerd: solid is time under the isolate lock" in text
    assert "CPython: solid is compute, hatched is the HTTP client" in text


def test_no_bar_is_negative_and_each_ends_where_stages_and_floor_do():
    figure, data = FIGURES["budget"].draw(BOTH, BOTH_SAMPLES, FREE)
    for axes in figure.axes:
        assert all(patch.get_width() >= 0 for patch in axes.patches)
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert labels[0].endswith("workerd"), "what Workers runs comes first"
        assert labels[-1].endswith("CPython")
    parts = data[~data["segment"].isin(["whole", "under lock"])]
    summed = parts.groupby(["phase", "bar"])["cpu_ms"].sum()
    for phase, axes in zip(("warm", "cold"), figure.axes, strict=True):
        ends = {round(p.get_x() + p.get_width(), 6) for p in axes.patches}
        assert {round(end, 6) for end in summed[phase]} <= ends


def test_for_scale_is_said_only_over_bars_that_workers_does_not_run():
    figure, _ = FIGURES["budget"].draw(BOTH, BOTH_SAMPLES, FREE)
    for axes in figure.axes:
        texts = [text for text in axes.texts if "for scale" in text.get_text()]
        places = dict(
            zip(
                [label.get_text() for label in axes.get_yticklabels()],
                axes.get_yticks(),
                strict=True,
            )
        )
        assert len(texts) == 1
        assert places["chat\nworkerd"] < texts[0].get_position()[1]
    figure, _ = FIGURES["ecdf"].draw(BOTH, BOTH_SAMPLES, FREE)
    upper, lower = figure.axes[:2], figure.axes[2:]
    said = ["for scale" in " ".join(t.get_text() for t in a.texts) for a in upper]
    assert said == [False, False]
    said = ["for scale" in " ".join(t.get_text() for t in a.texts) for a in lower]
    assert said == [True, True]


def test_a_stage_alone_stands_beside_what_it_does_alone():
    """With its calls in workerd, without them in CPython."""
    figure, data = FIGURES["stages"].draw(BOTH, BOTH_SAMPLES, FREE)
    path = data[data["measured"].eq("in the path") & data["phase"].eq("warm")]
    embed = path[path["stage"].eq("embed")].set_index("runtime")["cpu_ms"]
    assert embed["workerd"] == pytest.approx(0.62), "all CPU"
    assert embed["cpython"] == pytest.approx(0.62 * 0.4), "compute"
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["workerd: CPU with calls", "CPython: compute"]
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert "2.5\N{MULTIPLICATION SIGN}" in texts, "how many times it costs in the path"
    assert "unclear" in texts, "no factor of what may be zero"


def test_what_may_be_negative_is_an_arrow_at_the_edge_of_a_log_axis():
    figure, data = FIGURES["stages"].draw(BOTH, BOTH_SAMPLES, FREE)
    axes = figure.axes[0]
    arrows = [line for line in axes.lines if line.get_marker() == "<"]
    mine = data[data["runtime"].eq("workerd") & data["measured"].eq("in the path")]
    edge = axes.get_xlim()[0]
    assert edge > 0
    assert len(arrows) == (mine["low"] < edge).sum()
    assert all(min(line.get_xdata()) >= edge for line in axes.lines)
    legend = " ".join(text.get_text() for text in figure.legends[0].get_texts())
    assert "reaches zero or below" in legend


def test_no_request_is_counted_twice_by_another_instrument():
    """`workerd bench` and the A/A control measure the whole again."""
    _, data = FIGURES["run_order"].draw(BOTH, BOTH_SAMPLES, FREE)
    assert len(data[data["stage"].eq("whole")]) == 2 * 756
    figure, _ = FIGURES["ecdf"].draw(BOTH, BOTH_SAMPLES, FREE)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "chat warm, n = 240, 240" in names


def test_the_median_of_a_phase_is_that_of_one_runtime():
    figure, data = FIGURES["run_order"].draw(BOTH, BOTH_SAMPLES, FREE)
    whole = data[data["stage"].eq("whole") & data["invocation"].eq("chat")]
    wanted = whole.groupby(["runtime", "phase"])["value"].median()
    drawn_at = sorted(line.get_ydata()[0] for line in figure.axes[0].lines)
    assert drawn_at == pytest.approx(sorted(wanted))
    text = text_of(figure)
    assert "workerd" in text
    assert "CPython" in text


def test_warming_shows_both_runtimes_from_zero_with_their_warm_level():
    figure, data = FIGURES["warming"].draw(BOTH, BOTH_SAMPLES, FREE)
    assert len(figure.axes) == 3
    assert all(axes.get_ylim()[0] == 0 for axes in figure.axes)
    chat = data[data["runtime"].eq("workerd") & data["invocation"].eq("chat")]
    assert list(chat["request"]) == list(range(1, 11))
    assert list(chat["warm_ms"]) == pytest.approx([6.02] * 10)
    text = text_of(figure)
    assert "workerd, n = 12" in text
    assert "first is 3.9\N{MULTIPLICATION SIGN} warm" in text


def test_the_article_has_a_row_for_each_of_its_operations_and_the_rest_below():
    figure, data = FIGURES["article"].draw(BOTH, BOTH_SAMPLES, FREE)
    mine = data[data["runtime"].eq("workerd") & data["phase"].eq("warm")]
    assert list(mine["article_ms"].dropna()) == [0.8, 0.3, 1.2, 0.9, 0.6, 0.2, 4.0]
    assert list(mine["operation"])[7:] == [
        "rate_limit", "stream", "save_turn", "summarize",
    ]  # fmt: skip
    marks = [line for line in figure.axes[0].lines if line.get_linewidth() > 3]
    assert sorted(line.get_xdata()[0] for line in marks) == sorted(
        mine["article_ms"].dropna()
    )
    assert "article 4 ms" in str(figure.get_label())


def test_a_missing_runtime_or_phase_is_left_out_of_every_figure():
    alone = both()
    for key in ("rows", "invocations", "totals", "warming"):
        alone[key] = [row for row in alone[key] if row["runtime"] == "workerd"]
    samples = drawn(alone)
    for name, module in FIGURES.items():
        figure, data = module.draw(alone, samples, FREE)
        assert "CPython" not in text_of(figure), name
        assert set(data["runtime"]) == {"workerd"}, name
