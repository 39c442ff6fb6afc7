"""Cases that an isolate runs many times: what is counted, and what goes wrong."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from contextlib import contextmanager
from statistics import median

import pytest
from workerd_support import needs_workerd

from bench.errors import BenchError
from bench.path.http import Request
from bench.workerd import sandbox
from bench.workerd.isolates import Isolates
from bench.workerd.loops import HEADER, CaseError, Loops
from bench.workerd.process import WorkerdError

STRANGE = 'full\ta/b%2F c?d#e"f\\g é 語 🙂'
SOURCE = """
import { kept, looped } from "entries/looped";

function burn(loops: number): number {
  let x = 1;
  for (let i = 0; i < loops; i += 1) x = Math.imul(x, 48271) ^ i;
  return x;
}

export default looped((env: any) => {
  if (env.BROKEN) throw new Error("no cases today");
  let count = 0;
  return {
    count: { run: () => (count += 1) },
    counted: { run: () => count },
    later: { run: async () => (count += 1), shown: (value: number) => [value] },
    said: { run: () => -0, shown: () => new Response("-0.0") },
    kept: { run: () => kept === undefined },
    once: { run: () => burn(3_000_000) },
    thrice: { run: () => burn(9_000_000) },
    throws: { run: () => { throw new TypeError("a\\n  long story"); } },
    rejects: { run: async () => { throw new RangeError("too far"); } },
    body: { run: () => [...new Uint8Array(env.body)] },
    text: { run: () => env.text },
    [STRANGE]: { run: () => 7 },
  };
});
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    needs_workerd()
    source = SOURCE.replace("[STRANGE]", json.dumps(STRANGE))
    return sandbox.bundled(source, tmp_path_factory.mktemp("looped"))


@contextmanager
def looping(module, *, less=None, **written):
    isolates = Isolates(sandbox.write(module, **written), 1, measured=False)
    loops = Loops(lambda: isolates, seed=1, less=less)
    try:
        loops.ready()
        yield loops
    finally:
        loops.close()
        loops.close()


@pytest.fixture(scope="module")
def loops(module):
    data = {"body": bytes(range(256)), "empty": b""}
    with looping(module, data=data, variables={"text": "a\n\"b' é"}) as running:
        yield running


def answer(loops, case):
    return json.loads(loops.answer(case))


@pytest.mark.parametrize("case", ["count", "later"])
def test_a_case_is_run_as_often_as_it_is_asked(loops, case):
    before = answer(loops, "counted")
    assert loops.turn(case, 5).n == 5
    assert loops.turn(case, 1).case == case
    # The empty requests, which are subtracted, run nothing; what warms the caches runs
    # once a turn.
    assert answer(loops, "counted") == before + 6 + 2


def test_no_loops_run_nothing_but_what_warms_the_caches(loops):
    before = answer(loops, "counted")
    loops.turn("count", 0)
    assert answer(loops, "counted") == before + 1


def test_answers_are_what_a_case_makes_of_its_value(loops):
    (value,) = answer(loops, "later")
    assert value == answer(loops, "counted")
    assert loops.answer("said") == b"-0.0"


def test_nothing_is_kept_after_a_turn(loops):
    loops.turn("count", 3)
    assert answer(loops, "kept") is True


def test_bytes_and_texts_arrive_as_they_are(loops):
    assert answer(loops, "body") == list(range(256))
    assert answer(loops, "text") == "a\n\"b' é"


def test_a_case_may_have_any_name(loops):
    assert answer(loops, STRANGE) == 7
    assert loops.turn(STRANGE, 2).case == STRANGE


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("throws", "TypeError: a long story"),
        ("rejects", "RangeError: too far"),
        ("nothing", "there is no case nothing"),
        ("toString", "there is no case toString"),
        ("__proto__", "there is no case __proto__"),
    ],
)
def test_a_case_that_throws_is_an_error_with_its_words(loops, case, says):
    for ask in (loops.answer, loops.turn):
        with pytest.raises(CaseError, match=says) as caught:
            ask(case)
        assert str(caught.value) == f"{case}: {caught.value.said}"
    # The isolate goes on.
    assert answer(loops, STRANGE) == 7


def test_cases_that_cannot_be_made_are_an_error_of_every_case(module):
    with (
        looping(module, variables={"BROKEN": "yes"}) as loops,
        pytest.raises(CaseError, match="no cases today"),
    ):
        loops.turn("count")


def test_more_loops_cost_more_and_none_cost_nothing(loops):
    for _ in range(5):
        loops.turn("once", 2)
    once, empty = (median(loops.turn("once", n).cpu for _ in range(5)) for n in (4, 0))
    assert once > 20 * empty


def test_what_a_case_needs_can_be_subtracted(module):
    with looping(module, less={"thrice": "once"}) as loops:
        for case in ("once", "thrice"):
            loops.turn(case, 3)
        once, rest = (
            median(loops.turn(case, 2).cpu for _ in range(7))
            for case in ("once", "thrice")
        )
    # Three less one is two, give or take what a shared machine does.
    assert 1.4 < rest / once < 2.6


def test_a_dead_process_is_no_fault_of_the_case(module):
    with looping(module) as loops:
        os.kill(loops._isolates.pid, signal.SIGKILL)
        with pytest.raises(WorkerdError, match="SIGKILL") as caught:
            loops.turn("count")
    assert not isinstance(caught.value, CaseError)


def test_isolates_of_one_sandbox_share_nothing(module):
    folder = sandbox.write(module, 2, data={"body": b"x"})
    with Isolates(folder, 2, measured=False) as isolates:
        isolates.ask(0, Request("GET", "/count", {HEADER: "3"}, b""))
        counted = Request("GET", "/counted", {}, b"")
        assert [isolates.ask(n, counted)[1] for n in (0, 1)] == [b"3", b"0"]
    assert not folder.exists()


def test_source_that_does_not_compile_is_an_error_with_the_compiler_s_words(tmp_path):
    needs_workerd()
    with pytest.raises(BenchError, match=r"does not compile.* Expected identifier"):
        sandbox.bundled("export default {", tmp_path)
    with pytest.raises(BenchError, match="entries/nothing"):
        sandbox.bundled('import "entries/nothing";', tmp_path)


def test_a_sandbox_reaches_no_host(tmp_path):
    needs_workerd()
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        source = f"""
        import {{ looped }} from "entries/looped";
        const run = async () => (await fetch("{url}")).status;
        export default looped(() => ({{ out: {{ run }} }}));
        """
        with (
            looping(sandbox.bundled(source, tmp_path)) as loops,
            pytest.raises(CaseError),
        ):
            loops.answer("out")
        # Nobody has knocked.
        assert not select.select([server], [], [], 0)[0]
