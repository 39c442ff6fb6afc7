// The gateway hop: a Worker that leaves the work to an engine outside (bench/engines).
//
//     POST /qdrant?k=, /postgres?k=     the query's vector as float32: written into the
//                                       engine's question, whose answer is parsed
//     POST /conversation?id=&limit=     a turn as JSON: the history is read from
//                                       PostgreSQL over HTTP, then the turn is written
//
// Answers ids, the calls that it made, and the bytes of the bodies it sent and received.
import { env as bindings } from "cloudflare:workers";
import type { Match } from "worker/types";
import { list, number, object, text } from "worker/values";

type Statement = { query: string; params: unknown[] };
type Turn = { question: string; answer: string; now: number };
type Search = (vector: number[], k: number, calls: Calls) => Promise<Match[]>;

const given = bindings as unknown as Record<string, string>;
const TIMEOUT_MS = 1000 * Number(given.TIMEOUT_S);
const { tenant, kinds, after } = JSON.parse(given.FILTER ?? "{}");
const SQL: Record<string, string> = JSON.parse(given.STATEMENTS ?? "{}");

/** The calls of one request. */
class Calls {
  calls = 0;
  sent = 0;
  received = 0;

  async post(url: string, body: unknown): Promise<Record<string, unknown>> {
    const written = JSON.stringify(body);
    this.calls += 1;
    this.sent += written.length; // all of it is ASCII
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: written,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status !== 200) {
      throw new Error(`${url} answered ${response.status} ${await response.text()}`);
    }
    this.received += Number(response.headers.get("content-length"));
    return object(await response.json());
  }

  /** The rows of each statement; all are one transaction. */
  async sql(queries: Statement[]): Promise<Record<string, unknown>[][]> {
    const { results } = await this.post("http://postgres/sql", { queries });
    return list(results).map((result) => list(object(result).rows).map(object));
  }
}

const SEARCHES: Record<string, Search> = {
  async qdrant(vector, k, calls) {
    const filter = {
      must: [
        { key: "tenantId", match: { value: tenant } },
        { key: "effectiveDate", range: { gt: after } },
      ],
      should: kinds.map((value: string) => ({ key: "documentType", match: { value } })),
    };
    const params = { acorn: { enable: true } };
    const question = { query: vector, limit: k, with_payload: true, filter, params };
    const url = "http://qdrant/collections/chunks/points/query";
    const { result } = await calls.post(url, question);
    return list(object(result).points).map((point) => toMatch(point, "payload"));
  },
  async postgres(vector, k, calls) {
    const params = [JSON.stringify(vector), k, tenant, after, ...kinds];
    const question = { query: SQL.search, params };
    const { rows } = await calls.post("http://postgres/sql", question);
    return list(rows).map((row) => toMatch(row, "metadata"));
  },
};

async function conversation(id: string, limit: number, turn: Turn, calls: Calls) {
  const ids = [`${id}/turn/user`, `${id}/turn/assistant`];
  const [found, messages] = await calls.sql([
    statement("conversation", id),
    statement("messages", id, ...ids, limit),
  ]);
  if (found?.[0]?.tenant_id !== tenant) throw new Error("the conversation is another's");
  const history = (messages ?? []).reverse().map((row) => ({
    id: text(row.id),
    role: text(row.role),
    content: text(row.content),
    tokens: number(row.token_count),
  }));
  const { question, answer, now } = turn;
  const place = [id, tenant];
  await calls.sql([
    statement("touch", ...place, now),
    statement("message", ids[0], ...place, "user", question, now, question.length >> 2),
    statement("message", ids[1], ...place, "assistant", answer, now, answer.length >> 2),
    statement("count", ...place),
  ]);
  return history;
}

function statement(name: string, ...params: unknown[]): Statement {
  return { query: text(SQL[name]), params };
}

function toMatch(value: unknown, payload: string): Match {
  const match = object(value);
  const metadata = object(match[payload]);
  return { id: String(match.id), score: number(match.score), metadata, values: [] };
}

async function answered(request: Request, calls: Calls): Promise<{ id: string }[]> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/conversation") {
    const limit = Number(searchParams.get("limit"));
    const turn = object(await request.json()) as Turn;
    return conversation(searchParams.get("id") ?? "", limit, turn, calls);
  }
  const search = SEARCHES[pathname.slice(1)];
  if (search === undefined) throw new Error(`there is no engine ${pathname}`);
  const vector = new Float32Array(await request.arrayBuffer());
  return search(Array.from(vector), Number(searchParams.get("k")), calls);
}

export default {
  async fetch(request: Request): Promise<Response> {
    const calls = new Calls();
    try {
      const found = await answered(request, calls);
      return Response.json({ ids: found.map(({ id }) => id), ...calls });
    } catch (error) {
      return new Response(String(error), { status: 502 });
    }
  },
};
