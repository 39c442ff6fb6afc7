"""The report: one offline page and one text table, whatever the run left behind."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import pytest
from figure_support import both, figures_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_figures import RESULTS, SAMPLES

from bench import figures, report
from bench.errors import UserError
from bench.platform import limit_profile

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "{{7*7}}{% raw %}",
    "\"'><a href='javascript:alert(1)'>",
    "<!--",
    "\x1b[31mred\x1b[0m",
]


class Page(HTMLParser):
    """Elements and text of a page, as a browser would find them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def having(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def run_folder(path, document, **manifest):
    path.mkdir(parents=True, exist_ok=True)
    (path / "stages.json").write_text(json.dumps(document))
    whole = {
        "schema": 1,
        "run": document.get("run"),
        "created": "2026-01-01T12:00:00+00:00",
        "command": "bench run --profile quick",
        "seed": 7,
        "profile": "quick",
        "parameters": {"limits": "free"},
        "commit": "0123abcd",
        "fixtures": {"transcript.json": "ab" * 32},
        "notebooks": {},
    }
    (path / "manifest.json").write_text(json.dumps(whole | manifest))
    return path


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """A run with everything in it."""
    result = RESULTS["both phases"]
    notebooks = {"01_request_path": {"status": "ok", "seconds": 3.2}}
    folder = run_folder(
        tmp_path_factory.mktemp("run") / "r", result, notebooks=notebooks
    )
    for name, module in figures_of("stages").items():
        figure, data = module.draw(result, SAMPLES, limit_profile("free"))
        figures.save(folder / "figures", name, figure, data)
    for name in ("profiles/warm.html", "notebooks/01_request_path.html"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("<p>")
    report.build(folder)
    return folder


def page_of(folder):
    return Page((folder / "report.html").read_text())


def test_the_answer_comes_first_with_share_and_driver(whole_run):
    text = page_of(whole_run).text
    answer = text[text.index("Does it fit") :][:600]
    assert "Of the 10 ms of CPU that free allows" in answer
    assert "one warm consume invocation uses 78 %: 7.77 ms [7.61, 7.93]" in answer
    assert "39 % to 155 %" in answer
    assert "embed_chunks drives it with 5.30 ms, 68 %" in answer
    assert "costs 23.7 ms [23.2, 24.2], 237 % of 10 ms" in answer


def test_every_number_of_the_document_is_on_the_page(whole_run):
    text = page_of(whole_run).text
    for row in RESULTS["both phases"]["rows"]:
        assert row["stage"] in text
    for part in (
        "6.02 [5.90, 6.14] 60 %",
        "floor 0.310",
        "+1.2 % [\N{MINUS SIGN}0.4 %, +2.8 %]",
        "0.888 0.592 15 % 0.592 12",
        "1.002 [0.994, 1.010]",
        "The sentinel, a fixed workload, took 1.5",
        "amd-epyc-2c-3f9a1c",
        "the machine is virtual",
        "git checkout 0123abcd",
        "bench stages --profile quick --seed 1",
        "Limitations",
        "Cloudflare docs, Workers limits",
    ):
        assert part in text, part


def test_pictures_are_inside_with_words_for_who_cannot_see_them(whole_run):
    pictures = page_of(whole_run).having("img")
    assert len(pictures) == len(figures_of("stages"))
    for picture in pictures:
        assert picture["src"].startswith("data:image/")
        assert len(picture["alt"]) > 40


def test_nothing_is_loaded_and_nothing_runs_but_the_one_script(whole_run):
    page = page_of(whole_run)
    assert page.having("script") == [{}]
    text = (whole_run / "report.html").read_text()
    script = text.split("<script>")[1].split("</script>")[0]
    assert script == (Path(report.__file__).parent / "tables.js").read_text()
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert not page.having("link")
    assert not page.having("iframe")
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "srcset", "href", "action", "data"):
            value = attributes.get(name) or ""
            assert "://" not in value
            if name == "src" and value:
                assert value.startswith("data:image/")
    policies = [m for m in page.having("meta") if "http-equiv" in m]
    policy = policies[0]["content"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith(f"script-src 'sha256-{digest}'")
    style = (whole_run / "report.html").read_text().split("<style>")[1]
    assert not re.search(r"url\(|@import", style.split("</style>")[0])


def test_links_are_relative_and_lead_to_files(whole_run):
    links = [a["href"] for a in page_of(whole_run).having("a")]
    local = [link for link in links if not link.startswith("#")]
    assert {"profiles/warm.html", "notebooks/01_request_path.html"} <= set(local)
    assert {f"figures/{name}.csv" for name in figures_of("stages")} <= set(local)
    # Samples are sealed under this name right after the report is written.
    for link in set(local) - {"samples.parquet"}:
        assert (whole_run / link).is_file(), link
    anchors = {a.get("id") for _, a in page_of(whole_run).elements}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors


def test_equal_input_gives_equal_bytes(whole_run):
    before = (whole_run / "report.html").read_bytes()
    assert report.build(whole_run).read_bytes() == before


def test_a_given_document_is_shown_instead_of_the_stored_one(tmp_path):
    folder = run_folder(tmp_path / "r", {})
    document = RESULTS["both phases"] | {"limits": "custom:cpu_ms=25"}
    report.build(folder, document)
    assert "Of the 25 ms of CPU that custom:cpu_ms=25 allows" in page_of(folder).text


@pytest.mark.parametrize("case", RESULTS)
def test_every_result_has_a_page_and_a_summary(case, tmp_path):
    folder = run_folder(tmp_path / "r", RESULTS[case])
    assert report.build(folder) == folder / "report.html"
    assert "Does it fit" in page_of(folder).text
    assert report.summary_of(folder)


def test_an_empty_folder_has_a_page_that_says_so(tmp_path):
    report.build(tmp_path)
    text = page_of(tmp_path).text
    assert "Nothing was measured to its end" in text
    assert "This run drew no figure" in text


def hostile_run(folder, text):
    document = both(phases=("warm",), invocations=("chat",), n=3)
    document["run"] = text
    document["command"] = f"bench stages --transcript '{text}'"
    document["machine"]["cpu"] = text
    document["machine"]["warnings"] = [text]
    document["machine"]["versions"] = {text: text}
    document["rows"][0]["stage"] = text
    document["rows"][1].update(cpu_ms=None, error=text)
    document["invocations"][0].update(runtime=text, verdict=text, doubts=[text])
    document["instruments"][0].update(instrument=text, doubt=text)
    document["warming"] = [
        {"runtime": text, "invocation": text, "phase": text, "request": 1, "cpu_ms": 2}
    ]
    for row, key in zip(document["isolates"], ("runtime", "variant"), strict=False):
        row[key] = text
    place = {"runtime": text, "phase": text, "stages": [text], "article_ms": None}
    numbers = {"cpu_ms": 1.0, "low": None, "high": None, "n": 1}
    document["article"] = [{"operation": text, **place, **numbers}]
    notebook = {text: {"status": text, "seconds": text, "output": text}}
    fixtures = {text: text}
    run_folder(folder, document, notebooks=notebook, fixtures=fixtures, commit=text)
    error = dict.fromkeys(("type", "message", "notebook", "trace"), text)
    (folder / "errors.jsonl").write_text(json.dumps(error) + "\nnot json " + text)
    return document


@pytest.mark.parametrize("text", HOSTILE)
def test_what_users_write_is_shown_and_never_run(text, tmp_path):
    hostile_run(tmp_path / "r", text)
    report.build(tmp_path / "r")
    page, clean = page_of(tmp_path / "r"), run_folder(tmp_path / "clean", {})
    hostile_run(clean, "plain")
    report.build(clean)
    assert [tag for tag, _ in page.elements] == [
        tag for tag, _ in page_of(clean).elements
    ]
    assert page.text.count(" ".join(text.split())) >= 10
    assert not [a for a in page.having("a") if "javascript" in (a["href"] or "")]


@given(text=st.text(min_size=1, max_size=30))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_leaves_the_structure_of_the_page_alone(text, tmp_path):
    document = hostile_run(tmp_path / "r", text.replace("\0", ""))
    report.build(tmp_path / "r")
    tags = [tag for tag, _ in page_of(tmp_path / "r").elements]
    for tag in ("h1", "main", "style", "script"):
        assert tags.count(tag) == 1
    for line in report.summary(document).split("\n"):
        assert line.isprintable()


def test_a_link_never_leaves_the_run(tmp_path):
    (tmp_path / "secret.html").write_text("x")
    notebooks = {"../../secret": {"status": "ok"}, "a#b?c": {"status": "ok"}}
    folder = run_folder(tmp_path / "r", {}, notebooks=notebooks)
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "a#b?c.html").write_text("x")
    report.build(folder)
    links = [a["href"] for a in page_of(folder).having("a")]
    assert "notebooks/a%23b%3Fc.html" in links
    assert not [link for link in links if "secret" in link]


def test_a_hostile_picture_is_data_and_not_markup(tmp_path):
    folder = run_folder(tmp_path / "r", {})
    (folder / "figures").mkdir()
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script>"
        "<dc:description>a &lt;b&gt; &quot;</dc:description></svg>"
    )
    (folder / "figures" / "odd.svg").write_text(svg)
    report.build(folder)
    assert page_of(folder).having("script") == [{}]
    assert page_of(folder).having("img")[0]["alt"] == 'a <b> "'


