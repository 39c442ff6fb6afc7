/**
 * Who asks: a bearer token looked up in KV, the same for every invocation.
 */

import { bound } from "./calls";
import { refusal, UpstreamError } from "./errors";
import type { RequestState } from "./path";
import type { Env, Session } from "./types";
import { number, object, text } from "./values";

// RFC 6750 characters; the limit keeps the KV key under its 512 bytes.
const BEARER = /^bearer ([A-Za-z0-9\-._~+/]{1,256}=*)$/i;

/** Set `session`; answer 401 where the token is absent, unknown or expired. */
export async function auth(state: RequestState, env: Env): Promise<Response | void> {
  const session = await authenticate(state.request, env);
  if (!session) return unauthorized();
  state.session = session;
}

/**
 * The session of the request's token, or null if it has none that is valid now.
 *
 * KV expires keys late, so the time is checked here too.
 */
export async function authenticate(
  request: Request,
  env: Env,
): Promise<Session | null> {
  const token = BEARER.exec(request.headers.get("authorization") ?? "");
  if (!token) return null;
  const stored = env.SESSIONS.get(`session:${token[1]}`);
  const value = await bound("kv", env, stored);
  if (value === null) return null;
  try {
    const session = object(JSON.parse(value));
    if (number(session.expiresAt) <= Date.now() / 1000) return null;
    return { tenant: text(session.tenantId), user: text(session.userId) };
  } catch {
    throw new UpstreamError("kv", "malformed");
  }
}

/** The answer to a request without a valid session. */
export function unauthorized(): Response {
  return refusal(401, "unauthorized", "a valid session token is required", {
    "www-authenticate": "Bearer",
  });
}
