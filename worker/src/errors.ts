/**
 * What can go wrong upstream, and the one answer that a user gets for it.
 *
 * `ANSWERS` is the only place where failures become status codes. The messages name
 * the service and nothing that came from it, so no key, token or query can leak
 * through them.
 *
 * The runtime tells a connection that was refused, reset or cut off with one and the
 * same error, so here these are one failure too.
 */

export type Service =
  | "kv"
  | "d1"
  | "r2"
  | "queue"
  | "vectorize"
  | "embeddings"
  | "rerank"
  | "anthropic";

export type Failure =
  | "lost" // no connection, or it broke before the reply was whole
  | "short" // a stream ended in order, but without its end mark
  | "timeout" // the reply did not come, or did not end, in time
  | "limited" // 429, in the words of the service
  | "rejected" // any other status or message that is not a success
  | "malformed"; // the reply is not what the protocol promises

// failure -> status, type, message after the name of the service
const ANSWERS: Record<Failure, [number, string, string]> = {
  lost: [502, "upstream_reset", "broke the connection"],
  short: [502, "upstream_short", "ended its reply early"],
  timeout: [504, "upstream_timeout", "did not answer in time"],
  limited: [429, "upstream_rate_limited", "is rate limited"],
  rejected: [502, "upstream_error", "answered with an error"],
  malformed: [502, "upstream_malformed", "sent a reply of the wrong form"],
};

const RETRY_AFTER = /^[\x20-\x7e]{1,64}$/; // an HTTP date has 29 characters

/** A call to a service failed; only the service's name is for users. */
export class UpstreamError extends Error {
  constructor(
    readonly service: Service,
    readonly failure: Failure,
    readonly retryAfter = "1", // bindings do not tell the header
  ) {
    super(`${service}: ${failure}`);
  }
}

/** Status, type and message of the answer to `error`. */
export function explain(error: UpstreamError): [number, string, string] {
  const [status, kind, message] = ANSWERS[error.failure];
  return [status, kind, `${error.service} ${message}`];
}

/** The answer to `error`; a 429 takes the upstream's `retry-after` along. */
export function answer(error: UpstreamError): Response {
  const [status, kind, message] = explain(error);
  if (status !== 429) return refusal(status, kind, message);
  const seconds = RETRY_AFTER.test(error.retryAfter) ? error.retryAfter : "1";
  return refusal(status, kind, message, { "retry-after": seconds });
}

/** `{"error":{"type":...,"message":...}}` with `status`. */
export function refusal(
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return json(status, { error: { type, message } }, headers);
}

/** An answer whose body is `value` as JSON. */
export function json(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
