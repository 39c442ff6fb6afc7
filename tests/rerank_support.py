"""What the tests of the re-rankers share: awkward jobs, and packages of re-rankers."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import numpy as np

from bench.fixtures._phrases import TENANTS
from bench.path.bindings.vectorize import Match
from bench.rerankers import Case, load
from bench.rerankers._jobs import NOW, Job, generate

OWN = TENANTS[0]
METADATA = [
    {"tenantId": OWN, "createdAt": NOW - 86_400, "weight": 1.25},
    {"tenantId": "another", "createdAt": NOW + 86_400, "weight": 0.5},
    {"tenantId": OWN},
    {},
]


def from_values(query, values, metadata: list[dict]) -> Job:
    """A job of the given numbers, rounded to float32: shapes (dims,) and (k, dims)."""
    bare = [Match(f"chunk-{n}", 0.5, each, []) for n, each in enumerate(metadata)]
    rows = np.array(values, np.float32)
    matches = [
        {"id": match.id, "score": 0.5, "values": row, "metadata": match.metadata}
        for match, row in zip(bare, rows.tolist(), strict=True)
    ]
    body = json.dumps({"count": len(matches), "matches": matches}).encode()
    return Job(np.array(query, np.float32), rows, bare, OWN, NOW, body)


def awkward() -> dict[str, Job]:
    """Jobs that a fast kernel may get wrong, by what is awkward about them."""
    draw = np.random.default_rng(7)
    plain = draw.standard_normal((4, 1536))
    jobs = {
        "ties": generate(8, 1536, ties=True),
        "many ties": generate(64, 384, seed=2, ties=True),
        "all equal": from_values(plain[0], [plain[1]] * 7, [METADATA[0]] * 7),
        "a zero vector": from_values(plain[0], plain * [[1], [0], [1], [0]], METADATA),
        "a zero query": from_values(plain[0], [plain[0], -plain[0]], METADATA[:2]),
        "zeros alone": from_values(np.ones(5), np.zeros((3, 5)), [{}] * 3),
        "small numbers": from_values(plain[0], plain * 1e-6, METADATA),
        "large numbers": from_values(plain[0], plain * 1e6, METADATA),
        "odd dimensions": from_values(plain[0, :131], plain[:, :131], METADATA),
        "one dimension": from_values([2.0], [[1.0], [-1.0], [3.0], [0.0]], METADATA),
    }
    for number in range(12):
        k, dims = draw.integers(1, 20), draw.integers(2, 70)
        values = draw.standard_normal((k, dims))
        metadata = [METADATA[n] for n in draw.integers(0, 4, k)]
        jobs[f"random {number}"] = from_values(values[0], values, metadata)
    return jobs


def cases_of(module, jobs: dict[str, Job], folder: Path) -> dict[str, Case]:
    """A case for each job and each input that ``module`` takes, by way of a file."""
    cases = {}
    for number, (label, job) in enumerate(jobs.items()):
        file = folder / f"{number}.json"
        file.write_bytes(job.response)
        for given in taken(module):
            cases[f"{label}, {given}"] = Case(job.k, job.dims, given, file)
    return cases


def taken(module) -> list[str]:
    """Inputs that ``module`` can rank."""
    inputs = ("lists", "fresh", "json", "float32", "base64")
    return [given for given in inputs if module.ranker(given) is not None]


def package_of(folder: Path, monkeypatch, name: str, **sources: str) -> dict:
    """Re-rankers of a package ``name`` that has just been written into ``folder``."""
    place = folder / name
    place.mkdir()
    (place / "__init__.py").write_text("")
    for file, source in sources.items():
        (place / f"{file}.py").write_text(textwrap.dedent(source))
    monkeypatch.syspath_prepend(str(folder))
    return load(name)
