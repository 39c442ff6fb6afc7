"""Measured processes: pinned, free of the user's secrets, and never a stall."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from bench.measure import affinity, process
from bench.measure.clocks import ThreadClock
from bench.measure.compare import BLOCK, Budget, compare
from bench.measure.duel import pyperf_compare
from bench.measure.process import Child, ChildError, starter
from bench.measure.turns import Member

SUBJECT = "bench.measure.subjects:json_numbers"


@pytest.fixture
def subject(tmp_path, monkeypatch):
    """Write a module of subjects and let children import it."""

    def write(source: str) -> str:
        (tmp_path / "strange_subject.py").write_text(textwrap.dedent(source))
        return "strange_subject:setup"

    monkeypatch.setattr(process, "KEPT", (*process.KEPT, "PYTHONPATH"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return write


def test_a_turn_counts_cpu_wall_and_run_delay_apart(subject):
    setup = subject("""
        import time
        def setup(parameters):
            return {"sleep": lambda n: time.sleep(0.05 * n)}
    """)
    with Child(setup, {}, seed=1) as child:
        child.ready()
        turn = child.turn("sleep", 2)
    assert turn.wall >= 100_000_000
    assert turn.cpu < turn.wall / 4  # sleeping is not CPU
    assert turn.run_delay is None or turn.run_delay >= 0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cannot pin here")
def test_a_ready_child_and_all_its_threads_sit_on_the_measuring_core(subject):
    setup = subject("""
        import os, threading
        def setup(parameters):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            tasks = [int(t) for t in os.listdir("/proc/self/task")]
            return {"where": lambda n: [sorted(os.sched_getaffinity(t)) for t in tasks]}
    """)
    with Child(setup, {}, seed=1) as child:
        child.ready()
        places = child.turn("where").extra
    assert len(places) == 2
    assert all(place == [affinity.plan().measuring] for place in places)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cannot pin here")
def test_driving_leaves_the_measuring_core_and_children_still_find_it(subject):
    setup = subject("""
        import os
        def setup(parameters):
            return {"where": lambda n: sorted(os.sched_getaffinity(0))}
    """)
    before = os.sched_getaffinity(0)
    with affinity.driving() as cores, Child(setup, {}, seed=1) as child:
        assert os.sched_getaffinity(0) == cores.driving
        child.ready()
        assert child.turn("where").extra == [max(before)]
    assert os.sched_getaffinity(0) == before


def test_the_environment_of_a_child_has_no_secret_and_a_seeded_layout(
    subject, monkeypatch
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    setup = subject("""
        import os
        def setup(parameters):
            return {"env": lambda n: dict(os.environ)}
    """)

    def environment(seed: int) -> dict[str, str]:
        with Child(setup, {}, seed=seed) as child:
            child.ready()
            return child.turn("env").extra

    first, again, other = environment(1), environment(1), environment(2)
    assert "ANTHROPIC_API_KEY" not in first
    assert first == again
    assert first["PYTHONHASHSEED"] != other["PYTHONHASHSEED"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("raise ValueError('broken on purpose')", "ValueError: broken on purpose"),
        ("import os; os._exit(7)", "ended with code 7"),
        ("import time; time.sleep(600)", "no answer"),
    ],
)
def test_a_set_up_that_fails_is_an_error_and_no_stall(subject, monkeypatch, body, text):
    monkeypatch.setattr(process, "SETUP_SECONDS", 2.0)
    setup = subject(f"def setup(parameters):\n    {body}\n")
    with Child(setup, {}, seed=1) as child, pytest.raises(ChildError, match=text):
        child.ready()


def test_a_case_that_kills_its_process_is_an_error(subject):
    setup = subject("""
        import os, signal
        def setup(parameters):
            return {"die": lambda n: os.kill(os.getpid(), signal.SIGKILL)}
    """)
    with Child(setup, {}, seed=1) as child:
        child.ready()
        with pytest.raises(ChildError, match="ended with code -9"):
            child.turn("die")


def test_what_a_subject_prints_does_not_break_the_protocol(subject, capfd):
    setup = subject("""
        def setup(parameters):
            return {"print": lambda n: print('{"cpu": 1}')}
    """)
    with Child(setup, {}, seed=1) as child:
        child.ready()
        assert child.turn("print").case == "print"


def test_closing_ends_the_process():
    child = Child(SUBJECT, {}, seed=1)
    child.ready()
    child.close()
    child.close()
    with pytest.raises((ChildError, ValueError)):
        child.turn("loads")


def test_real_processes_find_what_is_three_times_slower():
    members = [
        Member("a", starter(SUBJECT, {"extra": 0.0}), {BLOCK: "loads"}),
        Member("b", starter(SUBJECT, {"extra": 2.0}), {BLOCK: "loads"}),
    ]
    budget = Budget(seconds=0, target_width=1e-9, rounds=10, min_groups=3)
    result = compare(members, budget, seed=1)
    assert result.ratios["b"].low > 1.5
    assert result.ratios["b"].value == pytest.approx(3, rel=0.2)


def test_pyperf_answers_for_the_same_subject():
    duel = pyperf_compare(1.0, seconds=3)
    assert duel.significant
    assert duel.ratio > 1.3
    assert 0 < duel.width < 2


def test_the_clock_lives_without_schedstat(monkeypatch):
    monkeypatch.setattr("bench.measure.clocks.SCHEDSTAT", "/nonexistent/schedstat")
    clock = ThreadClock()
    clock.start()
    assert clock.stop().run_delay is None


def test_children_import_little():
    """What the child imports, every measured process holds."""
    code = "import bench.measure.child, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    names = done.stdout.split()
    heavy = {"numpy", "pandas", "scipy", "httpx", "click", "rich", "orjson"}
    assert not heavy & set(names)
