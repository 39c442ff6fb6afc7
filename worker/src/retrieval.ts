/**
 * What the answer is based on: the tenant's chunks nearest to the query.
 */

import { bound } from "./calls";
import type { ChatState } from "./chat";
import { embedTexts } from "./embeddings";
import { UpstreamError } from "./errors";
import { first } from "./text";
import type { Env, Match, Session, Vector } from "./types";
import { list, number, object, text } from "./values";

const INPUT_CHARS = 8000; // the article's guard of the model's token limit
const SEPARATOR = "\n\n---\n\n";

/** Set `vector`: one call, and 1,536 numbers to parse. */
export async function embed(state: ChatState, env: Env): Promise<void> {
  const [vector] = await embedTexts(env, first(state.query, INPUT_CHARS));
  state.vector = vector as Vector;
}

/**
 * Set `matches`, best first.
 *
 * The vectors themselves come back only where they are scored again: 8 x 1,536 floats
 * of JSON to parse are the price of re-ranking in the path.
 */
export async function retrieve(state: ChatState, env: Env): Promise<void> {
  const values = env.RERANK === "in_path";
  state.matches = await nearest(env, state.vector, state.session, env.TOP_K, values);
}

/** The `topK` chunks of the session's tenant nearest to `vector`, best first. */
export async function nearest(
  env: Env,
  vector: Vector,
  session: Session,
  topK: number,
  returnValues: boolean,
): Promise<Match[]> {
  const found = env.VECTORIZE_INDEX.query(vector, {
    topK,
    returnValues,
    returnMetadata: "all",
    filter: { tenantId: session.tenant },
  });
  const reply = await bound("vectorize", env, found);
  try {
    return list(object(reply).matches).map(toMatch);
  } catch {
    throw new UpstreamError("vectorize", "malformed");
  }
}

/**
 * Set `context`, the texts of the matches; one without a text is left out.
 *
 * `metadata`: the text came along with the match (at most 10 KiB each). `r2`: the match
 * has only an id, and each text is one read of an object.
 */
export async function assemble(state: ChatState, env: Env): Promise<void> {
  const texts =
    env.CONTEXT === "r2"
      ? await Promise.all(state.matches.map(({ id }) => fromBucket(env, id)))
      : state.matches.map(contentOf);
  state.context = texts.filter(Boolean).join(SEPARATOR);
}

/** The text in a match's metadata; empty if it has none. */
export function contentOf({ metadata }: Match): string {
  return typeof metadata.content === "string" ? metadata.content : "";
}

/** Where R2 holds the text of the chunk with `id`. */
export function chunkKey(id: string): string {
  return `chunks/${id}`;
}

/** The text of the object under `key`, or null. */
export function readText(env: Env, key: string): Promise<string | null> {
  // In one piece, so that the time limit is that of head and body together.
  const read = async () => {
    const object = await env.BUCKET.get(key);
    return object ? object.text() : null;
  };
  return bound("r2", env, read());
}

async function fromBucket(env: Env, id: string): Promise<string> {
  return (await readText(env, chunkKey(id))) ?? "";
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
