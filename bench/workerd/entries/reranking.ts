// What re-rankers in workerd share: the job, inputs made of each other, and the custom
// score of worker/src/rerank.ts, which that file keeps to itself.

import type { Case } from "./looped";

const MONTH_S = 30 * 86400;

export interface Match {
  id: string;
  score: number;
  values: number[]; // empty where they came apart
  metadata: { createdAt?: number; weight?: number; tenantId?: string };
}

/** A query, its matches without values, and what scores them: bench.rerankers._jobs. */
export interface Job {
  query: number[]; // each a float32
  query32: Float32Array;
  matches: Match[];
  tenant: string;
  now: number; // Unix seconds
}

/** Places in the order of the index, best first, and the score of each. */
export interface Ranking {
  order: number[];
  scores: number[];
}

/** Prepares what lives long; what it returns is measured. */
export type Ranker<Given> = (job: Job) => (given: Given) => Ranking;

/** The sum of the products of two vectors. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** `matches` by the custom score, from the cosine of each; ties keep their place. */
export function ranked(
  job: Job,
  matches: Match[],
  cosine: (place: number) => number,
): Ranking {
  const scored = matches.map(({ metadata }, place) => ({
    place,
    score: score(cosine(place), metadata, job),
  }));
  scored.sort((a, b) => b.score - a.score);
  return {
    order: scored.map(({ place }) => place),
    scores: scored.map(({ score }) => score),
  };
}

function score(
  near: number,
  { createdAt = 0, weight = 1, tenantId }: Match["metadata"],
  { tenant, now }: Job,
): number {
  const age = Math.max(0, now - createdAt);
  const recency = 1 / (1 + age / MONTH_S);
  const own = tenantId === tenant ? 0.05 : 0;
  return weight * (near + 0.15 * recency + own);
}

/** The matches of a Vectorize result, as its binding makes them of the reply. */
export function parsed(body: ArrayBuffer): Match[] {
  let found = JSON.parse(new TextDecoder().decode(body)).matches;
  // The documentation prints some results inside another object.
  if (!Array.isArray(found)) found = found.matches;
  for (const match of found) match.metadata ??= {};
  return found;
}

/** One case of an isolate, as bench.rerankers._workerd writes it. */
export interface Wanted {
  name: string;
  input: "lists" | "fresh" | "json" | "float32" | "base64";
  job: string; // the bindings' prefix
  ranker: Ranker<any>;
}

/** The cases, and `<name>, parsed` for each whose values are to be parsed before it. */
export function cases(
  env: Record<string, ArrayBuffer>,
  wanted: Wanted[],
): Record<string, Case> {
  const found: Record<string, Case> = {};
  for (const each of wanted) {
    const bound = (what: string) => env[`${each.job}.${what}`] as ArrayBuffer;
    const waiting: Match[][] = [];
    found[each.name] = prepared(each, bound, waiting);
    if (each.input === "fresh") {
      const run = () => waiting.push(parsed(bound("response")));
      found[`${each.name}, parsed`] = { run };
    }
  }
  return found;
}

function prepared(
  { input, ranker }: Wanted,
  bound: (what: string) => ArrayBuffer,
  waiting: Match[][],
): Case {
  let run: (() => Ranking) | undefined;
  const prepare = (): (() => Ranking) => {
    const told = JSON.parse(new TextDecoder().decode(bound("job")));
    const rank = ranker({ ...told, query32: new Float32Array(told.query) });
    const response = () => bound("response");
    if (input === "fresh") return () => rank(waiting.pop() ?? parsed(response()));
    const given = {
      lists: () => parsed(response()),
      json: response,
      float32: () => bound("float32"),
      base64: () => new TextDecoder().decode(bound("base64")),
    }[input]();
    return () => rank(given);
  };
  // One that fails to prepare must not take the other cases with it.
  return { run: () => (run ??= prepare())() };
}
