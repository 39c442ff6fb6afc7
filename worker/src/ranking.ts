/**
 * The re-ranking service: ids in, their places in the new order out.
 *
 * It holds the vectors itself, so that the Worker needs to fetch none of them. The body
 * is binary: 1,536 numbers as text would cost more to write than the rest of the call.
 * Keeping its vectors in step with the index is not part of this path.
 */

import { named, send } from "./calls";
import { UpstreamError } from "./errors";
import type { Env, Vector } from "./types";

const URL = "http://rerank/rerank";
const BYTES = "application/octet-stream";

/** Places of `ids` in the order of the custom score, best first. */
export async function places(
  env: Env,
  vector: Vector,
  ids: string[],
  tenant: string,
): Promise<Uint32Array> {
  const body = packed({ tenant, now: Date.now() / 1000, ids }, [vector]);
  const headers = { "content-type": BYTES, accept: BYTES };
  const response = await send("rerank", URL, headers, body, env.TIMEOUT_S);
  const reply = await response.arrayBuffer().catch((error: unknown) => {
    throw named("rerank", error);
  });
  // A score of four bytes follows for each place.
  if (reply.byteLength !== 8 * ids.length) throw malformed();
  const order = new Uint32Array(reply, 0, ids.length);
  const whole = order.toSorted().every((place, index) => place === index);
  if (!whole) throw malformed();
  return order;
}

/**
 * A body of the service: a length of four bytes, that much JSON about one query, and
 * the rows of float32 that follow it, of the same dimensions each.
 */
export function packed(
  query: object,
  rows: ArrayLike<number>[],
): Uint8Array<ArrayBuffer> {
  const dims = rows[0]?.length ?? 0;
  const text = JSON.stringify({ dims, queries: [query] });
  const header = new TextEncoder().encode(text);
  const start = 4 + 4 * Math.ceil(header.length / 4);
  const body = new Uint8Array(start + 4 * dims * rows.length);
  new DataView(body.buffer).setUint32(0, header.length, true);
  body.set(header, 4);
  const floats = new Float32Array(body.buffer, start);
  rows.forEach((row, place) => floats.set(row, place * dims));
  return body;
}

function malformed(): UpstreamError {
  return new UpstreamError("rerank", "malformed");
}
