"""Embeddings without a model: hashed word n-grams, so that shared words are near.

Each word and each pair of neighbouring words has a fixed dense direction, drawn by
SHAKE-256 from its text; a text is the weighted sum of its directions (random indexing:
Kanerva et al. 2000). Sums are integers, so every machine gets the same vector.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
MAX_WEIGHT = 8


@lru_cache(maxsize=4096)
def embed(text: str, dimensions: int) -> NDArray[np.float64]:
    """A vector of length one with ``dimensions`` numbers, the same for ever.

    A text without words is embedded as if its whole were one word. Long words weigh
    more than short ones, which are mostly of the grammar.
    """
    words = _WORD.findall(text.lower()) or [text]
    total = np.zeros(dimensions, dtype=np.int64)
    for word in words:
        total += 2 * min(len(word), MAX_WEIGHT) * _direction(word, dimensions)
    for pair in itertools.pairwise(words):
        weight = min(len(pair[0]), len(pair[1]), MAX_WEIGHT)
        total += weight * _direction(" ".join(pair), dimensions)
    if not total.any():
        total[0] = 1  # possible with very few dimensions
    vector = total / np.sqrt(float(np.dot(total.astype(np.float64), total)))
    vector.flags.writeable = False  # it is shared by all who ask for this text
    return np.asarray(vector, dtype=np.float64)


@lru_cache(maxsize=8192)
def _direction(gram: str, dimensions: int) -> NDArray[np.int64]:
    raw = hashlib.shake_256(gram.encode(errors="surrogatepass")).digest(2 * dimensions)
    return np.frombuffer(raw, dtype="<i2").astype(np.int64)
