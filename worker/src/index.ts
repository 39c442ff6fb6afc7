/**
 * The Worker's two entrances: requests, which are routed to their path, and batches of
 * the queue.
 */

import { consumer, ConsumeState } from "./consume";
import { refusal } from "./errors";
import { invoke } from "./path";
import { route } from "./route";
import type { Env } from "./types";

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
