/**
 * Anthropic's Messages API, as a stream and as one whole message.
 */

import { post, read } from "./calls";
import { UpstreamError } from "./errors";
import type { Env } from "./types";
import { type Fields, list, object, text } from "./values";

const URL = "https://api.anthropic.com/v1/messages";
export const MODEL = "claude-3-5-haiku-20241022"; // the article's; it summarises too
const MAX_TOKENS = 1024;

/** What is asked, beside the model and its limit. */
export interface Question {
  system: string;
  messages: { role: string; content: unknown }[];
  tools?: unknown[];
  tool_choice?: { type: string };
}

/** A block of a message: text, or the wish to use a tool. */
export type Block = Fields & { type: string };

/** The head of a message's stream; throws before it if the status is not 200. */
export function open(env: Env, question: Question): Promise<Response> {
  return send(env, true, question);
}

/** The blocks of a whole message. */
export async function ask(env: Env, question: Question): Promise<Block[]> {
  const response = await send(env, false, question);
  const message = await read("anthropic", response);
  try {
    return list(object(message).content).map(block);
  } catch {
    throw new UpstreamError("anthropic", "malformed");
  }
}

/** The text blocks of a message, joined. */
export function textOf(blocks: Block[]): string {
  try {
    return blocks
      .filter(({ type }) => type === "text")
      .map((each) => text(each.text))
      .join("");
  } catch {
    throw new UpstreamError("anthropic", "malformed");
  }
}

function block(value: unknown): Block {
  const fields = object(value);
  text(fields.type);
  return fields as Block;
}

function send(env: Env, stream: boolean, question: Question): Promise<Response> {
  const headers = {
    "x-api-key": env.ANTHROPIC_API_KEY,
    "anthropic-version": "2023-06-01",
  };
  const body = { model: MODEL, max_tokens: MAX_TOKENS, stream, ...question };
  return post("anthropic", URL, headers, body, env.LLM_TIMEOUT_S);
}
