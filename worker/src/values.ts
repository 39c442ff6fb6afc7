/**
 * JSON that others sent: decoded strictly, and looked at without trust.
 *
 * Where a value has another shape than was promised, `Unexpected` is thrown; whoever
 * asked knows whose fault that is.
 */

// RFC 8259: JSON between systems is UTF-8. Bytes that are not are no JSON.
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** A value has another shape than was promised. */
export class Unexpected extends TypeError {}

export type Fields = Record<string, unknown>;

/** The text of `bytes`, without a byte order mark; throws where they are not UTF-8. */
export function decode(bytes: ArrayBuffer): string {
  return UTF8.decode(bytes);
}

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value`, which must be a JSON object. */
export function object(value: unknown): Fields {
  if (!isObject(value)) throw new Unexpected("no object");
  return value;
}

/** `value`, which must be a list. */
export function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Unexpected("no list");
  return value;
}

/** `value`, which must be a text. */
export function text(value: unknown): string {
  if (typeof value !== "string") throw new Unexpected("no text");
  return value;
}

/** `value`, which must be a finite number. */
export function number(value: unknown): number {
  if (!Number.isFinite(value)) throw new Unexpected("no number");
  return value as number;
}
