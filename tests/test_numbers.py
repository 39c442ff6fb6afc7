"""Number text: shortest, exact, and in the wire forms on record."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fixtures._numbers import (
    float16,
    float32,
    positional_float32,
    shortest_float32,
)

singles = st.floats(width=32, allow_nan=False, allow_infinity=False)
wire_values = st.floats(width=32, min_value=2**-20, max_value=2**17)


def significant(text):
    return len(text.lower().split("e")[0].replace("-", "").replace(".", "").strip("0"))


@given(singles)
def test_shortest_text_reads_back_as_the_same_float32(value):
    assert np.float32(float(shortest_float32(value))) == np.float32(value)


@given(singles)
def test_no_text_with_fewer_digits_reads_back(value):
    text = shortest_float32(value)
    fewer = significant(text) - 1
    if fewer < 1:
        return
    for rounding in ("ROUND_UP", "ROUND_DOWN"):
        exact = Decimal(text)
        step = Decimal(1).scaleb(exact.adjusted() - fewer + 1)
        near = float(exact.quantize(step, rounding=rounding))
        with np.errstate(over="ignore"):
            assert np.float32(near) != np.float32(value)


@given(singles)
def test_shortest_text_is_that_of_numpy(value):
    """An independent implementation (Dragon4) finds the same decimal."""
    theirs = np.format_float_scientific(np.float32(value), unique=True, trim="0")
    assert float(theirs) == float(shortest_float32(value))


@given(wire_values)
def test_positional_text_has_a_point_and_no_exponent(value):
    text = positional_float32(value)
    assert re.fullmatch(r"\d+\.\d+", text)
    assert float(text) == float(shortest_float32(value))


@given(st.floats(-60_000, 60_000))
def test_casts_are_those_of_numpy(value):
    assert float32(value) == float(np.float32(value))
    assert float16(value) == float(np.float16(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0"),
        (8, "8.0"),
        (33 * float32(0.08), "2.6399999"),
        (0.99902344, "0.99902344"),
        (1e-7, "0.0000001"),
        (2**24, "16777216.0"),
    ],
)
def test_deepgram_form(value, text):
    assert positional_float32(value) == text


def test_openai_form():
    assert shortest_float32(-6.1e-05) == "-6.1e-05"


def test_beyond_the_range_is_an_error():
    with pytest.raises(OverflowError):
        shortest_float32(1e39)
    with pytest.raises(OverflowError):
        float16(1e5)


def recorded_values(path):
    text = path.read_text()
    body = text[text.index('"embedding"') :]
    values = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", body)
    assert len(values) == len(json.loads(text)["data"][0]["embedding"])
    return values


def test_recorded_embeddings_have_these_texts(real):
    path = real / "embeddings" / "float_1536_pretty_33300.json"
    texts = recorded_values(path)
    assert [shortest_float32(float(text)) for text in texts] == texts
