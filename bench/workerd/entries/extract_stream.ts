// The part of a body that is asked for, from the stream that brings it.
import { Scan } from "./extract_scan";
import type { Shape } from "./extract_shapes";

const PIECE = 16_384; // bytes that are asked for at a time

/** What `shape` asks for of the JSON in `body`, which is cancelled as soon as nothing
 * more is wanted. Throws SyntaxError where it is no JSON as far as it is read. */
export async function extracted(body: ReadableStream, shape: Shape): Promise<unknown> {
  const reader = body.getReader({ mode: "byob" });
  const scan = new Scan(shape);
  let buffer = new ArrayBuffer(PIECE); // one for all pieces
  try {
    while (!scan.isDone) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return scan.end();
      scan.write(value);
      buffer = value.buffer as ArrayBuffer;
    }
    return scan.value;
  } finally {
    await reader.cancel();
  }
}
