/**
 * How the path calls its services: in limited time, with failures that have a name.
 *
 * Bindings throw plain errors with nothing but a message to tell them apart. The
 * messages are those of workerd 2026-11-17, each provoked by a service that fails.
 */

import { type Failure, type Service, UpstreamError } from "./errors";
import type { Env } from "./types";

const LOST = /Network connection lost\.$/;
// KV gives the status, R2 and Queues their code at the end, Vectorize in the middle.
const LIMITED = /^KV \w+ failed: 429 | \(10058\)$| \(10250\)$|\(code = 40041\)/;
// "internal error" stands for a reply that the binding itself could not read.
const MALFORMED = /^(D1_ERROR: )?Failed to parse body as JSON|^internal error/;

/** What the `work` of a binding gives, within the time limit. */
export async function bound<T>(
  service: Service,
  env: Env,
  work: Promise<T>,
): Promise<T> {
  let timer: number | null = null;
  const late = new Promise<never>((_, reject) => {
    const expire = () => reject(new UpstreamError(service, "timeout"));
    timer = setTimeout(expire, env.TIMEOUT_S * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    throw named(service, error);
  } finally {
    clearTimeout(timer);
  }
}

/** POST `body` as JSON; the head of a reply whose status is 200. */
export function post(
  service: Service,
  url: string,
  headers: Record<string, string>,
  body: unknown,
  seconds: number,
): Promise<Response> {
  const typed = { ...headers, "content-type": "application/json" };
  return send(service, url, typed, JSON.stringify(body), seconds);
}

/** POST `body` as it is; the head of a reply whose status is 200. */
export async function send(
  service: Service,
  url: string,
  headers: Record<string, string>,
  body: string | Uint8Array<ArrayBuffer>,
  seconds: number,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual", // the key goes to this host and to no other
      signal: AbortSignal.timeout(seconds * 1000),
    });
  } catch (error) {
    throw named(service, error);
  }
  if (response.status === 200) return response;
  await response.body?.cancel();
  if (response.status !== 429) throw new UpstreamError(service, "rejected");
  const retryAfter = response.headers.get("retry-after") ?? "";
  throw new UpstreamError(service, "limited", retryAfter);
}

/** The JSON body of a reply. */
export async function read(service: Service, response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw named(service, error);
  }
}

/** `error` as a failure of `service`. */
export function named(service: Service, error: unknown): UpstreamError {
  return error instanceof UpstreamError
    ? error
    : new UpstreamError(service, failure(error));
}

function failure(error: unknown): Failure {
  // What a binding throws while it reads a reply of another shape.
  if (error instanceof SyntaxError || error instanceof TypeError) return "malformed";
  const { name, message } = error as Error;
  if (name === "TimeoutError") return "timeout";
  if (LOST.test(message)) return "lost";
  if (LIMITED.test(message)) return "limited";
  return MALFORMED.test(message) ? "malformed" : "rejected";
}
