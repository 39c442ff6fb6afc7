/**
 * What the Worker is given, and the values that its stages hand on.
 *
 * The variables choose between variants of a stage, so that each can be tried and
 * rolled out without another build.
 */

export interface Env extends Variants, Limits, Secrets {
  SESSIONS: KVNamespace; // session:<token>
  LIMITS: KVNamespace; // ratelimit:<tenant>
  RECORDS: KVNamespace; // record:<tenant>:<name>
  DB: D1Database; // schema.sql
  VECTORIZE_INDEX: Vectorize;
  BUCKET: R2Bucket;
  QUEUE: Queue;
}

export interface Variants {
  /** Leave the order of Vectorize, score again in the path, or have a service do so. */
  RERANK: "off" | "in_path" | "offload";
  /** Decode the whole transcript, or only the fields that are read. */
  PARSE: "full" | "fields";
  /** Convert Anthropic events to OpenAI chunks, or pass the bytes on. */
  STREAM: "convert" | "pass";
  /** Chunk texts lie in the vectors' metadata, or in R2 under the chunk's id. */
  CONTEXT: "metadata" | "r2";
  /** How a conversation is read after it was written: see memory.ts. */
  CONSISTENCY: "none" | "session" | "memory";
  /** Number text or base64 in the embedding reply. */
  EMBEDDING: "float" | "base64";
}

export interface Limits {
  TOP_K: number; // chunks that a chat request retrieves
  RATE_PER_MINUTE: number; // tokens that a tenant's bucket holds and regains
  HISTORY_MESSAGES: number; // newest messages of a conversation that are loaded
  SUMMARIZE_OVER_TOKENS: number;
  CHUNK_CHARS: number; // longest text of a chunk, without its overlap
  CHUNK_OVERLAP: number; // characters of a chunk that the next one repeats
  CHUNKS_PER_MESSAGE: number; // chunks that one queue message stands for
  MAX_TRANSCRIPT_BYTES: number;
  MAX_TOOL_CALLS: number;
  TIMEOUT_S: number;
  LLM_TIMEOUT_S: number;
}

export interface Secrets {
  ANTHROPIC_API_KEY: string;
  OPENAI_API_KEY: string;
  WEBHOOK_SECRET: string;
}

/** Who asks: the value of a session token. */
export interface Session {
  tenant: string;
  user: string;
}

/** A message of a conversation. */
export interface Message {
  id: string;
  role: string; // user, assistant or tool
  content: string;
  tokens: number;
}

/** 1,536 numbers; float32 where they came as base64. */
export type Vector = number[] | Float32Array;

/** One near chunk; `values` is empty unless they were asked for. */
export interface Match {
  id: string;
  score: number;
  metadata: Record<string, unknown>;
  values: Vector;
}

/** What one speaker said without a break; `speaker` is null if nobody knows. */
export interface Turn {
  text: string;
  speaker: number | null;
  startMs: number;
  endMs: number;
}

/** A text to embed; `speaker` is the one who begins it. */
export interface Chunk extends Turn {
  id: string;
}

/** What the queue carries: a part of a transcript's chunks in R2. */
export interface ChunksMessage {
  transcriptId: string;
  tenantId: string;
  key: string;
  from: number; // the number of the part's first chunk
  to: number; // one past its last
}
