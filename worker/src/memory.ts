/**
 * The conversation in D1: read before the answer, written after its last byte, and
 * summarised when it has become long.
 *
 * What a user just wrote may be missing from a replica (Cloudflare docs, D1 read
 * replication). `CONSISTENCY` says what is done about it:
 *
 *     none      read any replica (`first-unconstrained`): the hazard
 *     session   the client carries the bookmark of its last write (`x-d1-bookmark`)
 *     memory    read any replica and add what this isolate wrote itself
 */

import * as anthropic from "./anthropic";
import { BOOKMARK, comment } from "./bookmark";
import { bound } from "./calls";
import type { ChatState } from "./chat";
import { collect } from "./completion";
import { refusal, UpstreamError } from "./errors";
import { Recent } from "./recent";
import { tokens } from "./text";
import type { Env, Message } from "./types";
import { number, object, text } from "./values";

const ANY_REPLICA = "first-unconstrained";
const KEPT_MESSAGES = 4; // the newest stay: the next question refers to them

const CONVERSATION = "SELECT tenant_id, summary FROM conversations WHERE id = ?1";
// Within a second the order is that of writing. A retried turn must not see itself.
const MESSAGES = `SELECT id, role, content, token_count FROM messages
WHERE conversation_id = ?1 AND id NOT IN (?2, ?3)
ORDER BY created_at DESC, rowid DESC LIMIT ?4`;

// Every statement checks the tenant, because a replica that lags may have hidden whose
// conversation it is, and each can be repeated, so that a retry leaves one turn.
const SAVE_CONVERSATION = `INSERT INTO conversations
(id, tenant_id, created_at, updated_at)
VALUES (?1, ?2, ?3, ?3)
ON CONFLICT(id) DO UPDATE SET updated_at = excluded.updated_at
WHERE tenant_id = excluded.tenant_id`;
const SAVE_MESSAGE = `INSERT INTO messages
(id, conversation_id, role, content, created_at, token_count)
SELECT ?1, id, ?4, ?5, ?6, ?7 FROM conversations WHERE id = ?2 AND tenant_id = ?3
ON CONFLICT(id) DO UPDATE SET content = excluded.content,
token_count = excluded.token_count`;
const COUNT = `UPDATE conversations SET token_count =
(SELECT COALESCE(SUM(token_count), 0) FROM messages WHERE conversation_id = ?1)
WHERE id = ?1 AND tenant_id = ?2`;

const SUMMARY = `UPDATE conversations SET summary = ?2
WHERE id = ?1 AND tenant_id = ?3`;
// One parameter for all ids: a D1 statement takes at most 100.
const DELETE = `DELETE FROM messages WHERE conversation_id = ?1
AND id IN (SELECT value FROM json_each(?2))`;

const recent = new Recent();

/** Set `summary`, `history` and `database`; 403 for a foreign conversation. */
export async function loadConversation(
  state: ChatState,
  env: Env,
): Promise<Response | void> {
  const carried = state.request.headers.get(BOOKMARK);
  const start = env.CONSISTENCY === "session" ? carried : null;
  const database = env.DB.withSession(start ?? ANY_REPLICA);
  const ids = state.messageIds;
  const limit = env.HISTORY_MESSAGES;
  const [conversations, messages] = await batch(env, database, [
    database.prepare(CONVERSATION).bind(state.conversation),
    database.prepare(MESSAGES).bind(state.conversation, ...ids, limit),
  ]);
  let history: Message[];
  try {
    const row = conversations?.[0];
    if (row && row.tenant_id !== state.session.tenant) {
      const message = "the conversation belongs to another tenant";
      return refusal(403, "forbidden", message);
    }
    state.summary = row?.summary == null ? null : text(row.summary);
    history = (messages ?? []).map(toMessage).reverse();
  } catch {
    throw new UpstreamError("d1", "malformed");
  }
  if (env.CONSISTENCY === "memory") {
    const merged = recent.merge(state.key, history);
    history = merged.filter(({ id }) => !ids.includes(id)).slice(-limit);
  }
  state.history = history;
  state.database = database;
}

