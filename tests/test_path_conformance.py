"""Every stage of every invocation, held to the same form, however it got there."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest
from path_support import Scripted, chat, env

import bench.path
from bench.errors import BenchError
from bench.path import INVOCATIONS, WHENS, handle, stages
from bench.path.http import read
from bench.path.state import State

STAGES = [
    (invocation, stage) for invocation in INVOCATIONS for stage in stages(invocation)
]


@pytest.fixture
def extra_stages(tmp_path, monkeypatch):
    """A folder whose modules are stages of the chat request too."""
    package = importlib.import_module("bench.path.chat")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    stages.cache_clear()
    yield tmp_path
    stages.cache_clear()
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"bench.path.chat.{path.stem}", None)


@pytest.mark.parametrize(("invocation", "name"), STAGES)
def test_stage_has_the_form_of_a_stage(invocation, name):
    module = importlib.import_module(f"bench.path.{invocation}.{name}")
    stage = stages(invocation)[name]
    assert isinstance(module.ORDER, int)
    assert stage.when in WHENS
    assert list(inspect.signature(module.run).parameters) == ["state", "env"]
    assert module.__doc__
    assert module.run.__doc__


@pytest.mark.parametrize("invocation", INVOCATIONS)
def test_invocation_has_stages_in_order_and_a_state(invocation):
    found = list(stages(invocation).values())
    orders = [stage.order for stage in found]
    assert orders == sorted(set(orders))
    whens = [WHENS.index(stage.when) for stage in found]
    assert whens == sorted(whens)
    kind = importlib.import_module(f"bench.path.{invocation}").State
    assert issubclass(kind, State)


@pytest.mark.parametrize(
    ("invocation", "names"),
    [
        (
            "chat",
            "auth parse_request validate rate_limit load_conversation embed retrieve "
            "rerank assemble complete stream save_turn summarize",
        ),
        ("ingest", "receive parse_transcript chunk store enqueue"),
        ("consume", "embed_chunks upsert"),
        ("webhook", "verify enqueue accept"),
        ("agent", "auth parse_request act answer"),
    ],
)
def test_stages_run_in_the_designed_order(invocation, names):
    assert list(stages(invocation)) == names.split()


def test_adding_a_file_adds_a_stage(extra_stages):
    (extra_stages / "teapot.py").write_text(
        "from bench.path.errors import refusal\n"
        "ORDER = 35\n"
        "def run(state, env):\n"
        "    return refusal(418, 'teapot', state.query)\n"
    )
    assert list(stages("chat"))[3] == "teapot"
    answer = handle("chat", chat(), env(Scripted()))
    assert answer.status == 418
    assert b"Why?" in read(answer)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("ORDER = 10\ndef run(state, env): ...", "auth"),
        ("ORDER = 35\nWHEN = 'later'\ndef run(state, env): ...", "later"),
        ("ORDER = 35", "run"),
    ],
)
def test_a_malformed_stage_is_an_error_that_names_its_file(extra_stages, source, says):
    (extra_stages / "zebra.py").write_text(source)
    with pytest.raises(BenchError) as caught:
        stages("chat")
    assert "zebra.py" in str(caught.value)
    assert says in str(caught.value)


def test_helper_modules_are_no_stages(extra_stages):
    (extra_stages / "_helper.py").write_text("x = 1")
    assert "_helper" not in stages("chat")


def test_importing_the_path_brings_nothing_heavy():
    code = (
        "import sys, bench.path\n"
        "for name in bench.path.INVOCATIONS: bench.path.stages(name)\n"
        "heavy = {'numpy','pandas','aiohttp','msgspec','httpx','faiss'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_an_invocation_without_an_answer_is_a_fault_of_ours(monkeypatch):
    monkeypatch.setattr(bench.path, "stages", lambda invocation: {})
    with pytest.raises(BenchError, match="no stage of chat"):
        handle("chat", chat(), env(Scripted()))
