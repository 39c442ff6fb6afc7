/**
 * A batch of queue messages: embed the chunks that they name and make them findable.
 *
 * Each message is one of ingest's (at most 100, 10 by default). The answer stands for
 * the outcome: 200 and `{"upserted":<chunks>,"missing":<messages>}` acknowledges the
 * batch, anything else makes the queue deliver it again.
 */

import { bound } from "./calls";
import { embedTexts } from "./embeddings";
import { json, refusal, UpstreamError } from "./errors";
import { type Path, State } from "./path";
import { chunkKey, readText } from "./retrieval";
import type { Env, Vector } from "./types";
import { type Fields, list, object, text } from "./values";

const UPSERT_LIMIT = 1000; // vectors a call from a Worker (Cloudflare docs, Vectorize)
const WEIGHT = 1; // of a source; what was said in a call counts in full

/** A line of ingest's store, with the tenant and the transcript of its message. */
interface StoredChunk {
  id: string;
  text: string;
  startMs: number;
  endMs: number;
  tenantId: string;
  transcriptId: string;
}

/** What the stages of a consumer hand on, with the stage that sets it. */
export class ConsumeState extends State {
  chunks: StoredChunk[] = []; // embed_chunks
  vectors: Vector[] = []; // embed_chunks: one for each chunk
  missing = 0; // embed_chunks: messages whose object is gone

  /** `messages` are the bodies of the batch, as they came. */
  constructor(readonly messages: unknown) {
    super();
  }
}

/** Read the chunks of the batch from R2 and embed all of them in one call. */
async function embedChunks(
  state: ConsumeState,
  env: Env,
): Promise<Response | void> {
  let messages: { key: string; tenantId: string; transcriptId: string }[];
  try {
    messages = list(state.messages).map(toChunksMessage);
  } catch {
    const message = "the body is not a list of queue messages";
    return refusal(400, "bad_request", message);
  }
  const bodies = await Promise.all(messages.map(({ key }) => readText(env, key)));
  for (const [place, { tenantId, transcriptId }] of messages.entries()) {
    const body = bodies[place];
    if (typeof body !== "string") {
      state.missing += 1; // deleted since; delivering it again would not help
      continue;
    }
    for (const line of body.split("\n")) {
      state.chunks.push({ ...toChunk(line), tenantId, transcriptId });
    }
  }
  const texts = state.chunks.map((chunk) => chunk.text);
  if (texts.length) state.vectors = await embedTexts(env, texts);
}

/**
 * Store the vectors, each with what a chat request needs to know of its chunk.
 *
 * With `CONTEXT` "metadata" that includes the text; with "r2" the text becomes an
 * object of its own under the chunk's id, and the metadata stays small.
 */
async function upsert(state: ConsumeState, env: Env): Promise<void> {
  const apart = env.CONTEXT === "r2";
  const now = Math.floor(Date.now() / 1000);
  const vectors = state.chunks.map((chunk, place) => ({
    id: chunk.id,
    values: state.vectors[place] as Vector,
    metadata: metadata(chunk, now, !apart),
  }));
  if (apart) {
    const puts = state.chunks.map(({ id, text }) => env.BUCKET.put(chunkKey(id), text));
    await bound("r2", env, Promise.all(puts));
  }
  for (let sent = 0; sent < vectors.length; sent += UPSERT_LIMIT) {
    const part = vectors.slice(sent, sent + UPSERT_LIMIT);
    const mutation = await bound("vectorize", env, env.VECTORIZE_INDEX.upsert(part));
    if (!mutation?.mutationId) throw new UpstreamError("vectorize", "malformed");
  }
  state.answer = json(200, { upserted: vectors.length, missing: state.missing });
}

/** What is stored beside the vector of `chunk` at `now` (Unix seconds). */
function metadata(
  chunk: StoredChunk,
  now: number,
  content: boolean,
): Record<string, string | number> {
  return {
    tenantId: chunk.tenantId,
    source: "transcript",
    title: `Transcript ${chunk.transcriptId}`,
    createdAt: now,
    weight: WEIGHT,
    startMs: chunk.startMs,
    endMs: chunk.endMs,
    ...(content ? { content: chunk.text } : {}),
  };
}

function toChunksMessage(value: unknown) {
  const message = object(value);
  return {
    key: text(message.key),
    tenantId: text(message.tenantId),
    transcriptId: text(message.transcriptId),
  };
}

function toChunk(line: string) {
  try {
    const chunk: Fields = object(JSON.parse(line));
    const { startMs = 0, endMs = 0 } = chunk as { startMs?: number; endMs?: number };
    return { id: text(chunk.id), text: text(chunk.text), startMs, endMs };
  } catch {
    throw new UpstreamError("r2", "malformed");
  }
}

export const consumer: Path<ConsumeState> = {
  request: { embed_chunks: embedChunks, upsert },
  end: {},
  after: {},
};
