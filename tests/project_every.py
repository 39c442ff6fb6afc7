"""A Worker that uses every binding, what it answers, and what its services hold."""

from __future__ import annotations

import json

from project_support import SECRET, project

SOURCE = """
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { connect } from "cloudflare:sockets";
import page from "./page.html";
import { secretLength } from "./lib";

export class Counter extends DurableObject {
  async next() {
    this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS n (v INTEGER)");
    this.ctx.storage.sql.exec("INSERT INTO n VALUES (1)");
    return this.ctx.storage.sql.exec("SELECT COUNT(*) AS n FROM n").one().n;
  }
}

export class Own extends WorkerEntrypoint {
  async double(n: number) { return 2 * n; }
}

const uses: Record<string, (env: any, request: Request) => Promise<unknown>> = {
  "/kv": async (env) => ({ value: await env.KV.get("greeting"),
                           other: await env.OTHER.get("greeting") }),
  "/d1": async (env) => (await env.DB.prepare("SELECT name FROM people").all()).results,
  "/r2": async (env) => (await (await env.BUCKET.get("docs/a.txt")).text()),
  "/vectorize": async (env) => (await env.INDEX.query([1, 0, 0])).matches[0].id,
  "/ai": async (env) => (await env.AI.run("@cf/baai/bge-small-en-v1.5",
                                          { text: ["x"] })).shape,
  "/queue": async (env) => { await env.QUEUE.send({ a: 1 }); return "sent"; },
  "/object": async (env) => env.OBJECT.get(env.OBJECT.idFromName("a")).next(),
  "/self": async (env) => env.SELF.double(21),
  "/version": async (env) => env.VERSION.id.length,
  "/points": async (env) => { env.POINTS.writeDataPoint({ blobs: ["x"] }); return 1; },
  "/limit": async (env) => (await env.LIMIT.limit({ key: "x" })).success,
  "/asset": async (env, request) =>
    (await env.FILES.fetch(new URL("/logo.svg", request.url))).text(),
  "/vars": async (env) => ({ ...env.OBJECT_VAR, text: env.TEXT,
                             secret: secretLength(env.KEY) }),
  "/text": async () => page.trim(),
  "/node": async () => (await import("node:crypto")).createHash("md5")
    .update("x").digest("hex"),
  "/outside": async () => (await fetch("https://api.example/v1/x?key=1")).json(),
  "/nowhere": async () => (await fetch("https://real.example/")).status,
  "/cache": async (_, request) => (await caches.default.match(request)) ?? "miss",
  "/socket": async (_, request) => {
    const address = `127.0.0.1:${new URL(request.url).searchParams.get("port")}`;
    const { status } = await fetch(`http://${address}/`);
    try {
      await connect(address).opened;
      return [status, "open"];
    } catch {
      return [status, "refused"];
    }
  },
  "/stub": async (env) => (await env.BROWSER.fetch("https://x.example/")).status,
  "/url": async (_, request) => request.url,
  "/throws": async (env) => { throw new Error(`with ${env.KEY}`); },
};

export default {
  async fetch(request: Request, env: any): Promise<Response> {
    const { pathname } = new URL(request.url);
    return Response.json(await uses[pathname](env, request));
  },
  async queue(batch: MessageBatch<any>, env: any) {
    if (batch.messages[0].body.bad) throw new Error("bad");
    await env.KV.put("seen", String(batch.messages.length));
  },
  async scheduled(event: ScheduledController, env: any) {
    if (event.cron === "0 0 * * *") throw new Error("at night");
    await env.KV.put("woken", event.cron);
  },
};
"""
ANSWERS = {
    "/kv": {"value": "hello", "other": None},
    "/d1": [{"name": "Ada"}],
    "/r2": "in a folder",
    "/vectorize": "x",
    "/ai": [1, 384],
    "/queue": "sent",
    "/object": 1,
    "/self": 42,
    "/version": 36,
    "/points": 1,
    "/limit": True,
    "/asset": "<svg/>",
    "/vars": {"a": [1], "text": "te'x\"t", "secret": len(SECRET)},
    "/text": "<p>hi</p>",
    "/node": "9dd4e461268c8034f5c8564e155c67a6",
    "/outside": {"from": "a file"},
    "/nowhere": 502,
    "/cache": "miss",
    "/stub": 501,
    "/url": "https://worker.localhost/url?x=%20",
}
CONFIG = {
    "main": "src/index.ts",
    "compatibility_flags": ["nodejs_compat"],
    "kv_namespaces": [{"binding": "KV"}, {"binding": "OTHER"}],
    "d1_databases": [{"binding": "DB", "database_name": "d"}],
    "r2_buckets": [{"binding": "BUCKET"}],
    "vectorize": [{"binding": "INDEX", "index_name": "i"}],
    "queues": {
        "producers": [{"binding": "QUEUE", "queue": "jobs"}],
        "consumers": [{"queue": "jobs"}],
    },
    "ai": {"binding": "AI"},
    "services": [{"binding": "SELF", "service": "mine", "entrypoint": "Own"}],
    "durable_objects": {"bindings": [{"name": "OBJECT", "class_name": "Counter"}]},
    "migrations": [{"tag": "v1", "new_sqlite_classes": ["Counter"]}],
    "version_metadata": {"binding": "VERSION"},
    "analytics_engine_datasets": [{"binding": "POINTS"}],
    "assets": {"directory": "public", "binding": "FILES"},
    "ratelimits": [{"name": "LIMIT", "namespace_id": "1"}],
    "browser": {"binding": "BROWSER"},
    "vars": {"TEXT": "te'x\"t", "OBJECT_VAR": {"a": [1]}},
    "triggers": {"crons": ["*/5 * * * *", "0 0 * * *"]},
    "build": {"command": "touch ran && false"},
}
DATA = {
    "src/index.ts": SOURCE,
    "src/lib.ts": "export const secretLength = (s: string): number => s.length;\n",
    "src/page.html": "<p>hi</p>\n",
    "public/logo.svg": "<svg/>",
    "migrations/0001_first.sql": "CREATE TABLE people (name TEXT);",
    "migrations/0002_more.sql": "CREATE UNIQUE INDEX one ON people (name);",
    ".dev.vars": f"KEY={SECRET}\n",
    "seeds/kv.json": '{"greeting": "hello"}',
    "seeds/d1.sql": "INSERT INTO people VALUES ('Ada');",
    "seeds/files/docs/a.txt": "in a folder",
    "seeds/vectors.ndjson": '{"id": "x", "values": [1, 0, 0]}\n',
    "seeds/answers.ndjson": json.dumps(
        {"host": "api.example", "path": "/v1/x", "body": {"from": "a file"}}
    ),
}


def every(folder):
    """The project in ``folder``."""
    made = project(folder, CONFIG)
    for name, text in DATA.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


def seeds_of(folder):
    """Its seeds."""
    return {
        ("kv", "KV"): folder / "seeds" / "kv.json",
        ("d1", "DB"): folder / "seeds" / "d1.sql",
        ("r2", "BUCKET"): folder / "seeds" / "files",
        ("vectorize", "INDEX"): folder / "seeds" / "vectors.ndjson",
    }
