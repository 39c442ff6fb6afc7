/**
 * Which path a request takes.
 */

import { agent, AgentState } from "./agent";
import { chat, ChatState } from "./chat";
import { ingest, IngestState } from "./ingest";
import type { Path, State } from "./path";
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