def test_a_large_svg_gives_way_to_its_png(tmp_path):
    folder = run_folder(tmp_path / "r", {})
    (folder / "figures").mkdir()
    (folder / "figures" / "big.svg").write_text("<svg>" + " " * 700_000 + "</svg>")
    (folder / "figures" / "big.png").write_bytes(b"png")
    report.build(folder)
    assert page_of(folder).having("img")[0]["src"].startswith("data:image/png")


@pytest.mark.parametrize("name", ["manifest.json", "stages.json", "machine.json"])
def test_a_file_that_is_not_json_is_named(name, tmp_path):
    folder = run_folder(tmp_path / "r", {})
    (folder / name).write_text('{"schema": 1, ')
    with pytest.raises(UserError) as caught:
        report.build(folder)
    assert caught.value.file.endswith(name)
    assert not (folder / "report.html").exists()


def test_a_runtime_that_workers_does_not_use_is_never_judged(tmp_path):
    document = json.loads(json.dumps(RESULTS["both phases"]))
    for row in document["invocations"]:
        row["workers"] = False
    report.build(run_folder(tmp_path / "r", document))
    text = page_of(tmp_path / "r").text
    assert "Where does the CPU of one request go?" in text
    assert "Does it fit" not in text
    assert "No verdict: Workers runs none of the measured runtimes." in text
    assert "consume in CPython, 78 %" in text


