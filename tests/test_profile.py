"""The flame view: three files that open offline and name no path of this machine."""

from __future__ import annotations

import json
import os
import re
import sys
import sysconfig
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.profile import profile_callable


def parse_the_reply():
    text = json.dumps([{"embedding": [i / 7 for i in range(400)]}], indent=1)
    return json.loads(text)


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "profiles" / "cpython-warm"
    hostile = "chat </script><script>alert(1)</script> <!-- {{7*7}} "
    return out, profile_callable(parse_the_reply, 0.4, out, hostile)


def files(out):
    suffixes = (".html", ".speedscope.json", ".folded.txt")
    return {s: out.with_name(out.name + s).read_text() for s in suffixes}


def test_what_is_returned_describes_what_was_sampled(profiled):
    out, facts = profiled
    assert facts["calls"] > 10
    assert facts["samples"] > 20
    assert facts["seconds"] >= 0.4
    assert 0.1 <= facts["interval_ms"] <= 1
    assert facts["files"] == sorted(facts["files"], key=facts["files"].index)
    assert {path.name for path in out.parent.iterdir()} == set(facts["files"])


def test_no_file_names_a_path_of_this_machine(profiled):
    out, _ = profiled
    roots = [sys.prefix, sys.base_prefix, sysconfig.get_paths()["stdlib"]]
    roots += [str(Path.home()), str(Path(__file__).parents[1]), str(out.parent)]
    roots += [os.getcwd()]  # noqa: PTH109
    for suffix, text in files(out).items():
        for root in roots:
            assert len(root) > 2
            assert root not in text, (suffix, root)
    speedscope = json.loads(files(out)[".speedscope.json"])
    names = [frame["file"] for frame in speedscope["shared"]["frames"]]
    assert any(name and name.startswith("python/json/") for name in names), names
    assert not [name for name in names if name and name.startswith("/")]


def test_the_page_opens_offline(profiled):
    page = files(profiled[0])[".html"]
    links = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", page))
    assert links <= {"http://www.w3.org", "//www.w3.org"}


def test_a_title_cannot_leave_the_script_it_stands_in(profiled):
    page = files(profiled[0])[".html"]
    assert page.count("</script>") == 2
    assert "<script>alert" not in page


def test_the_collapsed_stacks_start_at_the_callable(profiled):
    lines = files(profiled[0])[".folded.txt"].splitlines()
    assert lines
    for line in lines:
        stack, weight = line.rsplit(" ", 1)
        assert int(weight) >= 0
        assert stack.split(";")[0].endswith("test_profile.py:parse_the_reply")
    total = sum(int(line.rsplit(" ", 1)[1]) for line in lines)
    assert 0.2e6 < total < 2e6 * max(1, profiled[1]["seconds"])


def test_the_speedscope_profile_opens_and_closes_every_frame(profiled):
    profile = json.loads(files(profiled[0])[".speedscope.json"])["profiles"][0]
    stack = []
    for event in profile["events"]:
        if event["type"] == "O":
            stack.append(event["frame"])
        else:
            assert stack.pop() == event["frame"]
    assert stack == []


def test_a_callable_faster_than_a_sample_is_still_called_once(tmp_path):
    facts = profile_callable(lambda: None, 0.0, tmp_path / "quick", "quick")
    assert facts["calls"] == 1
    assert len(list(tmp_path.iterdir())) == 3


def test_what_the_callable_raises_ends_the_profile_and_is_raised(tmp_path):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        profile_callable(fail, 0.1, tmp_path / "failed", "failed")
    assert list(tmp_path.iterdir()) == []
    profile_callable(parse_the_reply, 0.05, tmp_path / "again", "again")


def test_a_place_that_is_a_file_is_a_user_error(tmp_path):
    (tmp_path / "profiles").write_text("taken")
    with pytest.raises(UserError):
        profile_callable(parse_the_reply, 0.0, tmp_path / "profiles" / "x" / "y", "x")
