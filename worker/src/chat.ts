/**
 * A chat request: a question about a tenant's documents, answered as a stream.
 *
 * `POST /chat` with `authorization: Bearer <token>` and the JSON body
 *
 *     {"query": text, "tenantId"?: text, "conversationId"?: text, "turnId"?: text}
 *
 * `turnId` names the turn, so that a retry overwrites its messages instead of adding
 * them again; ids are made up where they are absent. The answer is an event stream.
 */

import { auth } from "./auth";
import { complete, stream } from "./completion";
import { loadConversation, saveTurn, summarize } from "./memory";
import { type Path, RequestState } from "./path";
import { parseRequest, validate } from "./query";
import { rateLimit } from "./ratelimit";
import { rerank } from "./rerank";
import { assemble, embed, retrieve } from "./retrieval";
import type { StreamStats } from "./streamstats";
import type { Match, Message, Vector } from "./types";

/** What the stages of a chat request hand on, with the stage that sets it. */
export class ChatState extends RequestState {
  query!: string; // parse_request; made safe by validate
  tenant!: string; // parse_request, as claimed; proved by validate
  conversation!: string; // parse_request
  turn!: string; // parse_request
  database!: D1DatabaseSession; // load_conversation; it knows its newest bookmark
  summary: string | null = null; // load_conversation
  history: Message[] = []; // load_conversation, oldest first, without this turn
  vector!: Vector; // embed
  matches: Match[] = []; // retrieve; in a new order after rerank
  context!: string; // assemble
  upstream!: Response; // complete
  stream!: StreamStats; // stream
  passed: Uint8Array[] = []; // stream: what went through untouched
  turnMessages: Message[] = []; // save_turn; empty where there was nothing to save

  /** Tenant and conversation: what memory is kept under. No id has a slash. */
  get key(): string {
    return `${this.session.tenant}/${this.conversation}`;
  }

  /**
   * Ids of this turn's two messages.
   *
   * They contain the conversation's, so that no turn can name another's message.
   */
  get messageIds(): [string, string] {
    const name = `${this.conversation}:${this.turn}`;
    return [`${name}:user`, `${name}:assistant`];
  }

  /** Close the model's stream, through the answer where that already reads it. */
  override async release(): Promise<void> {
    const body = (this.answer ?? this.upstream)?.body;
    if (body && !body.locked) await body.cancel();
  }
}

export const chat: Path<ChatState> = {
  request: {
    auth,
    parse_request: parseRequest,
    validate,
    rate_limit: rateLimit,
    load_conversation: loadConversation,
    embed,
    retrieve,
    rerank,
    assemble,
    complete,
    stream,
  },
  end: { save_turn: saveTurn },
  after: { summarize },
};
