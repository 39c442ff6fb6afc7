/**
 * How a client carries a D1 bookmark from one request to the next.
 *
 * The head of a chat answer is sent before the turn is written, so its `x-d1-bookmark`
 * covers only what was read. The bookmark of the write follows the body as a comment of
 * the event stream, which clients that do not know it skip.
 */

export const BOOKMARK = "x-d1-bookmark";

const encoder = new TextEncoder();

/** The line that ends an event stream with `bookmark`. */
export function comment(bookmark: string): Uint8Array {
  return encoder.encode(`: ${BOOKMARK} ${bookmark}\n\n`);
}
