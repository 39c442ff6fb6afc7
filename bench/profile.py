"""Why a stage costs what it costs: sampled call stacks of the warm path.

A stage of 0.3 ms is shorter than the distance of two samples, so one call shows
nothing: the callable is looped and the samples of all calls are laid over each other.
The profile says where time goes and not how much; numbers come from
`bench.measure`.
"""

from __future__ import annotations

import re
import sys
import sysconfig
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import writing
from bench.files import write_whole

if TYPE_CHECKING:
    from pyinstrument.session import Session

# A tenth of the smallest stage worth seeing; pyinstrument's own default is 1 ms.
INTERVAL_S = 0.0002

# pyinstrument's page asks a font server for its typefaces; a report opens offline.
_FONTS = (
    "https://fonts.googleapis.com/css?family=Source+Code+Pro:400,600"
    "|Source+Sans+Pro:400,600&display=swap"
)
# Of the total: what is thinner is not drawn. pyinstrument's own 1 % hides most stages.
_KEEP = {"filter_threshold": 0.0005}
_MARKUP = re.compile(r"<(?=[/!]|script)", re.IGNORECASE)
_PYTHON, _SITE = "python/", "site-packages/"


def profile_callable(
    fn: Callable[[], object], seconds: float, out: Path, title: str
) -> dict[str, Any]:
    """Sample ``fn()`` in a loop for ``seconds`` (wall, s) and write three views.

    ``out`` is a path without suffix: OUT.html is pyinstrument's page, OUT.speedscope
    .json opens in speedscope, OUT.folded.txt holds one collapsed stack a line with its
    weight in microseconds (Gregg, FlameGraph). All three name files relative to their
    package, never by a path of this machine. Returns samples, calls, seconds,
    interval_ms and files. Raises what ``fn`` raises, and UserError when the disk
    refuses.
    """
    from pyinstrument.renderers import HTMLRenderer, SpeedscopeRenderer

    with writing(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
    session, calls, spent = _sampled(fn, seconds)
    clean = _laid_over(session, title)
    views = {
        ".html": _offline(HTMLRenderer(resample_interval=0).render(clean)),
        ".speedscope.json": SpeedscopeRenderer(processor_options=_KEEP).render(clean),
        ".folded.txt": _folded(clean),
    }
    for suffix, text in views.items():
        write_whole(out.with_name(out.name + suffix), text.encode())
    return {
        "samples": clean.sample_count,
        "calls": calls,
        "seconds": spent,
        "interval_ms": INTERVAL_S * 1000,
        "files": [out.name + suffix for suffix in views],
    }


def _sampled(fn: Callable[[], object], seconds: float) -> tuple[Session, int, float]:
    from pyinstrument import Profiler

    # Without async support a profile can be taken inside a notebook's event loop.
    profiler = Profiler(interval=INTERVAL_S, async_mode="disabled")
    calls, started = 0, time.monotonic()
    profiler.start()
    try:
        while calls == 0 or time.monotonic() - started < seconds:
            _call(fn)
            calls += 1
    finally:
        session = profiler.stop()
    return session, calls, time.monotonic() - started


def _call(fn: Callable[[], object]) -> None:
    """A frame of its own: what is below it in a stack is the callable's."""
    fn()


def _laid_over(session: Session, title: str) -> Session:
    """The samples that lie in the callable, those of all calls merged by stack.

    Every path is relative. Without merging, a call of 1 ms in a profile of seconds is
    below every renderer's threshold, and the page grows with the number of calls.
    """
    from pyinstrument.session import Session

    short = _Shortener()
    own = f"_call\0{__file__}\0"
    merged: dict[tuple[str, ...], float] = defaultdict(float)
    samples = 0
    for stack, spent in session.frame_records:
        tops = [i for i, frame in enumerate(stack) if frame.startswith(own)]
        if below := tuple(map(short, stack[tops[0] + 1 :])) if tops else ():
            merged[below] += spent
            samples += 1
    # Sorted, so that stacks which share callers are neighbours and make one subtree.
    ordered = sorted(merged, key=lambda stack: [_identifier(frame) for frame in stack])
    return Session(
        frame_records=[(list(stack), merged[stack]) for stack in ordered],
        start_time=session.start_time,
        duration=session.duration,
        min_interval=session.min_interval,
        max_interval=session.max_interval,
        sample_count=samples,
        start_call_stack=[""],
        target_description=_inert(title),
        cpu_time=session.cpu_time,
        sys_path=[],
        sys_prefixes=[_PYTHON, _SITE],
    )


class _Shortener:
    """Frame -> the same frame with a path that means the same on every machine."""

    def __init__(self) -> None:
        paths = sysconfig.get_paths()
        roots = [(path, _PYTHON) for path in (paths["stdlib"], paths["platstdlib"])]
        roots += [(path, _SITE) for path in (paths["purelib"], paths["platlib"])]
        roots += [(path, "") for path in sys.path if path]
        # The longest root first: site-packages lies inside the standard library's.
        self._roots = sorted(
            ((str(Path(path).absolute()) + "/", name) for path, name in roots),
            key=lambda root: -len(root[0]),
        )
        self._known: dict[str, str] = {}

    def __call__(self, frame: str) -> str:
        if frame not in self._known:
            identifier, mark, attributes = frame.partition("\x01")
            function, separator, rest = identifier.partition("\0")
            path, colon, line = rest.partition("\0")
            parts = (function, separator, self._path(path), colon, line)
            self._known[frame] = _inert("".join(parts)) + mark + _inert(attributes)
        return self._known[frame]

    def _path(self, path: str) -> str:
        if not path.startswith("/"):
            return path
        for root, name in self._roots:
            if path.startswith(root):
                return name + path.removeprefix(root)
        return Path(path).name


def _inert(text: str) -> str:
    """``text`` that cannot end the script element of pyinstrument's page."""
    return _MARKUP.sub("< ", text)


def _offline(page: str) -> str:
    return page.replace(_FONTS, "data:text/css,")


def _folded(session: Session) -> str:
    weights: Counter[str] = Counter()
    for stack, spent in session.frame_records:
        weights[";".join(map(_label, stack))] += round(spent * 1e6)
    return "".join(f"{stack} {weight}\n" for stack, weight in sorted(weights.items()))


def _identifier(frame: str) -> str:
    """The frame without what differs between two samples of the same function."""
    return frame.partition("\x01")[0]


def _label(frame: str) -> str:
    """``bench/path/chat/embed.py:run`` from a pyinstrument frame."""
    function, _, rest = _identifier(frame).partition("\0")
    path = rest.partition("\0")[0]
    label = f"{path}:{function}" if path else function
    return label.replace(";", ",").replace(" ", "_")
