"""Every parser on recorded bodies: the same answers as the reference."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from workerd_support import needs_workerd

from bench.errors import BenchError
from bench.parsers import KINDS, Case, Question, _hosts, load
from bench.parsers._answers import kind_of, reference

PARSERS = load()
FOLDERS = ("deepgram", "embeddings", "vectorize", "json")


@pytest.fixture(scope="module")
def kinds(real) -> dict[Path, str]:
    """Recorded bodies with their kinds."""
    files = [path for name in FOLDERS for path in sorted((real / name).glob("*.json"))]
    return {file: kind_of(file.read_bytes()) for file in files}


def test_recorded_bodies_are_what_they_are_called(kinds):
    found = Counter((file.parent.name, kind) for file, kind in kinds.items())
    assert found == {
        ("deepgram", "transcript"): 10,
        ("deepgram", "other"): 1,  # the list of models
        ("embeddings", "embedding"): 6,
        ("vectorize", "vectorize"): 1,
        ("vectorize", "other"): 1,  # wrapped in a second `matches`
        ("json", "other"): 3,
    }


def test_recorded_bodies_have_answers_with_something_in_them(kinds):
    for file, kind in kinds.items():
        for mode in KINDS[kind]:
            assert reference(Question(mode, kind), file.read_bytes()), (file, mode)


@pytest.mark.parametrize("name", PARSERS)
def test_every_answer_on_every_recorded_body_is_right(name, kinds):
    module = PARSERS[name]
    if module.RUNTIME == "workerd":
        needs_workerd()
    try:
        module.version()
    except BenchError as error:
        pytest.skip(str(error))
    cases = {
        f"{mode}/{file.name}": Case(question, file)
        for file, kind in kinds.items()
        for mode in KINDS[kind]
        if module.reader(question := Question(mode, kind)) is not None
    }
    assert len(cases) > 15
    found = _hosts.host(module).judge(name, module, cases)
    assert {case: why for case, why in found.items() if why} == {}