def test_a_sentinel_that_moved_is_said():
    from bench.report._drawn import sentinel_text

    assert "not still" not in sentinel_text([1.0] * 20)
    assert "not still" in sentinel_text([1.0, 1.3] * 10)


def test_the_tables_of_a_notebook_hold_every_row_in_sensible_digits():
    from bench.report import tables

    document = RESULTS["both phases"]
    page = Page(tables.stages(document).to_html())
    assert len(tables.stages(document).data) == len(document["rows"])
    assert page.text.count("retrieve") == 2
    assert "0.888 0.592 0.592" in page.text, "client, compute, alone"
    assert "nan" not in page.text.lower()
    wholes = Page(tables.wholes(document).to_html()).text
    assert "6.02 [5.90, 6.14]" in wholes
    assert "1.002 [0.994, 1.010]" in wholes
    limits = limit_profile("free")
    for nothing in ({}, {"rows": [], "invocations": []}):
        tables.stages(nothing).to_html()
        tables.wholes(nothing).to_html()
        tables.article(nothing).to_html()
        tables.warming(nothing).to_html()
        tables.instruments(nothing).to_html()
        tables.isolate(nothing, limits).to_html()


def test_a_run_that_is_missing_is_a_user_error(tmp_path):
    for function in (report.build, report.summary_of):
        with pytest.raises(UserError):
            function(tmp_path / "nowhere")


def test_the_summary_is_a_table_for_a_terminal():
    text = report.summary(RESULTS["both phases"] | {"limits": "free"})
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    assert "retrieve" in text
    row = next(line for line in lines if line.startswith("  retrieve"))
    assert row.split() == (
        ["retrieve", "1.48", "[1.39,", "1.57]", "0.888", "15", "%", "0.592", "12"]
    )
    assert "free: 10 ms a request, 10 ms a queue batch" in text
    assert re.search(r"  whole +6\.02  \[5\.90, 6\.14\] +60 % +12", text)
    assert re.search(r"  floor +0\.310 +3\.1 %", text)
    checks = "closure +1.2% [-0.4%, +2.8%]; A/A control 1.002 [0.994, 1.010]"
    assert f"{checks}; run delay 0.400 ms; ok" in text
    assert re.search(r"journey warm cpython +17\.7", text)
    joined = " ".join(text.split())
    assert joined.endswith("23.7 ms [23.2, 24.2], 237 % of 10 ms.")
    assert "39 % to 155 %" in joined


def test_doubt_and_failure_are_said():
    document = json.loads(json.dumps(RESULTS["both phases"]))
    document["invocations"][0].update(
        verdict="inconclusive", doubts=["the A/A control is off by +7.0%"]
    )
    document["rows"][1].update(cpu_ms=None, error="BenchError: the child died")
    text = " ".join(report.summary(document).split())
    assert "inconclusive; the A/A control is off by +7.0%" in text
    assert "Inconclusive for chat warm CPython: a check on the numbers failed." in text
    assert "failed: cpython warm chat parse_request: BenchError: the child" in text


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ("paid-default", "so it fits;"),
        ("custom:cpu_ms=3", "so it does not fit;"),
        ("free", "so whether it fits cannot be told from here;"),
    ],
)
def test_a_verdict_holds_over_the_whole_transfer_range(limits, verdict):
    text = " ".join(report.summary(RESULTS["both phases"] | {"limits": limits}).split())
    assert verdict in text


def test_an_unknown_limit_profile_is_a_user_error():
    with pytest.raises(UserError):
        report.summary(RESULTS["both phases"] | {"limits": "enterprise"})


def test_no_section_stands_empty(whole_run):
    """Only CPython was measured: nothing is known of an isolate."""
    text = page_of(whole_run).text
    assert "One whole, three instruments" not in text
    assert "isolate lock" not in text.split("Limitations", 1)[0].split("Figures")[0]
    anchors = {a.get("id") for _, a in page_of(whole_run).elements}
    assert "warming" in anchors
    assert "isolate" not in anchors
