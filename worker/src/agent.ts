/**
 * An agent request: the model asks for tools, the path runs them, until it answers.
 *
 * `POST /agent` with `authorization: Bearer <token>` and `{"query": text}`. Answer: 200
 * and `{"text","calls":[{"kind","name","ms","ok"}]}`, the wall clock of each call in
 * whole milliseconds. Replies of the model are read whole, not as a stream: nobody sees
 * the text of a step that ends in a tool call.
 */

import * as anthropic from "./anthropic";
import { auth } from "./auth";
import { explain, json, UpstreamError } from "./errors";
import { type Path, RequestState } from "./path";
import { parseAgentRequest } from "./query";
import { callTool, TOOLS, UselessCall } from "./tools";
import type { Env } from "./types";

/** One call that the agent waited for. */
interface Call {
  kind: "llm" | "tool";
  name: string;
  ms: number;
  ok: boolean;
}

/** What the model is told about a tool call. */
interface ToolResult {
  type: "tool_result";
  tool_use_id: string;
  content: string;
  is_error?: true;
}

/** What the stages of an agent request hand on, with the stage that sets it. */
export class AgentState extends RequestState {
  query!: string; // parse_request
  calls: Call[] = []; // act
  text!: string; // act
}

/**
 * Set `text` and `calls`: ask the model, run the tools that it wants, tell it the
 * results.
 *
 * After MAX_TOOL_CALLS the model has to answer with what it knows. A tool that fails
 * does not end the loop: the model is told. A model that fails ends the request.
 */
async function act(state: AgentState, env: Env): Promise<void> {
  let left = env.MAX_TOOL_CALLS;
  const messages: anthropic.Question["messages"] = [
    { role: "user", content: state.query },
  ];
  for (;;) {
    const question = {
      system: "Use the tools where the question needs them, then answer.",
      tools: TOOLS,
      tool_choice: { type: left > 0 ? "auto" : "none" },
      messages,
    };
    const ask = () => anthropic.ask(env, question);
    const reply = await timed(state, "llm", anthropic.MODEL, ask);
    const wanted = reply.filter(({ type }) => type === "tool_use");
    if (left <= 0 || !wanted.length) {
      state.text = anthropic.textOf(reply);
      return;
    }
    const results: ToolResult[] = [];
    for (const block of wanted) {
      results.push(await toolResult(state, env, block, left > 0));
      left -= 1;
    }
    messages.push({ role: "assistant", content: reply });
    messages.push({ role: "user", content: results });
  }
}

/** Answer with the text, and with where the time went. */
function answerAgent(state: AgentState): void {
  state.answer = json(200, { text: state.text, calls: state.calls });
}

/** The result block for one tool call of the model, an error block if it failed. */
async function toolResult(
  state: AgentState,
  env: Env,
  block: anthropic.Block,
  allowed: boolean,
): Promise<ToolResult> {
  const { name, id, input } = block;
  if (typeof name !== "string" || typeof id !== "string") {
    throw new UpstreamError("anthropic", "malformed");
  }
  const result = (content: string): ToolResult => ({
    type: "tool_result",
    tool_use_id: id,
    content,
  });
  if (!allowed) return { ...result("no tool call is left"), is_error: true };
  const work = () => callTool(name, input, state.session, env);
  try {
    return result(await timed(state, "tool", name, work));
  } catch (error) {
    return { ...result(told(error)), is_error: true };
  }
}

/** What the model is told of a tool that failed; anything else is our own mistake. */
function told(error: unknown): string {
  if (error instanceof UpstreamError) return explain(error)[2];
  if (error instanceof UselessCall) return error.message;
  throw error;
}

/** What `work` gives; its wall clock is kept, whether it succeeds or not. */
async function timed<T>(
  state: AgentState,
  kind: Call["kind"],
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const start = Date.now();
  let ok = false;
  try {
    const outcome = await work();
    ok = true;
    return outcome;
  } finally {
    state.calls.push({ kind, name, ms: Date.now() - start, ok });
  }
}

export const agent: Path<AgentState> = {
  request: { auth, parse_request: parseAgentRequest, act, answer: answerAgent },
  end: {},
  after: {},
};