/**
 * Write the turn, question and answer, and send the write's bookmark after the body.
 *
 * One batch, so both are there or neither. A turn whose answer broke off or has no
 * text is not written: the user asks again.
 */
export async function saveTurn(state: ChatState, env: Env): Promise<void> {
  if (env.STREAM === "pass") collect(state);
  const { text: said, error, outputTokens } = state.stream;
  if (error !== null || !said) return;
  const [user, assistant] = state.messageIds;
  const { query, conversation } = state;
  const tenant = state.session.tenant;
  const now = Math.floor(Date.now() / 1000);
  const turn: Message[] = [
    { id: user, role: "user", content: query, tokens: tokens(query) },
    {
      id: assistant,
      role: "assistant",
      content: said,
      tokens: outputTokens || tokens(said),
    },
  ];
  const inSession = env.CONSISTENCY === "session";
  const database = inSession ? state.database : env.DB;
  await batch(env, database, [
    database.prepare(SAVE_CONVERSATION).bind(conversation, tenant, now),
    ...turn.map(({ id, role, content, tokens }) =>
      database
        .prepare(SAVE_MESSAGE)
        .bind(id, conversation, tenant, role, content, now, tokens),
    ),
    database.prepare(COUNT).bind(conversation, tenant),
  ]);
  state.turnMessages = turn;
  const written = inSession ? state.database.getBookmark() : null;
  if (written) state.tail.push(comment(written));
  if (env.CONSISTENCY === "memory") {
    recent.remember(state.key, turn, env.HISTORY_MESSAGES);
  }
}

/**
 * Summarise all but the newest messages if they have too many tokens together.
 *
 * It deletes by id: a message that was written meanwhile stays.
 */
export async function summarize(state: ChatState, env: Env): Promise<void> {
  const messages = [...state.history, ...state.turnMessages];
  const total = messages.reduce((sum, message) => sum + message.tokens, 0);
  if (total <= env.SUMMARIZE_OVER_TOKENS) return;
  const old = messages.slice(0, -KEPT_MESSAGES);
  if (!old.length) return;
  const lines = old.map(({ role, content }) => `${role}: ${content}`);
  if (state.summary) lines.unshift(`summary of what came before: ${state.summary}`);
  const reply = await anthropic.ask(env, {
    system:
      "Summarise this conversation in at most 200 words. Keep names, " +
      "numbers, decisions and open questions.",
    messages: [{ role: "user", content: lines.join("\n\n") }],
  });
  const summary = anthropic.textOf(reply);
  const ids = old.map(({ id }) => id);
  const { conversation } = state;
  const tenant = state.session.tenant;
  await batch(env, env.DB, [
    env.DB.prepare(SUMMARY).bind(conversation, summary, tenant),
    env.DB.prepare(DELETE).bind(conversation, JSON.stringify(ids)),
    env.DB.prepare(COUNT).bind(conversation, tenant),
  ]);
  recent.forget(state.key, ids);
}

/** The rows of each statement, all run in one transaction. */
async function batch(
  env: Env,
  database: D1Database | D1DatabaseSession,
  statements: D1PreparedStatement[],
): Promise<Record<string, unknown>[][]> {
  const results = await bound(
    "d1",
    env,
    database.batch<Record<string, unknown>>(statements),
  );
  // The binding itself looks at the first statement only.
  if (!results.every(({ success }) => success)) {
    throw new UpstreamError("d1", "rejected");
  }
  return results.map(({ results: rows }) => rows);
}

function toMessage(value: unknown): Message {
  const row = object(value);
  return {
    id: text(row.id),
    role: text(row.role),
    content: text(row.content),
    tokens: number(row.token_count ?? 0),
  };
}
