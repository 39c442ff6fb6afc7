"""Progress: one display, time left, and nothing where nothing is wanted."""

from __future__ import annotations

import io

import pytest

from bench import progress
from bench.progress import VARIABLE, Follower, Progress, State, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def _no_relay(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def relay(monkeypatch, tmp_path):
    path = tmp_path / "progress.jsonl"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (200, "3:20"), (3725, "1:02:05")]
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_steps_tell_how_far_and_how_long(relay):
    clock, follower = Clock(), Follower(relay)
    with Progress(steps=4, clock=clock) as shown:
        shown.step("first")
        assert follower.latest() == State("first", 0.0, None)
        clock.now += 10
        shown.step("second")
        assert follower.latest() == State("second", 0.25, 30.0)


def test_seconds_tell_how_far_and_never_claim_the_end(relay):
    clock, follower = Clock(), Follower(relay)
    with Progress(seconds=20, clock=clock) as shown:
        clock.now += 5
        shown.step("a")
        assert follower.latest() == State("a", 0.25, 15.0)
        clock.now += 100
        shown.step("b")
        assert follower.latest() == State("b", 0.99, 0.0)


def test_what_lies_ahead_can_be_corrected(relay):
    clock, follower = Clock(), Follower(relay)
    with Progress(clock=clock) as shown:
        shown.step("a")
        assert follower.latest() == State("a", 0.0, None)
        clock.now += 50
        shown.expect(steps=2)
        shown.step("b")
        clock.now += 4
        shown.step("c")
        assert follower.latest() == State("c", 0.5, 4.0)


def test_a_fraction_given_from_outside_is_kept_in_range(relay):
    follower = Follower(relay)
    with Progress(clock=Clock()) as shown:
        shown.at(1.7, "x")
        assert follower.latest().fraction == 1.0


def test_a_follower_gives_the_newest_whole_report(relay):
    follower = Follower(relay)
    assert follower.latest() is None
    with Progress(steps=3) as shown:
        shown.step("a")
        shown.step("b")
    with relay.open("ab") as out:
        out.write(b'{"label": "tor')
    assert follower.latest().label == "b"
    assert follower.latest() is None
    with relay.open("ab") as out:
        out.write(b'n", "fraction": 0.5, "left_s": null}\n')
    assert follower.latest() == State("torn", 0.5, None)


def test_a_driver_that_is_gone_stops_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone" / "progress.jsonl"))
    with Progress(steps=1) as shown:
        shown.step("a")
        shown.step("b")


def test_without_a_terminal_lines_are_occasional():
    out = io.StringIO()
    with Progress(steps=100, stream=out) as shown:
        for step in range(100):
            shown.step(f"step {step}")
    assert out.getvalue() == "  0% step 0\n"


def test_lines_appear_again_after_a_while(monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    out = io.StringIO()
    clock = Clock()
    with Progress(steps=2, stream=out, clock=clock) as shown:
        shown.step("a")
        clock.now += 61
        shown.step("b")
    assert out.getvalue() == "  0% a\n 50% b, 1:01 left\n"


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_quiet_says_nothing(stream):
    out = stream()
    with Progress(steps=1, quiet=True, stream=out) as shown:
        shown.step("a")
    assert out.getvalue() == ""


def draw(monkeypatch, **environment):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | environment).items():
        monkeypatch.setenv(name, value)
    out = Terminal()
    with Progress(steps=2, stream=out) as shown:
        shown.step("[first]")
        shown.step("[second]")
    return out.getvalue()


def test_a_terminal_gets_one_line_that_is_removed(monkeypatch):
    drawn = draw(monkeypatch)
    assert "[second]" in drawn
    assert "50%" in drawn
    assert "\x1b[38;5" in drawn
    assert drawn.rstrip().endswith("\x1b[2K")


def test_no_color_is_honoured(monkeypatch):
    drawn = draw(monkeypatch, NO_COLOR="1")
    assert "[second]" in drawn
    assert "\x1b[3" not in drawn


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    assert draw(monkeypatch, TERM="dumb") == "  0% [first]\n"
