/**
 * OpenAI's `chat.completion.chunk` events, as they are written and as they are read.
 *
 * Every event is `data: <compact JSON>` and a blank line, with the keys of a chunk in
 * the order id, object, created, model, choices, [usage].
 */

import { type Fields, list, object, text } from "./values";

/** The mark that ends a stream. */
export const DONE = "data: [DONE]\n\n";

// Anthropic's stop_reason -> OpenAI's finish_reason
const FINISH = new Map<unknown, string>([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["pause_turn", "stop"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["tool_use", "tool_calls"],
  ["refusal", "content_filter"],
]);

/** The chunks of one answer; `id` and `model` are those of its message. */
export class OpenAiChunks {
  id = "";
  model = "";

  /** `created` is the Unix time that every chunk carries. */
  constructor(readonly created: number) {}

  /** A chunk that adds `delta` to the message. */
  delta(delta: Fields): string {
    return event(this.#chunk(delta, null));
  }

  /** The chunk that says why the message ended, and what it cost. */
  finish(reason: string, prompt_tokens: number, completion_tokens: number): string {
    const total_tokens = prompt_tokens + completion_tokens;
    const usage = { prompt_tokens, completion_tokens, total_tokens };
    return event({ ...this.#chunk({}, reason), usage });
  }

  #chunk(delta: Fields, finish_reason: string | null): Fields {
    return {
      id: this.id,
      object: "chat.completion.chunk",
      created: this.created,
      model: this.model,
      choices: [{ index: 0, delta, finish_reason }],
    };
  }
}

/** An error that clients of OpenAI can read. */
export function errorEvent(type: string, message: string): string {
  return event({ error: { message, type, param: null, code: null } });
}

/** The finish_reason for one of Anthropic's; what is new to us is a stop too. */
export function finishReason(stopReason: unknown): string {
  return FINISH.get(stopReason) ?? "stop";
}

/** The event whose data is `data`, as it came. */
export function passedOn(data: string): string {
  return `data: ${data.replaceAll("\n", "\ndata: ")}\n\n`;
}

/** What a chunk says, and its last finish_reason; undefined if it has no choices. */
export function said(chunk: Fields): {
  text: string;
  reason: string | null | undefined;
} {
  const choices = list(chunk.choices).map(object);
  const texts = choices.map(({ delta }) => text(object(delta).content ?? ""));
  const reason = choices.length
    ? ((choices.at(-1)?.finish_reason as string | null | undefined) || null)
    : undefined;
  return { text: texts.join(""), reason };
}

function event(value: Fields): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
