/**
 * A provider tells that something is done: prove it, queue it, answer at once.
 *
 * `POST /webhooks` with the body's HMAC in `x-webhook-signature` (`sha256=<hex>` over
 * `<timestamp>.<body>`) and the timestamp, Unix seconds, in `x-webhook-timestamp`.
 * Answer: 202 and `{"accepted":true}`.
 */

import { bound } from "./calls";
import { json, refusal } from "./errors";
import { type Path, RequestState } from "./path";
import type { Env } from "./types";
import { decode } from "./values";

const TOLERANCE_S = 300; // how old a signature may be, or how far ahead its clock
const BODY_BYTES = 127_900; // a message has 128 KB with 100 bytes of its own
const TIMESTAMP = /^[0-9]{1,12}$/;
const SIGNATURE = /^sha256=([0-9a-f]{64})$/;
const HMAC = { name: "HMAC", hash: "SHA-256" };

const encoder = new TextEncoder();

/** What the stages of a webhook hand on, with the stage that sets it. */
export class WebhookState extends RequestState {
  body!: ArrayBuffer; // verify
}

/** Set `body`; 401 where signature or time is wrong, 413 where it is too large. */
async function verify(state: WebhookState, env: Env): Promise<Response | void> {
  const { headers } = state.request;
  const body = await state.request.arrayBuffer();
  if (body.byteLength > BODY_BYTES) {
    return refusal(413, "too_large", `a webhook may have ${BODY_BYTES} bytes`);
  }
  const timestamp = headers.get("x-webhook-timestamp") ?? "";
  if (!TIMESTAMP.test(timestamp)) {
    return unproven("the timestamp is absent or no number");
  }
  const signature = headers.get("x-webhook-signature") ?? "";
  if (!(await isSigned(env.WEBHOOK_SECRET, signature, timestamp, body))) {
    return unproven("the signature is wrong");
  }
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) {
    return unproven("the signature is too old");
  }
  state.body = body;
}

/** Queue the event as it came: what it means is the consumer's work. */
async function enqueueEvent(
  state: WebhookState,
  env: Env,
): Promise<Response | void> {
  let event: string;
  try {
    event = decode(state.body);
    JSON.parse(event); // what is no JSON, the consumer could not read
  } catch {
    return refusal(400, "bad_request", "the body is not JSON");
  }
  // As text: a message of type json would be written anew.
  await bound("queue", env, env.QUEUE.send(event, { contentType: "text" }));
}

/** Tell the provider that the event is in our hands. */
function accept(state: WebhookState): void {
  state.answer = json(202, { accepted: true });
}

/** Whether `signature` is that of `<timestamp>.<body>`; takes the same time for all. */
async function isSigned(
  secret: string,
  signature: string,
  timestamp: string,
  body: ArrayBuffer,
): Promise<boolean> {
  const hex = SIGNATURE.exec(signature)?.[1];
  if (!hex) return false;
  const head = encoder.encode(`${timestamp}.`);
  const message = new Uint8Array(head.length + body.byteLength);
  message.set(head);
  message.set(new Uint8Array(body), head.length);
  const bytes = encoder.encode(secret);
  const key = await crypto.subtle.importKey("raw", bytes, HMAC, false, ["verify"]);
  return crypto.subtle.verify("HMAC", key, Uint8Array.fromHex(hex), message);
}

function unproven(message: string): Response {
  return refusal(401, "unauthorized", message);
}

export const webhook: Path<WebhookState> = {
  request: { verify, enqueue: enqueueEvent, accept },
  end: {},
  after: {},
};
