"""A re-ranking service: the article's custom score over vectors, out of the Worker.

Cosine and custom score are those of `bench.path.chat.rerank`, computed in float32 and
float64. Candidates come with their vectors, or by ids of vectors that the service
holds, so that a Worker need not fetch them. ``_rerank_wire`` has the two forms of a
body, ``_rerank_backend`` says where it computes, and `bench.services._rerank_port`
computes together what waits together.

    POST /rerank   order and scores of each query's candidates
    GET  /info     where it computes, what it holds, and what it has computed so far
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from bench.errors import UserError
from bench.services import _rerank_backend, _rerank_wire
from bench.services._index import Floats
from bench.services._messages import Answer, Call, Refusal, Reply, json_reply, not_found
from bench.services._rerank_wire import Facts, Job, Ranking, refuse
from bench.services._service import Base

HOST = "rerank"
ROUTE = "POST /rerank"
_MONTH_S = 30 * 86400


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``device``: where to compute; ``auto`` is a GPU where there is one."""

    device: Literal["auto", "cpu", "cuda"] = "auto"


class Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vector to hold, in the form of Vectorize; of its metadata the custom score's
    three fields are kept."""

    id: str
    values: list[float]
    metadata: dict[str, Any] = {}


class _Table:
    """The vectors of one dimension that are held, by id."""

    def __init__(self) -> None:
        self.vectors: dict[str, tuple[Floats, Facts]] = {}
        self._slots: dict[str, int] = {}
        self._held: Any = None

    def put(self, id_: str, values: Floats, facts: Facts) -> None:
        self.vectors[id_] = values, facts
        self._held = None

    def rows(self, ids: Sequence[str], backend: _rerank_backend.Backend) -> Any:
        if self._held is None:
            self._slots = {id_: slot for slot, id_ in enumerate(self.vectors)}
            matrix = np.stack([values for values, _ in self.vectors.values()])
            self._held = backend.hold(matrix)
        slots = np.array([self._slots[id_] for id_ in ids], dtype=np.int64)
        return backend.take(self._held, slots)


class Service(Base):
    """``put`` takes ``{"vectors": [{"id", "values", "metadata"?}]}`` of any dimensions;
    an id names one vector of each. ``dump`` gives ids by dimensions."""

    Settings = Settings
    overloads = True

    def clear(self) -> None:
        """Hold nothing."""
        self._tables: dict[int, _Table] = {}
        self._backend = self._chosen()
        self.batches = self.queries = 0

    def configure(self, values: Any) -> None:
        """Another device begins without vectors."""
        before = self.settings.device
        super().configure(values)
        if self.settings.device == before:
            return
        try:
            self._chosen()
        except UserError:
            self.settings = Settings(before)
            raise
        self.clear()

    def put(self, data: Any) -> None:
        """Hold more vectors."""
        try:
            vectors = msgspec.convert(data, dict[str, list[Held]])["vectors"]
            facts = [_facts(vector.metadata) for vector in vectors]
            rows = [_rerank_wire.vectors([vector.values])[0] for vector in vectors]
        except (msgspec.ValidationError, KeyError, Refusal) as error:
            told = error.reply.body.decode() if isinstance(error, Refusal) else error
            raise UserError(
                f"this is no data for the service: {told}",
                field=self.name,
                remedy='give {"vectors": [{"id", "values", "metadata"?}, ..]}',
            ) from error
        for vector, values, known in zip(vectors, rows, facts, strict=True):
            table = self._tables.setdefault(len(values), _Table())
            table.put(vector.id, values, known)

    def dump(self) -> dict[str, list[str]]:
        """The ids of the vectors, by dimensions."""
        return {str(dims): list(table.vectors) for dims, table in self._tables.items()}

    def handle(self, call: Call) -> Answer:
        """Answer one request by itself."""
        if call.route == "GET /info":
            return json_reply(self._info())
        if call.route != ROUTE:
            return not_found(call)
        return self.reply(call, self.rank(self.jobs(call)))

    def jobs(self, call: Call) -> list[Job]:
        """The queries of a request, all of which can be computed. Raises Refusal."""
        jobs = _rerank_wire.parse(call)
        for job in jobs:
            known = self._known(len(job.query))
            missing = next((id_ for id_ in job.ids if id_ not in known), None)
            if missing is not None:
                dims = len(job.query)
                refuse(404, f"no vector of {dims} dimensions has the id {missing!r}")
        return jobs

    def rank(self, jobs: Sequence[Job]) -> list[Ranking]:
        """The rankings of ``jobs``, of any number of requests, as one batch."""
        self.batches += 1
        self.queries += len(jobs)
        by_dims: dict[int, list[int]] = {}
        for place, job in enumerate(jobs):
            by_dims.setdefault(len(job.query), []).append(place)
        found: dict[int, Ranking] = {}
        for places in by_dims.values():
            queries = [jobs[place].query for place in places]
            rows = [self._rows(jobs[place]) for place in places]
            near = self._backend.cosines(queries, rows)
            for place, cosines in zip(places, near, strict=True):
                found[place] = self._ranking(jobs[place], cosines)
        return [found[place] for place in range(len(jobs))]

    @staticmethod
    def reply(call: Call, rankings: Sequence[Ranking]) -> Reply:
        """The answer in the form that ``call`` accepts."""
        return _rerank_wire.reply(rankings, call.headers.get("accept", ""))

    def _known(self, dims: int) -> dict[str, tuple[Floats, Facts]]:
        table = self._tables.get(dims)
        return {} if table is None else table.vectors

    def _rows(self, job: Job) -> Any:
        if job.rows is not None:
            return job.rows
        if not job.ids:
            return np.empty((0, len(job.query)), dtype=np.float32)
        return self._tables[len(job.query)].rows(job.ids, self._backend)

    def _ranking(self, job: Job, cosines: Floats) -> Ranking:
        facts = job.facts
        if job.rows is None:
            known = self._known(len(job.query))
            facts = [known[id_][1] for id_ in job.ids]
        scores = _scores(job, facts, cosines)
        order = np.argsort(-scores, kind="stable")  # ties keep their order
        return Ranking(order.astype(np.uint32), scores[order].astype(np.float32))

    def _info(self) -> dict[str, Any]:
        return {
            "backend": self._backend.name,
            "device": self._backend.device,
            "gpu": _rerank_backend.gpu()[1],
            "vectors": sum(len(table.vectors) for table in self._tables.values()),
            "batches": self.batches,
            "queries": self.queries,
        }

    def _chosen(self) -> _rerank_backend.Backend:
        found = _rerank_backend.choose(self.settings.device)
        if found is None:
            raise UserError(
                _rerank_backend.gpu()[1],
                field=f"{self.name}: device",
                remedy="choose cpu, or install the extra: pip install workbench[gpu]",
            )
        return found


def _facts(metadata: dict[str, Any]) -> Facts:
    named = {name: metadata[name] for name in _NAMES if name in metadata}
    return msgspec.convert(named, Facts)


_NAMES = tuple(field.encode_name for field in msgspec.structs.fields(Facts))


def _scores(job: Job, facts: Sequence[Facts], cosines: Floats) -> Any:
    """The custom score of `bench.path.chat.rerank.score`, of all candidates at once."""
    created = np.array([fact.created_at for fact in facts], dtype=np.float64)
    weight = np.array([fact.weight for fact in facts], dtype=np.float64)
    own = np.array([fact.tenant_id == job.tenant for fact in facts], dtype=np.float64)
    recency = 1 / (1 + np.maximum(0.0, job.now - created) / _MONTH_S)
    return weight * (cosines.astype(np.float64) + 0.15 * recency + 0.05 * own)
