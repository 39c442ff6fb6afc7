"""Vectorize v2 over HTTP, as the binding in workerd speaks it, on a real index.

Follows workerd's vectorize-api.ts (2026-08). Scores are approximate unless values are
returned, and mutations can become visible later, both as documented (Cloudflare docs,
Vectorize query vectors and limits, 2026-08-05). The metric is cosine.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from bench.errors import UserError
from bench.services._filters import Predicate, lookup
from bench.services._index import Floats, Index, Item
from bench.services._messages import Answer, Call, Refusal, Reply, json_reply, not_found
from bench.services._mutations import Mutations
from bench.services._service import Base
from bench.services._vector_rules import (
    BAD_QUERY,
    MAX_DELETE_IDS,
    MAX_DIMENSIONS,
    MAX_GET_IDS,
    Query,
    Vector,
    as_floats,
    checked_item,
    parse_ids,
    parse_query,
    parse_vectors,
    refuse,
)

HOST = "vector-search"
CHARGES = {"vectorize.queried": "the dimensions of each query's vector"}
# Cloudflare docs, Vectorize pricing: (queried + stored vectors) x dimensions.
NOTE = (
    "the dimensions of all stored vectors count as queried too, once a month and not "
    "for each query: they are the index's and not a request's, as is their storage"
)
MAX_INDEXED = 10


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``metadata_indexes``: properties that ``returnMetadata: "indexed"`` returns;
    None takes a vector's first ten that can be indexed. Changing ``dimensions``
    empties the index."""

    dimensions: Annotated[int, msgspec.Meta(ge=1, le=MAX_DIMENSIONS)] = MAX_DIMENSIONS
    visibility_delay_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    visible_after_queries: Annotated[int, msgspec.Meta(ge=0)] = 0
    metadata_indexes: (
        Annotated[list[str], msgspec.Meta(max_length=MAX_INDEXED)] | None
    ) = None


class Service(Base):
    """One index. ``put`` takes ``{"vectors": [{"id", "values", "namespace"?,
    "metadata"?}]}``, visible at once; ``dump`` gives the same list."""

    Settings = Settings
    charges = CHARGES

    def clear(self) -> None:
        """An empty index."""
        self._index = Index(self.settings.dimensions)
        self._mutations = Mutations(self.seed, self.clock)

    def configure(self, values: Any) -> None:
        """Another number of dimensions makes another, empty index."""
        before = self.settings.dimensions
        super().configure(values)
        if self.settings.dimensions != before:
            self.clear()

    def put(self, data: Any) -> None:
        """Upsert vectors and build the index, so that the first query is not slow."""
        try:
            vectors = msgspec.convert(data["vectors"], list[Vector])
            for vector in vectors:
                self._index.put(checked_item(vector, self.settings.dimensions))
        except (msgspec.ValidationError, Refusal, KeyError, TypeError) as error:
            told = error.reply.body.decode() if isinstance(error, Refusal) else error
            raise UserError(
                str(told),
                field="vectorize",
                remedy="give vectors that Vectorize would accept",
            ) from error
        self._index.build()

    def dump(self) -> list[dict[str, Any]]:
        """All visible vectors, values as float32."""
        self._process()
        return [
            {**_plain(item), "values": item.values.tolist()}
            for item in self._index.items()
        ]

    def failure(self, status: int, message: str) -> Reply:
        """An error as the binding reads it; 40041 is Vectorize's rate limit."""
        code = {"code": 40041 if status == 429 else 40000 + status}
        return json_reply({**code, "error": message}, status)

    def handle(self, call: Call) -> Answer:
        """Route one request."""
        self._process()
        routes = {
            "POST /query": self._query,
            "POST /insert": self._insert,
            "POST /upsert": self._upsert,
            "POST /getByIds": self._get,
            "POST /deleteByIds": self._delete,
            "GET /info": self._info,
        }
        route = routes.get(call.route)
        return not_found(call) if route is None else route(call)

    def _query(self, call: Call) -> Reply:
        query, predicate = parse_query(call.body, self.settings.dimensions)
        self._mutations.query()
        vector = self._vector(query)
        self.charge("vectorize.queried", self.settings.dimensions)
        found = self._index.search(
            vector,
            query.top_k,
            exact=query.return_values,
            passes=_passes(query.namespace, predicate),
            filter_key=repr((query.namespace, query.filter)),
        )
        matches = [self._match(item, score, query) for item, score in found]
        return json_reply({"count": len(matches), "matches": matches})

    def _vector(self, query: Query) -> Floats:
        if query.vector is not None:
            return as_floats(query.vector)
        item = self._index.get(query.vector_id or "")
        if item is None:
            refuse(BAD_QUERY, f'vector not found for id="{query.vector_id}"')
        return item.values

    def _match(self, item: Item, score: Any, query: Query) -> dict[str, Any]:
        match: dict[str, Any] = {"id": item.id, "score": score}
        if query.return_values:
            match["values"] = item.values
        if query.return_metadata == "all":
            match["metadata"] = item.metadata
        if query.return_metadata == "indexed":
            match["metadata"] = self._indexed(item.metadata)
        if item.namespace is not None:
            match["namespace"] = item.namespace
        return match

    def _indexed(self, metadata: dict[str, Any]) -> dict[str, Any]:
        names = self.settings.metadata_indexes
        if names is None:
            names = list(metadata)
        values = {name: lookup(metadata, name.split(".")) for name in names}
        held = {name: value for name, value in values.items() if value is not None}
        return dict(list(held.items())[:MAX_INDEXED])

    def _insert(self, call: Call) -> Reply:
        return self._store(call, replace=False)

    def _upsert(self, call: Call) -> Reply:
        return self._store(call, replace=True)

    def _store(self, call: Call, *, replace: bool) -> Reply:
        kind = call.headers.get("content-type", "")
        items = parse_vectors(call.body, kind, self.settings.dimensions)

        def apply() -> None:
            for item in items:
                if replace or item.id not in self._index:
                    self._index.put(item)

        return json_reply({"mutationId": self._mutations.add(apply)})

    def _get(self, call: Call) -> Reply:
        found = [self._index.get(id_) for id_ in parse_ids(call.body, MAX_GET_IDS)]
        return json_reply(
            [{**_plain(item), "values": item.values} for item in found if item]
        )

    def _delete(self, call: Call) -> Reply:
        ids = parse_ids(call.body, MAX_DELETE_IDS)

        def apply() -> None:
            for id_ in ids:
                self._index.remove(id_)

        return json_reply({"mutationId": self._mutations.add(apply)})

    def _info(self, _: Call) -> Reply:
        dimensions = self.settings.dimensions
        counts = {"vectorCount": len(self._index), "dimensions": dimensions}
        return json_reply({**counts, **self._mutations.processed()})

    def _process(self) -> None:
        settings = self.settings
        self._mutations.process(
            settings.visibility_delay_ms, settings.visible_after_queries
        )


def _plain(item: Item) -> dict[str, Any]:
    plain: dict[str, Any] = {"id": item.id}
    if item.namespace is not None:
        plain["namespace"] = item.namespace
    if item.metadata:
        plain["metadata"] = item.metadata
    return plain


def _passes(namespace: str | None, predicate: Predicate | None) -> Any:
    def passes(item: Item) -> bool:
        if namespace is not None and item.namespace != namespace:
            return False
        return predicate is None or predicate(item.metadata)

    return passes
