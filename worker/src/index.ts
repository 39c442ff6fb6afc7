/**
 * The Worker's two entrances: requests, which are routed to their path, and batches of
 * the queue.
 */

import { agent, AgentState } from "./agent";
import { chat, ChatState } from "./chat";
import { consumer, ConsumeState } from "./consume";
import { refusal } from "./errors";
import { ingest, IngestState } from "./ingest";
import { invoke, type Path, type State } from "./path";
import type { Env } from "./types";
import { webhook, WebhookState } from "./webhook";

/** A path and the state that it begins with. */
interface Route<S extends State = State> {
  path: Path<S>;
  state: S;
}

/** Where `request` goes, or null; path and state belong together. */
export function route(request: Request): Route<any> | null {
  const { pathname } = new URL(request.url);
  if (pathname === "/chat") return { path: chat, state: new ChatState(request) };
  if (pathname === "/agent") return { path: agent, state: new AgentState(request) };
  if (pathname === "/webhooks") {
    return { path: webhook, state: new WebhookState(request) };
  }
  if (pathname.startsWith("/transcripts/")) {
    return { path: ingest, state: new IngestState(request) };
  }
  return null;
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const found = route(request);
    if (!found) return refusal(404, "not_found", "there is nothing at this path");
    return invoke(found.path, found.state, env, ctx);
  },

  async queue(batch, env, ctx): Promise<void> {
    // Events of webhooks come as text. Nothing is to be done about them yet, and what
    // is not given back is acknowledged.
    const bodies = batch.messages
      .map(({ body }) => body)
      .filter((body) => typeof body !== "string");
    const answer = await invoke(consumer, new ConsumeState(bodies), env, ctx);
    if (answer.status !== 200) batch.retryAll();
  },
} satisfies ExportedHandler<Env>;
