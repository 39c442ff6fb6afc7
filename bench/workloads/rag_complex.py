"""RAG with the article's filter: tenant and (policy or regulation) and a date.

An "or" of values of one property is a list to Vectorize (``$in``, changelog of
2024-11-13), so that this very filter can be said by now (``native``). An "or" of two
properties, or a "not" around any, cannot (filter page, commit 819cf982): there a Worker
asks by tenant for as many matches as it may get with metadata, and chooses itself
(``post_filter``): what is not among them is not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.path import Stage, wire
from bench.path.bindings import vectorize
from bench.path.bindings.vectorize import Match
from bench.path.chat import State
from bench.path.env import Env
from bench.services._vector_rules import MAX_TOP_K_WITH_DATA
from bench.workloads import Replay
from bench.workloads._scene import Scene, planned

TITLE = "RAG, 5M+ vectors or complex filters"
ARTICLE = {"native": "No", "external": "Qdrant/pgvector"}
ORDER = 30
ROUTES = ("native", "post_filter", "external")
NOTE = "the article's filter, said to the index; post_filter chooses in the Worker"
NEEDS = {"vectorize.vectors": 5_000_000}  # the article's own bound of the row

TYPES = ("policy", "regulation")
SINCE = "2025-01-01"


def requests(scene: Scene, route: str) -> list[Replay]:
    """One question; its size is the number of matches that come back."""
    by_index = route == "native"
    top_k = scene.world.options.top_k
    asked = scene.ask(f"/filtered?by={'index' if by_index else 'worker'}", route)
    run = _by_index if by_index else _by_worker
    plan = planned("chat", retrieve=Stage("retrieve", 70, "request", run))
    size = top_k if by_index else MAX_TOP_K_WITH_DATA
    return [scene.replay(f"{size} matches", "chat", asked, plan=plan)]


def _by_worker(state: State, env: Env) -> None:
    found = _asked(state, env, MAX_TOP_K_WITH_DATA, {})
    state.matches = [match for match in found if _is_wanted(match.metadata)]
    state.matches = state.matches[: env.options.top_k]


def _by_index(state: State, env: Env) -> None:
    wanted = {"documentType": {"$in": list(TYPES)}, "effectiveDate": {"$gt": SINCE}}
    state.matches = _asked(state, env, env.options.top_k, wanted)


def _is_wanted(metadata: Mapping[str, Any]) -> bool:
    return metadata["documentType"] in TYPES and metadata["effectiveDate"] > SINCE


def _asked(
    state: State, env: Env, top_k: int, conditions: Mapping[str, Any]
) -> list[Match]:
    question = {
        "topK": top_k,
        "returnValues": False,
        "returnMetadata": "all",
        "filter": {"tenantId": state.session.tenant, **conditions},
        "vector": state.vector,
    }
    headers = {"content-type": "application/json"}
    found = vectorize._post(env, "/query", headers, wire.dumps(question))
    return [vectorize._match(match) for match in found["matches"]]
