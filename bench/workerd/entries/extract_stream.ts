// The part of a body that is asked for, from the stream that brings it.
import { Scan } from "./extract_scan";
import type { Shape } from "./extract_shapes";

const PIECE = 16_384; // bytes, as large as a read of a socket is often

/** What `shape` asks for of the JSON in `body`, which is cancelled as soon as nothing
 * more is wanted. Throws SyntaxError where it is no JSON as far as it is read, and
 * TypeError where a text that is asked for is no UTF-8. */
export async function extracted(
  body: ReadableStream<Uint8Array>,
  shape: Shape,
): Promise<unknown> {
  const reader = body.getReader();
  const scan = new Scan(shape);
  try {
    while (!scan.isDone) {
      const { done, value } = await reader.read();
      if (done) return scan.end();
      scan.write(value);
    }
    return scan.value;
  } finally {
    await reader.cancel();
  }
}

/** `body` as a stream that brings it piece by piece. */
export function pieces(body: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < body.length) controller.enqueue(body.subarray(at, at + PIECE));
      else controller.close();
      at += PIECE;
    },
  });
}
