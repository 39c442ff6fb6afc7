"""What `bench worker worker/` replays; `python -m tests.worker_replay` writes it.

It is made of the fixtures: a user asks a question in a conversation with a history, and
sends a transcript. Retrieval finds eight vectors of 1,536 numbers.
"""

from __future__ import annotations

import json

from bench import fixture_set
from bench.files import write_whole
from bench.path.schema import SCHEMA
from bench.paths import ROOT
from bench.world import LONG_SUFFIX, conversations_of

FOLDER = ROOT / "worker" / "replay"
STREAM = {"content-type": "text/event-stream; charset=utf-8"}


def files() -> dict[str, bytes]:
    """Content by path below ``FOLDER``."""
    token, session = next(iter(json.loads(fixture_set.read("sessions.json")).items()))
    conversation = json.loads(fixture_set.read("conversation.json"))
    assert session["tenantId"] == conversation["tenantId"]
    found = json.loads(fixture_set.read("vectorize_top8.json"))["matches"]
    for match in found:
        del match["score"]
        match["metadata"]["tenantId"] = session["tenantId"]
    return {
        ".dev.vars": b"# Made up. The limit of 60 would be all that is measured.\n"
        b"RATE_PER_MINUTE=1000000\n"
        b"ANTHROPIC_API_KEY=made-up-anthropic\nOPENAI_API_KEY=made-up-openai\n"
        b"WEBHOOK_SECRET=made-up-webhook\n",
        "requests.ndjson": lines(requests(token, conversation["id"])),
        "outbound.ndjson": lines(answers()),
        "kv/SESSIONS.json": compact({f"session:{token}": json.dumps(session)}),
        "d1/DB.sql": script(conversation).encode(),
        "vectorize/VECTORIZE_INDEX.ndjson": lines(found),
    }


def requests(token, conversation):
    head = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    chat = {
        "query": "Which of the open points must the shift supervisor settle first?",
        "conversationId": conversation,
        "turnId": "turn-1",  # saving it again overwrites it
    }
    transcript = fixture_set.read("transcript.json").decode()
    for path, body in (
        ("/chat", json.dumps(chat)),
        ("/transcripts/call-1", transcript),
    ):
        yield {"method": "POST", "path": path, "headers": head, "body": body}


def answers():
    json_body = {"content-type": "application/json"}
    for host, path, file, headers in (
        ("api.openai.com", "/v1/embeddings", "embedding.json", json_body),
        ("api.anthropic.com", "/v1/messages", "anthropic.sse", STREAM),
    ):
        body = fixture_set.read(file).decode()
        yield {"host": host, "path": path, "headers": headers, "body": body}


def script(conversation):
    """The schema, and the newest messages of the conversation, oldest first."""
    statements = list(SCHEMA)
    for table, rows in conversations_of(conversation).items():
        for row in rows:
            # The other conversation of a world is long enough to be summarised.
            if not row["id"].endswith(LONG_SUFFIX):
                values = ", ".join(map(literal, row.values()))
                said = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"  # noqa: S608
                statements.append(said)
    return "".join(f"{statement};\n" for statement in statements)


def literal(value):
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def lines(values):
    return b"".join(compact(value) + b"\n" for value in values)


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def main() -> None:
    for name, data in files().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)


if __name__ == "__main__":
    main()
