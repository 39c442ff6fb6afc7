"""The article's claims as data: one table a claim in the TOML files of this folder.

The table's name is the id. ``claim`` says it in our own words, with the article's
number in ``article`` (with ``article_to``, a range; with ``bound``, the end of what it
allows; where there is no number, a word; not ``stated``, the number that we hold a rule
of thumb against). ``note`` is added to why. ``check`` says how it is held against what
is known:

    sample      ``sample`` is a place in the samples of a run and a metric; ``over`` a
                second one that it is divided by, ``instead`` one that may do better
                (``instead_is`` says what it is). ``share`` takes it as % of the CPU
                limit; ``stories`` names a document whose stories are other conditions;
                ``megabyte`` takes a line through bodies where the place is not there.
                ``run`` is the command that measures it
    table       ``operation`` is a row of the article's CPU table (`verdict.article`)
    stage       ``stage`` of the warm chat request
    computed    ``compute`` is a function of `_computed.py`, over fixtures
    documented  ``row`` is the id of a limit or price by plan; where the documentation
                has words instead, they are in ``says``, and ``holds`` tells whether the
                claim agrees. ``once`` says when a claim that does not hold did
    matrix      ``workload`` is a row of the decision matrix
    elsewhere   not measurable here; ``would`` is what would measure it
"""

from __future__ import annotations

import datetime
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import BenchError

# In the order of the article.
FILES = ("platform", "budget", "vectorize", "state", "matrix")
Place = dict[str, str]


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One claim; which fields a check reads is said above."""

    id: str
    claim: str
    article: float | str
    article_to: float | None = None
    stated: bool = True
    unit: str = ""
    bound: Literal["", "under", "over"] = ""
    check: Literal[
        "sample", "table", "stage", "computed", "documented", "matrix", "elsewhere"
    ]
    note: str = ""
    sample: Place | None = None
    over: Place | None = None
    instead: Place | None = None
    instead_is: str = ""
    share: bool = False
    megabyte: bool = False
    stories: str = ""
    run: str = "bench run"
    operation: str = ""
    stage: str = ""
    compute: str = ""
    row: dict[Literal["free", "paid"], str] | None = None
    says: str = ""
    source: str = ""
    date: datetime.date | None = None
    holds: bool | None = None
    once: str = ""
    workload: str = ""
    would: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """What the article's number may be: a range of one where it is one.

        Raises BenchError for a word.
        """
        if isinstance(self.article, str):
            raise BenchError(f"{self.id}: {self.article!r} is not a number")
        to = self.article if self.article_to is None else self.article_to
        return float(self.article), float(to)


@cache
def load() -> dict[str, Claim]:
    """Every claim by id, in the order of the article.

    Raises BenchError that names the file of one that is malformed.
    """
    found: dict[str, Claim] = {}
    for name in FILES:
        path = Path(__file__).with_name(f"{name}.toml")
        for claim in parse(path.read_text(encoding="utf-8"), path.name):
            if found.setdefault(claim.id, claim) is not claim:
                raise BenchError(f"{path.name}: two claims are called {claim.id}")
    return found


def parse(text: str, name: str) -> list[Claim]:
    """The claims of TOML ``text``.

    Raises BenchError, which names the file ``name`` and the claim, for a key that is
    unknown or missing, and for text that is not TOML.
    """
    ident = ""
    try:
        claims = []
        for ident, table in tomllib.loads(text).items():
            claims.append(msgspec.convert({"id": ident, **table}, Claim))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, TypeError) as error:
        raise BenchError(f"{name}: {ident}: {error}") from error
    return claims
