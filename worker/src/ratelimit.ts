/**
 * The article's token bucket in KV: get, decide, put, else 429.
 *
 * It is kept as the article has it, unsound as it is: KV has no compare-and-set, serves
 * values up to a minute old in other places, and takes one write a second for each key
 * (Cloudflare docs, KV limits). So concurrent requests pass together, and the write
 * that KV refuses is left out: a limiter must not refuse what the tenant may do.
 */

import { bound } from "./calls";
import type { ChatState } from "./chat";
import { refusal, UpstreamError } from "./errors";
import type { Env } from "./types";
import { number, object } from "./values";

const TTL_S = 120; // a bucket that is a minute old is full again; KV takes 60 s or more
const UNIT = 1000; // buckets count thousandths of a token, so all numbers are integers

/**
 * Take a token from the tenant's bucket; 429 with `retry-after` if it has none.
 *
 * The value is `{"tokens","updatedAt"}`: thousandths and Unix milliseconds.
 */
export async function rateLimit(state: ChatState, env: Env): Promise<Response | void> {
  const key = `ratelimit:${state.session.tenant}`;
  const now = Date.now();
  const stored = await bound("kv", env, env.LIMITS.get(key));
  const left = available(stored, env.RATE_PER_MINUTE, now);
  if (left < UNIT) {
    const missingMs = Math.floor(((UNIT - left) * 60) / env.RATE_PER_MINUTE);
    const seconds = Math.floor(missingMs / 1000) + 1;
    const message = "the tenant's requests of this minute are used up";
    return refusal(429, "rate_limited", message, { "retry-after": `${seconds}` });
  }
  const bucket = JSON.stringify({ tokens: left - UNIT, updatedAt: now });
  const written = env.LIMITS.put(key, bucket, { expirationTtl: TTL_S });
  try {
    await bound("kv", env, written);
  } catch (error) {
    if (!(error instanceof UpstreamError && error.failure === "limited")) throw error;
    state.failures.push("rate_limit");
  }
}

/** Thousandths of a token in the bucket now: as stored, and what it regained. */
function available(stored: string | null, perMinute: number, now: number): number {
  const capacity = perMinute * UNIT;
  if (stored === null) return capacity;
  try {
    const bucket = object(JSON.parse(stored));
    const elapsed = Math.max(0, now - Math.trunc(number(bucket.updatedAt)));
    const regained = Math.floor((elapsed * perMinute) / 60);
    return Math.min(capacity, Math.trunc(number(bucket.tokens)) + regained);
  } catch {
    throw new UpstreamError("kv", "malformed");
  }
}
