/**
 * A transcript comes in: it is stored, cut into chunks, and queued for embedding.
 *
 * `POST /transcripts/<id>` with `authorization: Bearer <token>`, a JSON content type
 * and a Deepgram response as the body. Answer: 202 and
 * `{"transcriptId","chunks","messages"}`, the last two as numbers. The vectors are made
 * by the queue's consumer, which has a CPU budget of its own.
 */

import { authenticate, unauthorized } from "./auth";
import { bound } from "./calls";
import { chunk } from "./chunk";
import { json, refusal } from "./errors";
import { type Path, RequestState } from "./path";
import { bytes } from "./text";
import { parseTranscript } from "./transcript";
import type { Chunk, ChunksMessage, Env, Turn } from "./types";

const PATH = /^\/transcripts\/([A-Za-z0-9_-]{1,64})$/;
// A vector's id is <tenant>:<transcript>:<number>, in at most 64 bytes.
const ID_BYTES = 64 - "::000000".length;
const BATCH_MESSAGES = 100; // of a few hundred bytes each, far below a batch's 256 KB

/** A part of the chunks in R2: its key, its first chunk, and one past its last. */
interface Part {
  key: string;
  from: number;
  to: number;
}

/** What the stages of an ingestion hand on, with the stage that sets it. */
export class IngestState extends RequestState {
  transcript!: string; // receive: the id in the path
  body!: ArrayBuffer; // receive
  turns: Turn[] = []; // parse_transcript
  chunks: Chunk[] = []; // chunk
  parts: Part[] = []; // store
  messages: ChunksMessage[] = []; // enqueue
}

/** Set `session`, `transcript` and `body`; 401, 404, 405, 413, 415 or 400. */
async function receive(state: IngestState, env: Env): Promise<Response | void> {
  const { request } = state;
  const session = await authenticate(request, env);
  if (!session) return unauthorized();
  if (request.method !== "POST") {
    const message = "send the transcript with POST";
    return refusal(405, "method_not_allowed", message, { allow: "POST" });
  }
  const id = PATH.exec(new URL(request.url).pathname)?.[1];
  if (!id) return refusal(404, "not_found", "the path is /transcripts/<id>");
  const [kind] = (request.headers.get("content-type") ?? "").split(";", 1);
  if (kind?.trim().toLowerCase() !== "application/json") {
    return refusal(415, "unsupported_media_type", "send application/json");
  }
  const body = await request.arrayBuffer();
  const limit = env.MAX_TRANSCRIPT_BYTES;
  if (body.byteLength > limit) {
    return refusal(413, "too_large", `a transcript may have ${limit} bytes`);
  }
  if (bytes(session.tenant) + id.length > ID_BYTES) {
    return refusal(400, "bad_request", "the transcript's id is too long");
  }
  state.session = session;
  state.transcript = id;
  state.body = body;
}

/**
 * Put the transcript and its chunks into R2, for the consumer and for reprocessing.
 *
 * The chunks go into one object for each queue message, as JSON lines, so that a
 * consumer reads what it works on and nothing else:
 *
 *     transcripts/<tenant>/<id>.json            the body as it came
 *     transcripts/<tenant>/<id>/<part>.ndjson   a chunk on each line
 *
 * Sets `parts`.
 */
async function store(state: IngestState, env: Env): Promise<void> {
  const name = `transcripts/${state.session.tenant}/${state.transcript}`;
  const puts = [env.BUCKET.put(`${name}.json`, state.body)];
  const step = env.CHUNKS_PER_MESSAGE;
  for (let from = 0; from < state.chunks.length; from += step) {
    const part = state.chunks.slice(from, from + step);
    const key = `${name}/${state.parts.length}.ndjson`;
    const lines = part.map((chunk) => JSON.stringify(chunk)).join("\n");
    puts.push(env.BUCKET.put(key, lines));
    state.parts.push({ key, from, to: from + part.length });
  }
  await bound("r2", env, Promise.all(puts));
}

/** Leave the embedding to the queue, and answer: sets `messages` and `answer`. */
async function enqueue(state: IngestState, env: Env): Promise<void> {
  state.messages = state.parts.map(({ key, from, to }) => ({
    transcriptId: state.transcript,
    tenantId: state.session.tenant,
    key,
    from,
    to,
  }));
  for (let sent = 0; sent < state.messages.length; sent += BATCH_MESSAGES) {
    const batch = state.messages.slice(sent, sent + BATCH_MESSAGES);
    const messages = batch.map((body) => ({ body, contentType: "json" as const }));
    await bound("queue", env, env.QUEUE.sendBatch(messages));
  }
  state.answer = json(202, {
    transcriptId: state.transcript,
    chunks: state.chunks.length,
    messages: state.messages.length,
  });
}

export const ingest: Path<IngestState> = {
  request: {
    receive,
    parse_transcript: parseTranscript,
    chunk,
    store,
    enqueue,
  },
  end: {},
  after: {},
};
