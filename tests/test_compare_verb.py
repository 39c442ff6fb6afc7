"""`bench compare`: what it refuses and why, what it prints, and its figure."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest
from compare_support import WHOLE, ask, change, groups, made, rows, whole
from figure_support import figures_of, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_claims_verb import hashes

from bench.figures import compare as module
from bench.figures._common import styled
from bench.platform import limit_profile
from bench.verdict import compare
from bench.verdict.compare import VERDICTS

FREE = limit_profile("free")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return (
        made(folder / "a", whole(5.0)).path,
        made(folder / "b", whole(6.0, seed=2), seed=2).path,
    )


REASONS = {
    "CPU model": {"facts_of": {"cpu": "Another CPU"}},
    "cores: ": {"facts_of": {"cores": 64}},
    "frequency governor": {"facts_of": {"governor": "powersave"}},
    "virtualisation": {"facts_of": {"virtualisation": "of another kind"}},
    "memory in GiB": {"facts_of": {"memory_mib": 1024}},
    "workerd: 2026-11-17 and 2027-01-01": {"facts_of": {"workerd": "2027-01-01"}},
    "V8": {"facts_of": {"v8": "99.9"}},
    "duration profile: quick and full": {"manifest": {"profile": "full"}},
    "seed": {"manifest": {"seed": 2}},
    "options of the path": {"manifest": {"parameters": {"options": {"k": 9}}}},
    "fixture transcript.json of 1 cells": {
        "manifest": {"fixtures": {"transcript.json": "cd" * 32}}
    },
}


@pytest.mark.parametrize("reason", REASONS)
def test_unlike_runs_are_refused_by_the_reason_unless_forced(pair, tmp_path, reason):
    other = made(tmp_path / "other", whole(5.0), **REASONS[reason]).path
    code, out, err = ask("compare", pair[0], other, "--quiet")
    assert (code, out) == (3, "")
    assert reason in err
    assert err.count("  - ") == 1
    assert "--force" in err
    code, out, _ = ask("compare", pair[0], other, "--force", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["forced"] is True
    assert [reason in each for each in document["reasons"]] == [True]
    assert reason in ask("compare", pair[0], other, "--force")[1]


def test_every_reason_is_listed_at_once(pair, tmp_path):
    both = {
        "facts_of": {"cpu": "Another CPU", "cores": 64},
        "manifest": {"profile": "full", "seed": 2},
    }
    other = made(tmp_path / "other", whole(5.0), **both).path
    code, _, err = ask("compare", pair[0], other)
    assert (code, err.count("  - ")) == (3, 4)


def test_what_does_not_run_a_cell_is_no_reason(pair, tmp_path):
    """Python drives workerd and does not run in it; packages are what may be tried."""
    facts = {"python": "CPython 3.99", "versions": {"orjson": "99"}, "load": [9, 9, 9]}
    other = made(tmp_path / "other", whole(5.0), facts_of=facts).path
    code, out, _ = ask("compare", pair[0], other, "--json")
    assert code == 0
    document = json.loads(out)
    assert document["reasons"] == []
    assert any(note.startswith("orjson: ") for note in document["notes"])


def test_another_schema_is_not_comparable_and_no_run_is_a_usage_error(pair, tmp_path):
    other = made(tmp_path / "other", whole(5.0)).path
    change(other / "manifest.json", {"schema": 99})
    code, _, err = ask("compare", pair[0], other)
    assert code == 3
    assert "schema: 99 is not known" in err
    code, _, err = ask("compare", pair[0], tmp_path / "nowhere")
    assert code == 2
    assert "nowhere" in err
    code, _, err = ask("compare", *pair, "--cell", "nosuch")
    assert (code, "remedy: " in err) == (2, True)
    assert ask("compare", *pair, "--within", "0")[0] == 2


def test_the_document_and_the_folder(pair, tmp_path):
    before = [hashes(path) for path in pair]
    out = [tmp_path / name for name in ("one", "two")]
    shown = [ask("compare", *pair, "--json", "--quiet", "--out", o) for o in out]
    assert shown[0] == shown[1]
    assert shown[0][0] == 0
    assert hashes(out[0]) == hashes(out[1])
    assert {"compare.json", "figures/compare.svg"} <= hashes(out[0]).keys()
    assert [hashes(path) for path in pair] == before
    document = json.loads(shown[0][1])
    [row] = document["rows"]
    wanted = {"cell", "ratio", "low", "high", "verdict", "p", "n_a", "n_b"}
    assert wanted <= row.keys()
    assert row["verdict"] == "slower"
    assert {"schema", "run", "machine", "reasons", "missing"} <= document.keys()


def test_the_text_names_verdicts_cells_and_what_is_missing(pair, tmp_path):
    hostile = WHOLE | {"fixture": "\x1b[31mred\x07 <b>"}
    many = [list(rows(WHOLE | {"stage": f"stage {n}"}, groups(1.0))) for n in range(30)]
    odd = list(rows(hostile, groups(1.0)))
    a = made(tmp_path / "a", whole(5.0), *many, odd).path
    b = made(tmp_path / "b", whole(7.0, seed=2), *many, odd, odd).path
    code, out, _ = ask("compare", a, b)
    assert code == 0
    assert "slower (1)" in out
    assert "and 11 more, see --json" in out
    assert "corrected by Holm, over 32 cells" in " ".join(out.split())
    assert "\x1b" not in out
    assert "\x07" not in out
    assert max(map(len, out.splitlines())) <= 100
    assert "only in A: " in ask("compare", a, pair[0], "--cell", "workerd")[1]


def row(number, **changes):
    value = 0.8 * 1.02 ** (number % 30)
    return {
        "cell": f"workerd/warm/chat/stage_{number}/plain/x/cpu",
        "verdict": VERDICTS[number % 4],
        "ratio": value,
        "low": value * 0.97,
        "high": value * 1.03,
        "p": 0.01,
        "p_corrected": 0.1,
        "a_ms": 1.0,
        "b_ms": value,
        "n_a": 8,
        "n_b": 8,
    } | changes


DOCUMENT = {"rules": {"within": 0.02}, "rows": [row(number) for number in range(72)]}


def draw(document=DOCUMENT):
    return module.draw(document, pd.DataFrame(), FREE)


def test_the_figure_groups_verdicts_and_says_what_it_leaves_out():
    assert figures_of("compare") == {"compare": module}
    figure, data = draw()
    figure.draw_without_rendering()
    text = text_of(figure)
    assert all(verdict in text for verdict in VERDICTS)
    assert "slower, 3 more" in text
    assert len(data) == 72
    assert "slower: 18 cells" in str(figure.get_label())
    marks = {(m["marker"], m.get("markerfacecolor")) for m in module._MARKS.values()}
    assert len(marks) == 4, "verdicts are told apart without colour"


@given(
    st.dictionaries(
        st.sampled_from(["ratio", "low", "high", "verdict", "cell", "rules"]),
        st.one_of(
            st.none(), st.floats(), st.just("x" * 200), st.just("$x_{1}$ \\frac <b>")
        ),
    )
)
@settings(max_examples=10)
def test_the_figure_draws_whatever_its_document_holds(changes):
    document = {"rows": [row(0, **changes), row(1)]} | (
        {"rules": changes["rules"]} if "rules" in changes else {}
    )
    figure, data = draw(document)
    figure.draw_without_rendering()
    assert len(data) <= 2
    empty, none = draw({})
    assert none.empty
    assert "nothing to compare" in text_of(empty)


def test_equal_documents_are_drawn_as_equal_bytes():
    def drawn():
        with styled():
            out = io.BytesIO()
            draw()[0].savefig(out, format="svg", metadata={"Date": None})
            return out.getvalue()

    assert drawn() == drawn()


def test_the_rules_are_in_the_document(pair):
    a, b = map(compare.opened, pair)
    document = compare.document(a, b, compare.Rules(within=0.1, confidence=0.9))
    assert document["rules"]["within"] == 0.1
    assert document["rules"]["confidence"] == 0.9
