/**
 * Score the matches again: the article's cosine over the vectors, and a custom formula.
 *
 *     score = weight x (cosine + 0.15 x recency + 0.05 if the chunk is the tenant's)
 *     recency = 1 / (1 + age in days / 30)
 *
 * The article gives no formula; this one has the three parts that such formulas have.
 * `weight` is an editor's factor for the source, around 1. Offloaded, a service outside
 * that holds the vectors computes the same (ranking.ts).
 */

import type { ChatState } from "./chat";
import { UpstreamError } from "./errors";
import { places } from "./ranking";
import type { Env, Match, Vector } from "./types";
import { number, Unexpected } from "./values";

const MONTH_S = 30 * 86400;

/** Put `matches` into the order of the new scores; ties keep theirs. */
export function rerank(state: ChatState, env: Env): void | Promise<void> {
  if (env.RERANK === "off") return;
  return env.RERANK === "offload" ? asked(state, env) : own(state);
}

async function asked(state: ChatState, env: Env): Promise<void> {
  const { matches, vector, session } = state;
  if (!matches.length) return;
  const ids = matches.map(({ id }) => id);
  const order = await places(env, vector, ids, session.tenant);
  state.matches = Array.from(order, (place) => matches[place] as Match);
}

function own(state: ChatState): void {
  const now = Date.now() / 1000;
  const norm = Math.sqrt(dot(state.vector, state.vector));
  try {
    const scored = state.matches.map((match) => ({
      match,
      score: score(
        cosine(state.vector, norm, match.values),
        match,
        state.session.tenant,
        now,
      ),
    }));
    scored.sort((a, b) => b.score - a.score);
    state.matches = scored.map(({ match }) => match);
  } catch {
    throw new UpstreamError("vectorize", "malformed");
  }
}

/** Cosine of two vectors, the first of length `norm`; 0 where one is zero. */
function cosine(query: Vector, norm: number, values: Vector): number {
  if (values.length !== query.length) throw new Unexpected("dimensions");
  const length = number(norm * Math.sqrt(dot(values, values)));
  return length ? dot(query, values) / length : 0;
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** The custom score of a match whose vector is `near` the query (a cosine). */
function score(
  near: number,
  { metadata }: Match,
  tenant: string,
  now: number,
): number {
  const { createdAt = 0, weight = 1, tenantId } = metadata;
  const age = Math.max(0, now - number(createdAt));
  const recency = 1 / (1 + age / MONTH_S);
  const own = tenantId === tenant ? 0.05 : 0;
  return number(weight) * (near + 0.15 * recency + own);
}
