/**
 * What a user asks: the fields of the body that are needed, and no more of the query.
 */

import type { AgentState } from "./agent";
import type { ChatState } from "./chat";
import { refusal } from "./errors";
import { first, sanitise } from "./text";
import { decode, type Fields, isObject, object } from "./values";

const QUERY_CHARS = 2000; // code points; the article's hard cap
const BODY_BYTES = 2 ** 20; // a question is small: what is larger is history sent along
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Set `query`, `tenant`, `conversation` and `turn`; 400 for a bad body. */
export async function parseRequest(state: ChatState): Promise<Response | void> {
  const body = await state.request.arrayBuffer();
  if (body.byteLength > BODY_BYTES) return tooLarge();
  let fields: Fields;
  try {
    const value: unknown = JSON.parse(decode(body));
    if (!isObject(value)) return bad("the body is not a JSON object");
    fields = value;
  } catch {
    return bad("the body is not JSON");
  }
  const { query, tenantId = state.session.tenant, conversationId, turnId } = fields;
  if (typeof query !== "string") return bad("query: a text is required");
  if (typeof tenantId !== "string") return bad("tenantId: not a text");
  const rule = "1 to 64 letters, digits, _ and - are allowed";
  if (!isId(conversationId)) return bad(`conversationId: ${rule}`);
  if (!isId(turnId)) return bad(`turnId: ${rule}`);
  state.query = first(query, QUERY_CHARS);
  state.tenant = tenantId;
  state.conversation = conversationId ?? newId();
  state.turn = turnId ?? newId();
}

/** Make `query` safe; 403 where the tenant is not the session's, 400 if empty. */
export function validate(state: ChatState): Response | void {
  if (state.tenant !== state.session.tenant) {
    return refusal(403, "forbidden", "the session belongs to another tenant");
  }
  state.query = sanitise(state.query);
  if (!state.query) return bad("query: empty");
}

/** Set `query`, safe and cut like that of a chat; 400 or 413 for a bad body. */
export async function parseAgentRequest(state: AgentState): Promise<Response | void> {
  const body = await state.request.arrayBuffer();
  if (body.byteLength > BODY_BYTES) return tooLarge();
  let query: unknown;
  try {
    query = object(JSON.parse(decode(body))).query;
  } catch {
    query = undefined;
  }
  if (query === undefined) return bad("the body is not JSON with a query");
  if (typeof query !== "string") return bad("query: a text is required");
  state.query = sanitise(first(query, QUERY_CHARS));
  if (!state.query) return bad("query: empty");
}

function isId(value: unknown): value is string | null | undefined {
  return value == null || (typeof value === "string" && ID.test(value));
}

function newId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

function bad(message: string): Response {
  return refusal(400, "bad_request", message);
}

function tooLarge(): Response {
  return refusal(413, "too_large", `the body is over ${BODY_BYTES} bytes`);
}
