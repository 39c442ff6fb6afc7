"""Generated embedding bodies have the statistics of the recorded ones.

One set of bands is applied to both, so that a band cannot be bent to the generator.
"""

from __future__ import annotations

import base64
import json
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fixtures import embedding
from bench.fixtures._numbers import shortest_float32
from bench.fixtures._wire import float64_text

COMPACT = ("float_1536_compact_29495.json", "float_1536_batch3_88732.json")
PRETTY = ("float_1536_pretty_33300.json",)
SEEDS = (1, 2, 3, 4)


def texts(body: bytes) -> list[str]:
    """Number texts of all vectors, as they stand in the body."""
    arrays = re.findall(r'"embedding": ?\[([^\]]*)\]', body.decode())
    return [text.strip() for array in arrays for text in array.split(",")]


def vectors(body: bytes) -> np.ndarray:
    items = json.loads(body)["data"]
    if isinstance(items[0]["embedding"], str):
        raw = [base64.b64decode(item["embedding"]) for item in items]
        return np.array([np.frombuffer(data, "<f4") for data in raw], float)
    return np.array([item["embedding"] for item in items])


def key_order(body: bytes) -> tuple[tuple[str, ...], ...]:
    tree = json.loads(body)
    return tuple(tree), tuple(tree["data"][0]), tuple(tree["usage"])


def check_shape_of_values(values: np.ndarray) -> None:
    """Near-normal coordinates of a unit vector, with heavier tails."""
    assert np.abs(np.linalg.norm(values, axis=1) - 1).max() < 3e-4
    scaled = np.abs(values * np.sqrt(values.shape[1])).ravel()
    assert 3.3 < np.mean(scaled**4) < 4.1
    assert 0.60 < np.median(scaled) < 0.69
    assert 1.85 < np.quantile(scaled, 0.95) < 2.05
    assert 2.5 < np.quantile(scaled, 0.99) < 2.9
    assert 4 < scaled.max() < 7


def check_compact(body: bytes) -> None:
    found = texts(body)
    values = np.array([float(text) for text in found])
    assert key_order(body) == (
        ("object", "data", "model", "usage"),
        ("object", "embedding", "index"),
        ("prompt_tokens", "total_tokens"),
    )
    assert re.search(rb"[\s]", body) is None
    assert 18.0 < np.mean([len(text) for text in found]) < 18.35
    assert max(len(text) for text in found) <= 24
    assert np.mean(["e" in text for text in found]) < 0.002
    assert (values.astype(np.float16).astype(float) == values).all()


def check_pretty(body: bytes) -> None:
    found = texts(body)
    values = np.array([float(text) for text in found])
    assert key_order(body) == (
        ("object", "data", "model", "usage"),
        ("object", "index", "embedding"),
        ("prompt_tokens", "total_tokens"),
    )
    assert 33_150 < len(body) < 33_450
    assert 11.4 < np.mean([len(text) for text in found]) < 11.65
    assert np.mean(["e" in text for text in found]) < 0.01
    assert np.mean(values.astype(np.float16).astype(float) == values) < 0.01
    assert body.count(b"\n        ") == 1536
    assert body == json.dumps(json.loads(body), indent=2).encode()


def test_coordinates_are_distributed_like_recorded_ones():
    check_shape_of_values(vectors(embedding.generate(1, count=6)))
    check_shape_of_values(vectors(embedding.generate(2, count=6, regime="f32")))


def test_recorded_coordinates_lie_in_the_same_bands(real):
    names = (*COMPACT, *PRETTY, "base64_1536_8413.json")
    bodies = [(real / "embeddings" / name).read_bytes() for name in names]
    check_shape_of_values(np.concatenate([vectors(body) for body in bodies]))


@pytest.mark.parametrize("seed", SEEDS)
def test_compact_bodies_look_like_those_of_2026(seed):
    body = embedding.generate(seed)
    check_compact(body)
    assert 29_400 < len(body) < 29_800


@pytest.mark.parametrize("name", COMPACT)
def test_recorded_compact_bodies_lie_in_the_same_bands(real, name):
    check_compact((real / "embeddings" / name).read_bytes())


