"""Any JSON, printed in any way: equal to the reference's value, or a known flaw."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import ijson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_parsers_suite import edge_rows
from workerd_support import needs_workerd

from bench.errors import BenchError
from bench.parsers import Question, _hosts, load
from bench.parsers._answers import Outcome, why_different
from bench.parsers._suite import summary

FULL = Question("full", "other")
PARSERS = {n: m for n, m in load().items() if m.reader(FULL) is not None}
HERE = {n: m.reader(FULL) for n, m in PARSERS.items() if m.RUNTIME == "cpython"}
# Pyodide's parser is the reference itself, and takes seconds to start.
IN_WORKERD = [name for name, m in PARSERS.items() if m.RUNTIME == "workerd"]
# Left to the parser by the standard, so that a difference there is no flaw.
FREE = {"lone surrogates"}
_DOUBLE, _WORD = 2**53, 2**63

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([_DOUBLE + 1, _WORD - 1, -_WORD, _WORD, 2 * _WORD, 10**40])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(width=32, allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[]))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def raw(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty(value: Any) -> str:
    return json.dumps(value, indent="\t")


def exponents(value: Any) -> str:
    """Floats with 17 digits and an exponent, blanks wherever they may stand."""
    if isinstance(value, float):
        return f"{value:.16E}"
    if isinstance(value, list):
        return f" [ {' , '.join(map(exponents, value))}\n]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k)}\r:{exponents(v)}" for k, v in value.items())
        return f"{{ {' ,'.join(pairs)} }} "
    return json.dumps(value)


WAYS = [json.dumps, raw, pretty, exponents]


def encoded(text: str) -> bytes:
    """UTF-8; half a pair of surrogates, which has none, is left out."""
    return text.encode("utf-8", "ignore")


def topics(value: Any) -> set[str]:
    """Topics of edge cases that a value touches."""
    if isinstance(value, dict):
        return set().union(*map(topics, value), *map(topics, value.values()))
    if isinstance(value, list):
        return set().union(*map(topics, value))
    if isinstance(value, str):
        lone = any("\ud800" <= letter <= "\udfff" for letter in value)
        return {"lone surrogates"} if lone else set()
    if isinstance(value, int) and not -_WORD <= value < 2 * _WORD:
        return {"big integers"}
    if isinstance(value, int) and abs(value) > _DOUBLE:
        return {"integers"}
    return set()


def hold(name: str, text: bytes, outcome: Outcome, flaws: set[str]) -> None:
    """The outcome is json's, or differs where the parser is known to."""
    expected = json.loads(text)
    javascript = PARSERS[name].RUNTIME == "workerd"
    if outcome.state == "accepted":
        why = why_different(expected, outcome.value, javascript=javascript, digits=True)
    else:
        why = f"{outcome.state}: {outcome.why}"
    assert not why or topics(expected) & (flaws | FREE), (name, text, why)


@pytest.fixture(scope="module")
def flaws() -> dict[str, set[str]]:
    """Topics in which each parser that can run is not right."""
    found = {}
    for name in [*HERE, *IN_WORKERD]:
        # Without workerd the parsers in it are skipped.
        with suppress(BenchError):
            [line] = summary(edge_rows(name))
            found[name] = set(line["flaws"])
    return found


@given(VALUES, st.sampled_from(WAYS))
@settings(max_examples=100)
def test_a_parser_in_cpython_equals_the_reference(flaws, value, way):
    text = encoded(way(value))
    for name, answer in HERE.items():
        try:
            outcome = Outcome("accepted", answer(text))
        except Exception as error:
            outcome = Outcome("rejected", why=repr(error))
        hold(name, text, outcome, flaws[name])


@pytest.mark.parametrize("name", IN_WORKERD)
def test_a_parser_in_workerd_equals_the_reference(name, flaws):
    needs_workerd()
    module, texts = PARSERS[name], []

    # All of them at once: asking takes a process.
    @given(VALUES, st.sampled_from(WAYS))
    @settings(max_examples=70)
    def collect(value, way):
        texts.append(encoded(way(value)))

    collect()
    named = {str(number): text for number, text in enumerate(texts)}
    found = _hosts.host(module).outcomes(name, module, named)
    for number, text in named.items():
        hold(name, text, found[number], flaws[name])


@given(VALUES, st.sampled_from(WAYS), st.data())
def test_a_text_cut_short_is_refused(value, way, data):
    text = encoded(way([value])).rstrip()
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    for answer in HERE.values():
        with pytest.raises((ValueError, ijson.JSONError)):
            answer(cut)
