// Re-ranking in a Worker, in each of the ways of bench/offload: GET /<option>?k=&dims=
// asks the index, ranks what it found or has it ranked, and answers the ids in order,
// with the bytes of the bodies that it sent and received.
import "./clock";
import { env as bindings } from "cloudflare:workers";
import type { ChatState } from "worker/chat";
import { packed } from "worker/ranking";
import { rerank } from "worker/rerank";
import type { Env, Match } from "worker/types";
import { list, number, object, text, Unexpected } from "worker/values";

type Bindings = Record<string, string | ArrayBuffer>;
type Facts = { createdAt: number; weight: number; tenantId: string };
type Asked = { matches: Match[]; vector: number[]; tenant: string; sizes: Sizes };

const BYTES = "application/octet-stream";
const MONTH_S = 30 * 86400;
const given = bindings as unknown as Bindings;
const TENANT = String(given.TENANT);
const TIMEOUT_MS = 1000 * Number(given.TIMEOUT_S);
const IN_PATH = { RERANK: "in_path" } as Env;

// Embedded for each number of dimensions; in the path it is the embedding's reply.
const queries = new Map<string, number[]>();
for (const [name, value] of Object.entries(given)) {
  const [, dims] = /^QUERY_(\d+)$/.exec(name) ?? [];
  if (dims) queries.set(dims, Array.from(new Float32Array(value as ArrayBuffer)));
}

class Sizes {
  sent = 0;
  received = 0;
}

type Ranked = (asked: Asked) => Match[] | Promise<Match[]>;
type Way = { values: boolean; ranked: Ranked };

const WAYS: Record<string, Way> = {
  off: { values: false, ranked: ({ matches }) => matches },
  metadata: { values: false, ranked: byScore },
  exact: { values: true, ranked: byScore },
  in_path: { values: true, ranked: inPath },
  offload_json: { values: true, ranked: offloadJson },
  offload_binary: { values: true, ranked: offloadBinary },
  offload_ids: { values: false, ranked: offloadIds },
};

function byScore({ matches, tenant }: Asked): Match[] {
  const now = Date.now() / 1000;
  const scored = matches.map((match) => ({ match, score: custom(match, tenant, now) }));
  scored.sort((a, b) => b.score - a.score);
  return scored.map(({ match }) => match);
}

// The formula of worker/rerank, with the index's score in the place of the cosine.
function custom({ score, metadata }: Match, tenant: string, now: number): number {
  const { createdAt = 0, weight = 1, tenantId } = metadata;
  const age = Math.max(0, now - number(createdAt));
  const own = tenantId === tenant ? 0.05 : 0;
  return number(weight) * (score + 0.15 / (1 + age / MONTH_S) + own);
}

function inPath({ matches, vector, tenant }: Asked): Match[] {
  const state = { matches, vector, session: { tenant, user: "" } };
  void rerank(state as unknown as ChatState, IN_PATH); // at once, in the path
  return state.matches;
}

async function offloadJson(asked: Asked): Promise<Match[]> {
  const candidates = asked.matches.map((match) => ({ values: match.values, ...facts(match) }));
  const queries = [{ ...about(asked), query: asked.vector, candidates }];
  const reply = await served(asked, JSON.stringify({ queries }), "application/json");
  const [result] = list(object(await reply.json()).results);
  return placed(asked.matches, list(object(result).order) as number[]);
}

function offloadBinary(asked: Asked): Promise<Match[]> {
  const candidates = asked.matches.map(facts);
  const rows = [asked.vector, ...asked.matches.map(({ values }) => values)];
  return binary(asked, { ...about(asked), candidates }, rows);
}

function offloadIds(asked: Asked): Promise<Match[]> {
  const ids = asked.matches.map(({ id }) => id);
  return binary(asked, { ...about(asked), ids }, [asked.vector]);
}

async function binary(asked: Asked, query: object, rows: ArrayLike<number>[]): Promise<Match[]> {
  const body = packed(query, rows);
  const reply = await (await served(asked, body, BYTES)).arrayBuffer();
  const k = asked.matches.length;
  if (reply.byteLength !== 8 * k) throw new Unexpected("places and scores");
  return placed(asked.matches, new Uint32Array(reply, 0, k));
}

function about({ tenant }: Asked): { tenant: string; now: number } {
  return { tenant, now: Date.now() / 1000 };
}

function facts({ metadata }: Match): Facts {
  const { createdAt, weight, tenantId } = metadata;
  return { createdAt: number(createdAt), weight: number(weight), tenantId: text(tenantId) };
}

function placed(matches: Match[], order: ArrayLike<number>): Match[] {
  return Array.from(order, (place) => {
    const match = matches[place];
    if (match === undefined) throw new Unexpected(`place ${place}`);
    return match;
  });
}

function served({ sizes }: Asked, body: string | Uint8Array, kind: string): Promise<Response> {
  const headers = { "content-type": kind, accept: kind };
  sizes.sent += body.length; // of text too: all of it is ASCII
  return called("http://rerank/rerank", { method: "POST", headers, body }, sizes);
}

async function found(k: string, dims: string, values: boolean, sizes: Sizes): Promise<Match[]> {
  const url = `http://index/query?k=${k}&dims=${dims}&values=${values}`;
  const response = await called(url, {}, sizes);
  return list(object(await response.json()).matches).map(toMatch);
}

function toMatch(value: unknown): Match {
  const match = object(value);
  return {
    id: text(match.id),
    score: number(match.score),
    metadata: object(match.metadata ?? {}),
    values: list(match.values ?? []) as number[],
  };
}

async function called(url: string, init: RequestInit, sizes: Sizes): Promise<Response> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  sizes.received += Number(response.headers.get("content-length"));
  if (response.status === 200) return response;
  throw new Error(`${url} answered ${response.status} ${await response.text()}`);
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const k = searchParams.get("k") ?? "";
    const dims = searchParams.get("dims") ?? "";
    const way = WAYS[pathname.slice(1)];
    const vector = queries.get(dims);
    if (way === undefined || vector === undefined) return new Response("", { status: 404 });
    const sizes = new Sizes();
    try {
      const matches = await found(k, dims, way.values, sizes);
      const best = await way.ranked({ matches, vector, tenant: TENANT, sizes });
      return Response.json({ ids: best.map(({ id }) => id), ...sizes });
    } catch (error) {
      return new Response(String(error), { status: 502 });
    }
  },
};
