"""Random numbers by their number: what request 7 draws does not depend on request 6.

SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) in the form that is counted: word n of
a key is its output n. It passes BigCrush, costs two multiplications, and two programs
that visit the same requests in another order still draw the same for each. Gamma by
Marsaglia and Tsang (ACM TOMS 26, 2000).
"""

from __future__ import annotations

import math

import numpy as np

from bench.simulation._compiled import compiled

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_12, _27, _30, _31, _32 = (np.uint64(bits) for bits in (12, 27, 30, 31, 32))
_ONE = np.uint64(1)
_LOW = np.uint64(0xFFFFFFFF)
_UNIT = 2.0**-52


@compiled
def word(key: np.uint64, number: np.uint64) -> np.uint64:
    """64 random bits: output ``number``, from 0, of SplitMix64 seeded with ``key``."""
    mixed = key + (number + _ONE) * _STEP
    mixed = (mixed ^ (mixed >> _30)) * _FIRST
    mixed = (mixed ^ (mixed >> _27)) * _SECOND
    return mixed ^ (mixed >> _31)


def key(seed: int, *path: int) -> np.uint64:
    """The key of one purpose, such as the lives of location 3: ``key(seed, 2, 3)``."""
    found = np.uint64(seed % 2**64)
    for number in path:
        found = np.uint64(word(found, np.uint64(number)))
    return found


@compiled
def uniform(bits: np.uint64) -> float:
    """A number between 0 and 1, neither of them."""
    return (float(np.int64(bits >> _12)) + 0.5) * _UNIT


@compiled
def high(bits: np.uint64, size: int) -> np.uint64:
    """An index below ``size`` < 2^32 from the upper half of ``bits``; its bias is
    below ``size`` / 2^32."""
    return ((bits >> _32) * np.uint64(size)) >> _32


@compiled
def low(bits: np.uint64, size: int) -> np.uint64:
    """As ``high``, from the lower half, which is independent of the upper."""
    return ((bits & _LOW) * np.uint64(size)) >> _32


@compiled
def exponential(key: np.uint64, number: np.uint64) -> float:
    """Exponential of mean 1."""
    return -math.log(uniform(word(key, number)))


@compiled
def _normal(key: np.uint64, number: np.uint64) -> float:
    """Normal of mean 0 and variance 1 from two words (Box and Muller, 1958)."""
    radius = math.sqrt(2.0 * exponential(key, number))
    return radius * math.cos(2.0 * math.pi * uniform(word(key, number + _ONE)))


@compiled
def gamma(key: np.uint64, number: np.uint64, shape: float) -> tuple[float, np.uint64]:
    """Gamma of ``shape`` > 0 and scale 1, and the number of the next unused word."""
    power = 1.0
    if shape < 1.0:
        power = math.exp(-exponential(key, number) / shape)
        number += _ONE
        shape += 1.0
    base = shape - 1.0 / 3.0
    spread = 1.0 / math.sqrt(9.0 * base)
    while True:
        normal = _normal(key, number)
        drawn = uniform(word(key, number + _ONE + _ONE))
        number += _ONE + _ONE + _ONE
        cube = (1.0 + spread * normal) ** 3
        square = normal * normal
        if cube > 0.0 and (
            drawn < 1.0 - 0.0331 * square * square  # nearly always, and no logarithm
            or math.log(drawn) < 0.5 * square + base * (1.0 - cube + math.log(cube))
        ):
            return base * cube * power, number
