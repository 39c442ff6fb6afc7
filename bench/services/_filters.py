"""Vectorize metadata filters: checked as the documentation says, then evaluated.

Cloudflare docs, Vectorize metadata filtering (commits 0514f1ac and 819cf982). What
they leave open is decided so: a missing property equals null and nothing else, hence
``$ne`` and ``$nin`` match it; values of different types are never equal and never
ordered; lists and objects are not indexed, so they count as missing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import orjson

MAX_JSON = 2048
MAX_KEY = 512
INDEXED_BYTES = 64

Metadata = Mapping[str, Any]
Predicate = Callable[[Metadata], bool]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "$lt": operator.lt,
    "$lte": operator.le,
    "$gt": operator.gt,
    "$gte": operator.ge,
}
_LOWER, _UPPER = {"$gt", "$gte"}, {"$lt", "$lte"}


class FilterError(ValueError):
    """The filter is not one that Vectorize accepts."""


def compile_filter(given: Any) -> Predicate:
    """A function that says whether metadata passes ``given``.

    Raises FilterError for a filter that is too long, has an unknown operator or a bad
    key. All keys must match; there is no or, no nesting and no negation.
    """
    if not isinstance(given, dict) or not given:
        raise FilterError("filter must be a non-empty object")
    if len(orjson.dumps(given)) >= MAX_JSON:
        raise FilterError(f"filter must be less than {MAX_JSON} bytes of compact JSON")
    tests = [_compile_key(key, value) for key, value in given.items()]
    return lambda metadata: all(test(metadata) for test in tests)


def lookup(metadata: Metadata, path: list[str]) -> Any:
    """The indexed value at ``path``; None where there is none.

    Of text only the first 64 bytes are indexed, cut between characters.
    """
    value: Any = metadata
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return indexed(value) if isinstance(value, str | int | float) else None


def indexed(value: Any) -> Any:
    """``value`` as an index holds it."""
    if isinstance(value, str) and len(raw := value.encode()) > INDEXED_BYTES:
        return raw[:INDEXED_BYTES].decode(errors="ignore")
    return value


def check_key(key: str) -> None:
    """Raise FilterError unless ``key`` may name a property."""
    if not key or any(not part for part in key.split(".")):
        raise FilterError("filter keys cannot be empty")
    if '"' in key or key.startswith("$"):
        raise FilterError(f'filter key {key!r} cannot contain " or start with $')
    if len(key) > MAX_KEY:
        raise FilterError(f"filter keys cannot be longer than {MAX_KEY} characters")


def _compile_key(key: str, given: Any) -> Predicate:
    check_key(key)
    path = key.split(".")
    conditions = given if isinstance(given, dict) else {"$eq": given}
    _check_combination(key, set(conditions))
    tests = [_compile_one(key, name, value) for name, value in conditions.items()]
    return lambda metadata: _passes(lookup(metadata, path), tests)


def _passes(value: Any, tests: list[Callable[[Any], bool]]) -> bool:
    return all(test(value) for test in tests)


def _check_combination(key: str, names: set[str]) -> None:
    known = {"$eq", "$ne", "$in", "$nin", *_ORDER}
    if unknown := sorted(names - known):
        raise FilterError(f"unsupported operator {unknown[0]!r} for filter key {key!r}")
    pair = len(names) == 2 and names & _LOWER and names & _UPPER
    if len(names) != 1 and not pair:
        raise FilterError(
            f"filter key {key!r} takes one operator, or one lower and one upper bound"
        )


def _compile_one(key: str, name: str, operand: Any) -> Callable[[Any], bool]:
    if name in {"$in", "$nin"}:
        return _compile_list(key, name, operand)
    _check_scalar(key, operand)
    wanted = indexed(operand)
    if name == "$eq":
        return lambda value: _same(value, wanted)
    if name == "$ne":
        return lambda value: not _same(value, wanted)
    if operand is None or isinstance(operand, bool):
        raise FilterError(f"{name} of filter key {key!r} takes a number or a string")
    compare = _ORDER[name]
    return lambda value: _kind(value) == _kind(wanted) and compare(value, wanted)


def _compile_list(key: str, name: str, operand: Any) -> Callable[[Any], bool]:
    if not isinstance(operand, list) or not operand:
        raise FilterError(f"{name} of filter key {key!r} takes a non-empty array")
    for item in operand:
        _check_scalar(key, item)
    wanted = [indexed(item) for item in operand]
    if name == "$in":
        return lambda value: any(_same(value, item) for item in wanted)
    return lambda value: not any(_same(value, item) for item in wanted)


def _check_scalar(key: str, operand: Any) -> None:
    if operand is not None and not isinstance(operand, str | int | float):
        raise FilterError(f"filter key {key!r} takes a string, number, boolean or null")


def _kind(value: Any) -> str:
    """JSON's type, in which true is not 1 and 1 is 1.0."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _same(left: Any, right: Any) -> bool:
    return _kind(left) == _kind(right) and bool(left == right)
