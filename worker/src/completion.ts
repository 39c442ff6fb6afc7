/**
 * The model's answer: its call is built and opened, then its words are sent on as they
 * come.
 *
 * `convert` turns Anthropic events into OpenAI chunks. `pass` sends the bytes on
 * untouched and keeps a reference to each chunk; the words are read out of them once,
 * when the client has everything (`collect`, called by saveTurn).
 *
 * From the first byte on there is no status code left to change: whatever breaks
 * becomes an error event, and the stream ends in order.
 */

import * as anthropic from "./anthropic";
import { BOOKMARK } from "./bookmark";
import { named } from "./calls";
import type { ChatState } from "./chat";
import { Converter } from "./convert";
import { explain, UpstreamError } from "./errors";
import { EventParser } from "./sse";
import { StreamStats } from "./streamstats";
import type { Env, Message } from "./types";

const LATE_CHUNKS = 8; // read after the end mark, so that the connection stays usable
const KEPT_BYTES = 4 * 2 ** 20; // of a passed stream; the largest recorded has 256 KB

const encoder = new TextEncoder();

/**
 * Set `upstream`.
 *
 * It waits for the head of the reply only: a model that refuses gets its HTTP answer
 * (429, 502, 504) here, before the first byte has gone to the user.
 */
export async function complete(state: ChatState, env: Env): Promise<void> {
  let system =
    "You are a helpful assistant. Answer based on the following context:\n\n" +
    state.context;
  if (state.summary) {
    system += `\n\nThe conversation so far, in short:\n\n${state.summary}`;
  }
  const messages = asked(state.history);
  messages.push({ role: "user", content: state.query });
  state.upstream = await anthropic.open(env, { system, messages });
}

/**
 * `history` as the API takes it: it begins with the user, and no text is empty.
 *
 * The role `tool` exists in our table only; there the user brings tool results.
 */
function asked(history: Message[]): { role: string; content: string }[] {
  const messages: { role: string; content: string }[] = [];
  for (const { role: stored, content } of history) {
    const role = stored === "assistant" ? "assistant" : "user";
    if (content && (messages.length || role === "user")) {
      messages.push({ role, content });
    }
  }
  return messages;
}

/** Set `answer`, whose body does the work of this stage while it is drained. */
export function stream(state: ChatState, env: Env): void {
  const headers: Record<string, string> = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "access-control-allow-origin": "*",
  };
  const bookmark = state.database.getBookmark();
  if (env.CONSISTENCY === "session" && bookmark) headers[BOOKMARK] = bookmark;
  state.stream = new StreamStats();
  state.passed = [];
  state.streams = true;
  const relay = env.STREAM === "pass" ? new Passing(state) : new Converting(state);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(relay);
  void pump(state.upstream.body, writable, relay);
  state.answer = new Response(readable, { headers });
}

/** A transformer that can also end its stream with an error event. */
abstract class Relay implements Transformer<Uint8Array, Uint8Array> {
  protected controller!: TransformStreamDefaultController<Uint8Array>;

  constructor(protected readonly state: ChatState) {}

  start(controller: TransformStreamDefaultController<Uint8Array>): void {
    this.controller = controller;
  }

  /** The upstream broke; `error` says how. */
  abstract fail(error: UpstreamError): void;

  /** Let the stages of the end run, and send what they add to the body. */
  protected async end(): Promise<void> {
    await this.state.finish();
    for (const part of this.state.tail) this.controller.enqueue(part);
  }
}

/** OpenAI chunks for the upstream's events, with exactly one end mark. */
class Converting extends Relay {
  #decoder = new TextDecoder();
  #parser = new EventParser();
  #converter = new Converter(Math.floor(Date.now() / 1000), this.state.stream);
  #late = 0;

  async transform(chunk: Uint8Array): Promise<void> {
    if (!this.state.stream.done) {
      this.#send(this.#parser.feed(this.#decoder.decode(chunk, { stream: true })));
    } else if (++this.#late > LATE_CHUNKS) {
      await this.end();
      this.controller.terminate();
    }
  }

  async flush(): Promise<void> {
    this.#send(this.#parser.feed(this.#decoder.decode()));
    this.#send(this.#parser.close());
    this.fail(new UpstreamError("anthropic", "short")); // unless there was an end mark
    this.state.stream.oversized = this.#parser.oversized;
    await this.end();
  }

  fail(error: UpstreamError): void {
    const [, type, message] = explain(error);
    this.#enqueue(this.#converter.fail(type, message));
  }

  #send(events: string[]): void {
    let output = "";
    for (const data of events) output += this.#converter.event(data);
    this.#enqueue(output);
  }

  #enqueue(output: string): void {
    if (output) this.controller.enqueue(encoder.encode(output));
  }
}

/** The upstream's bytes as they come; an Anthropic error event if they break off. */
class Passing extends Relay {
  #size = 0;

  transform(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size <= KEPT_BYTES) this.state.passed.push(chunk);
    this.controller.enqueue(chunk);
  }

  async flush(): Promise<void> {
    this.state.stream.done = true;
    await this.end();
  }

  fail(error: UpstreamError): void {
    const [, type, message] = explain(error);
    this.state.stream.error = type;
    const event = JSON.stringify({ type: "error", error: { type, message } });
    this.controller.enqueue(encoder.encode(`\n\nevent: error\ndata: ${event}\n\n`));
  }
}

/** Move the upstream's bytes through `relay`; what breaks there is told to it. */
async function pump(
  body: ReadableStream<Uint8Array> | null,
  writable: WritableStream<Uint8Array>,
  relay: Relay,
): Promise<void> {
  try {
    await body?.pipeTo(writable, { preventAbort: true });
  } catch (error) {
    try {
      relay.fail(named("anthropic", error));
      await writable.close();
    } catch {
      // It was not the upstream that broke: the client has left.
    }
  }
}

/** Read the words and counts of a passed stream into `state.stream`. */
export function collect(state: ChatState): void {
  const stats = new StreamStats();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  const converter = new Converter(0, stats);
  const read = (events: string[]) => {
    for (const data of events) converter.event(data);
  };
  for (const chunk of state.passed) {
    read(parser.feed(decoder.decode(chunk, { stream: true })));
  }
  read(parser.feed(decoder.decode()));
  read(parser.close());
  stats.oversized = parser.oversized;
  stats.error ??= state.stream.error;
  state.stream = stats;
}
