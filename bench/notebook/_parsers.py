"""Notebook 02: which JSON parser, and from which size does it matter?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UserError
from bench.notebook._measured import (
    Measured,
    finished,
    keeping,
    markdown,
    naming,
    open_run,
)
from bench.platform import limit_profile
from bench.verdict import parsers as verdict

if TYPE_CHECKING:
    from IPython.display import Markdown
    from pandas.io.formats.style import Styler

    from bench.parsers._bodies import Body


def json_parsers(
    *,
    transcript: str,
    fixtures: list[str],
    suite: str,
    profile: str,
    limits: str,
    seed: int,
    run: str = "",
) -> JsonParsers:
    """Measure JSON parsers, or what the run still lacks of it.

    ``transcript`` and ``fixtures`` are files, ``suite`` is the folder of JSONTestSuite
    with its tests; all relative to the working folder, and blank for none. Where
    ``run`` names a finished run that one is shown, and nothing is measured. Raises
    UserError for a bad parameter before a run is made.
    """
    import orjson

    from bench.measure import parsers
    from bench.progress import Progress

    chosen = limit_profile(limits)
    if run:
        source, into, result = finished(run, JsonParsers.SOURCE)
        return JsonParsers(into, False, result, chosen, source.samples())
    bodies = check_parsers(transcript, fixtures, suite, profile)
    parameters = {
        "transcript": Path(transcript).name,
        "fixtures": [Path(file).name for file in fixtures],
        "suite": Path(suite).name,
        "limits": limits,
    }
    digests = {body.label: body.sha256 for body in bodies}
    made, own = open_run("02_json_parsers", parameters, profile, seed, digests)
    seconds = parsers.seconds(profile)
    with keeping(made, own), Progress(seconds=seconds) as progress:
        result = parsers.measure(
            made,
            bodies,
            Path(suite) if suite else None,
            profile=profile,
            limits=chosen,
            seed=seed,
            progress=progress,
        )
    made.save("parsers.json", orjson.dumps(result))
    return JsonParsers(made, own, result, chosen, made.samples())


def check_parsers(
    transcript: str, fixtures: Sequence[str], suite: str, profile: str
) -> Sequence[Body]:
    """The bodies to parse: those of the verb, and each of ``fixtures`` besides.

    Raises UserError that names the parameter, and its file or folder where one cannot
    be read or is not what it should be.
    """
    from bench.measure import parsers
    from bench.measure.sizes import size

    size(profile)
    for file in fixtures:
        if not isinstance(file, str) or not file:
            raise UserError(
                f"{file!r} is not the name of a file",
                field="fixtures",
                remedy='name JSON files, such as ["response.json"]',
            )
    if suite:
        with naming("suite"):
            parsers.check_suite(Path(suite))
    with naming("transcript"):
        usual = parsers.bodies(Path(transcript) if transcript else None, [])
    if not fixtures:
        return usual
    with naming("fixtures"):
        more = parsers.bodies(None, [Path(file) for file in fixtures])
    taken = {body.label for body in usual}
    for body in more:
        if body.label in taken:
            raise UserError(
                f"{body.label} has the name of another body",
                field="fixtures",
                remedy="rename the file; rows are told apart by file names",
            )
    return [*usual, *more]


@dataclass(frozen=True, slots=True)
class JsonParsers(Measured):
    """Measured JSON parsers, as a notebook shows them."""

    SOURCE: ClassVar[str] = "parsers"

    def verdict(self) -> Markdown:
        """The answer in a few sentences, computed from the result."""
        return markdown(verdict.sentence(self.result))

    def speed(self, mode: str) -> Styler:
        """CPU in us, ratios and memory of every parser in one mode, main body."""
        from bench.report import _parsers, tables

        return tables.shown(_parsers.speed(self.result, mode))

    def bodies(self) -> Styler:
        """The fastest of each runtime on every body, and whether controls hold."""
        from bench.report import _parsers, tables

        return tables.shown(_parsers.bodies(self.result))

    def cold(self) -> Styler:
        """CPU in us of the first parse of a fresh isolate."""
        from bench.report import _parsers, tables

        return tables.shown(_parsers.cold(self.result))

    def switches(self) -> Styler:
        """From which size another parser saves what matters."""
        from bench.report import _parsers, tables

        return tables.shown(_parsers.switches(self.result))

    def correctness(self) -> Styler:
        """What each parser gets wrong, in numbers of texts."""
        from bench.report import _parsers, tables

        return tables.shown(_parsers.correctness(self.result))

    def stories(self) -> Styler:
        """The article's parse under every condition that was measured, in ms."""
        from bench.report import _parsers, tables

        return tables.shown(_parsers.stories(self.result))
