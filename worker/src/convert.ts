/**
 * Anthropic's event stream as OpenAI's `chat.completion.chunk` stream.
 *
 *     message_start                 delta {"role":"assistant","content":""}
 *     text, text_delta              delta {"content":...}
 *     thinking, thinking_delta      delta {"reasoning_content":...}
 *     tool_use, input_json_delta    delta {"tool_calls":[{"index",...}]}
 *     message_delta                 finish_reason; usage beside `choices`
 *     message_stop                  data: [DONE]
 *     error                         data: {"error":{...}}, then data: [DONE]
 *
 * Dropped: signatures, citations, and the blocks of tools that ran at Anthropic, which
 * a client must not run again. Data that is not such an event is skipped, as the
 * article does, but counted. OpenAI chunks that come from upstream go through.
 */

import { DONE, errorEvent, finishReason, OpenAiChunks, passedOn, said } from "./openai";
import type { StreamStats } from "./streamstats";
import { first } from "./text";
import { type Fields, isObject, object, text, Unexpected } from "./values";

const MESSAGE_LIMIT = 500; // characters of an upstream's error that are passed on

/** Takes the data of one event after the other, gives the text to send for it. */
export class Converter {
  #chunks: OpenAiChunks;
  #tools = new Map<number, number>(); // content block -> index among the tool calls
  #silent = new Set<number>(); // tool calls whose arguments were not sent yet

  /** `created` is the Unix time that every chunk carries. */
  constructor(
    created: number,
    readonly stats: StreamStats,
  ) {
    this.#chunks = new OpenAiChunks(created);
  }

  /** Text for one event's data; nothing when it is to be dropped or is broken. */
  event(data: string): string {
    if (this.stats.done) return "";
    if (data === "[DONE]") return this.finish();
    try {
      const output = this.#convert(object(JSON.parse(data)), data);
      this.stats.events += 1;
      return output;
    } catch {
      // Broken JSON, or JSON of another shape than the event's type promises.
      this.stats.malformed += 1;
      return "";
    }
  }

  /** End the stream with an error that the client can read; once. */
  fail(type: string, message: string): string {
    if (this.stats.done) return "";
    this.stats.error = type;
    return errorEvent(type, message) + this.finish();
  }

  /** The end mark, if it was not sent yet. */
  finish(): string {
    if (this.stats.done) return "";
    this.stats.done = true;
    return DONE;
  }

  #convert(event: Fields, data: string): string {
    switch (event.type) {
      case undefined:
        return this.#openai(event, data);
      case "content_block_delta":
        return this.#delta(indexOf(event), object(event.delta));
      case "content_block_start":
        return this.#block(indexOf(event), object(event.content_block));
      case "content_block_stop":
        return this.#blockStop(indexOf(event));
      case "message_start":
        return this.#start(object(event.message));
      case "message_delta":
        return this.#messageDelta(object(event.delta), event.usage);
      case "message_stop":
        return this.#stop();
      case "error":
        return this.#error(object(event.error));
      case "ping":
        return "";
      default:
        this.stats.dropped += 1;
        return "";
    }
  }

  #delta(index: number, delta: Fields): string {
    switch (delta.type) {
      case undefined:
        throw new Unexpected("a delta without a type");
      case "text_delta":
        return this.#text(text(delta.text));
      case "input_json_delta":
        return this.#arguments(index, text(delta.partial_json));
      case "thinking_delta":
        return this.#reasoning(text(delta.thinking));
      case "signature_delta":
        this.stats.signatures += 1;
        return "";
      default:
        this.stats.dropped += 1;
        return "";
    }
  }

  #block(index: number, block: Fields): string {
    switch (block.type) {
      case undefined:
        throw new Unexpected("a block without a type");
      case "text":
        return this.#text(text(block.text));
      case "thinking":
        return this.#reasoning(text(block.thinking));
      case "tool_use":
        return this.#toolUse(index, block);
      default:
        this.stats.dropped += 1;
        return "";
    }
  }

  #toolUse(index: number, block: Fields): string {
    const call = {
      index: this.#tools.size,
      id: text(block.id),
      type: "function",
      function: { name: text(block.name), arguments: "" },
    };
    this.#tools.set(index, call.index);
    this.#silent.add(index);
    // Arguments that come whole instead of in deltas.
    const given = isEmpty(block.input) ? "" : JSON.stringify(block.input);
    return this.#chunks.delta({ tool_calls: [call] }) + this.#arguments(index, given);
  }

  #blockStop(index: number): string {
    // A call without parameters may send no delta at all; clients parse the
    // arguments as JSON, and an empty text is none.
    return this.#silent.has(index) ? this.#arguments(index, "{}") : "";
  }

  #text(content: string): string {
    if (!content) return "";
    this.stats.text += content;
    return this.#chunks.delta({ content });
  }

  #reasoning(thought: string): string {
    return thought ? this.#chunks.delta({ reasoning_content: thought }) : "";
  }

  #arguments(block: number, part: string): string {
    const index = this.#tools.get(block);
    if (index === undefined) {
      this.stats.dropped += 1; // of a tool that ran at Anthropic
      return "";
    }
    if (!part) return "";
    this.#silent.delete(block);
    const call = { index, function: { arguments: part } };
    return this.#chunks.delta({ tool_calls: [call] });
  }

  #start(message: Fields): string {
    this.#chunks.id = text(message.id);
    this.#chunks.model = text(message.model);
    this.#count(message.usage);
    return this.#chunks.delta({ role: "assistant", content: "" });
  }

  #messageDelta(delta: Fields, usage: unknown): string {
    const reason = delta.stop_reason ?? null;
    this.#count(usage);
    if (reason === null) return "";
    if (typeof reason === "object") throw new Unexpected("stop_reason");
    return this.#finishChunk(finishReason(reason));
  }

  #stop(): string {
    const closing = this.stats.finishReason === null ? this.#finishChunk("stop") : "";
    return closing + this.finish();
  }

  #finishChunk(reason: string): string {
    const { inputTokens, outputTokens } = this.stats;
    this.stats.finishReason = reason;
    return this.#chunks.finish(reason, inputTokens, outputTokens);
  }

  #error(error: Fields): string {
    const [type, message] = [text(error.type), text(error.message)];
    return this.fail(first(type, MESSAGE_LIMIT), first(message, MESSAGE_LIMIT));
  }

  /** Take token counts; Anthropic gives cached input apart, OpenAI includes it. */
  #count(usage: unknown): void {
    if (!isObject(usage)) return;
    const input =
      count(usage.input_tokens) +
      count(usage.cache_creation_input_tokens) +
      count(usage.cache_read_input_tokens);
    this.stats.inputTokens = input || this.stats.inputTokens;
    this.stats.outputTokens = count(usage.output_tokens);
  }

  /** A chunk that has OpenAI's form already: note its text and pass it on. */
  #openai(event: Fields, data: string): string {
    if (event.error !== undefined) {
      this.stats.error = "upstream_error";
      return passedOn(data) + this.finish();
    }
    const { text, reason } = said(event);
    if (reason !== undefined) this.stats.finishReason = reason;
    this.stats.text += text;
    return passedOn(data);
  }
}

/** The content block that `event` is about. */
function indexOf({ index }: Fields): number {
  if (!Number.isInteger(index)) throw new Unexpected("index");
  return index as number;
}

function count(value: unknown): number {
  return Number.isInteger(value) ? (value as number) : 0;
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return !Object.keys(value).length;
  return !value;
}