@pytest.mark.parametrize("seed", SEEDS)
def test_pretty_bodies_look_like_those_of_2025(seed):
    check_pretty(embedding.generate(seed, regime="f32", pretty=True))


@pytest.mark.parametrize("name", PRETTY)
def test_recorded_pretty_bodies_lie_in_the_same_bands(real, name):
    check_pretty((real / "embeddings" / name).read_bytes())


def test_exponents_occur_at_the_recorded_rate():
    """README of the recordings: 0.3 to 0.8 % of float32 texts; here over 20 bodies."""
    found = texts(embedding.generate(7, count=20, regime="f32", pretty=True))
    assert 0.001 < np.mean(["e" in text for text in found]) < 0.008
    assert all(re.search(r"e-0\d$", text) for text in found if "e" in text)


@pytest.mark.parametrize("name", [*COMPACT, "float_3072_60685.json"])
def test_every_recorded_float16_text_is_printed_the_same(real, name):
    body = (real / "embeddings" / name).read_bytes()
    assert [float64_text(float(text)) for text in texts(body)] == texts(body)


@pytest.mark.parametrize("name", PRETTY)
def test_every_recorded_float32_text_is_printed_the_same(real, name):
    body = (real / "embeddings" / name).read_bytes()
    assert [shortest_float32(float(text)) for text in texts(body)] == texts(body)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (-1.0, "-1.0"),
        (2.0**-16, "0.0000152587890625"),
        (2.0**-17, "7.62939453125e-6"),
        (-3 * 2.0**-20, "-2.86102294921875e-6"),
    ],
)
def test_exponents_begin_below_1e_5_and_are_not_padded(value, text):
    assert float64_text(value) == text


@given(st.floats(width=16, allow_nan=False, allow_infinity=False))
def test_a_float16_text_reads_back_as_the_same_number(value):
    text = float64_text(value)
    assert json.loads(text) == value
    assert "e" not in text or abs(value) < 1e-5


@pytest.mark.parametrize("name", ["base64_1536_8413.json", None])
def test_base64_bodies(request, name):
    if name is None:
        body = embedding.generate(5, encoding="base64", regime="f32", pretty=True)
    else:
        body = (request.getfixturevalue("real") / "embeddings" / name).read_bytes()
    assert 8_413 <= len(body) <= 8_417
    assert len(json.loads(body)["data"][0]["embedding"]) == 8_192
    assert key_order(body)[1] == ("object", "index", "embedding")


def test_sizes_of_the_other_recorded_shapes():
    assert 88_300 < len(embedding.generate(1, count=3)) < 89_200  # 88,732 recorded
    assert 60_000 < len(embedding.generate(1, dims=3072)) < 61_200  # 60,685
    batch = embedding.generate(
        1, count=22, encoding="base64", regime="f32", pretty=True
    )
    assert 182_100 < len(batch) < 182_300  # 182,188


@pytest.mark.parametrize("regime", ["f16", "f32"])
def test_base64_and_float_carry_the_same_vector(regime):
    as_text = vectors(embedding.generate(3, regime=regime, count=2))
    as_bits = vectors(embedding.generate(3, regime=regime, count=2, encoding="base64"))
    assert (as_text.astype(np.float32) == as_bits.astype(np.float32)).all()


@given(
    dims=st.integers(1, 40),
    count=st.integers(0, 4),
    encoding=st.sampled_from(["float", "base64"]),
    regime=st.sampled_from(["f16", "f32"]),
    pretty=st.booleans(),
)
def test_every_combination_is_a_valid_body(dims, count, encoding, regime, pretty):
    body = embedding.generate(
        9, dims=dims, count=count, encoding=encoding, regime=regime, pretty=pretty
    )
    items = json.loads(body)["data"]
    assert [item["index"] for item in items] == list(range(count))
    for item in items:
        length = len(item["embedding"])
        assert length == (dims if encoding == "float" else 4 * -(-4 * dims // 3))
        if encoding == "base64":
            struct.unpack(f"<{dims}f", base64.b64decode(item["embedding"]))


@pytest.mark.parametrize("wrong", [{"encoding": "hex"}, {"regime": "bf16"}])
def test_unknown_choices_are_refused(wrong):
    with pytest.raises(ValueError, match="unknown"):
        embedding.generate(1, **wrong)
