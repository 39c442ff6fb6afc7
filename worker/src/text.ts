/**
 * Texts of users made safe, and their sizes in code points and in tokens.
 *
 * Limits count code points, as users do, and never cut one in two. Most texts have no
 * surrogates; then code points are what `length` and `slice` count.
 */

// C0 and C1 controls except tab, LF and CR; bidirectional overrides; byte order marks;
// lone surrogates, which are no text and cannot be encoded.
const UNSAFE =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\p{Surrogate}]/gu;
const SURROGATE = /[\ud800-\udfff]/;
const ENCODER = new TextEncoder();

/** `text` in NFC without unsafe characters and without blanks at its ends. */
export function sanitise(text: string): string {
  const safe = text.replace(UNSAFE, "").normalize("NFC");
  let start = 0;
  let end = safe.length;
  while (start < end && isBlank(safe.charCodeAt(start))) start += 1;
  while (end > start && isBlank(safe.charCodeAt(end - 1))) end -= 1;
  return safe.slice(start, end);
}

/** Tab, LF, CR or space; `trim` would take more. */
function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

/**
 * About how many tokens `text` has: one for four bytes of UTF-8.
 *
 * OpenAI's rule of thumb for English; bytes give the same number in every language.
 * It only decides when a conversation is summarised.
 */
export function tokens(text: string): number {
  return (bytes(text) + 3) >> 2;
}

/** Bytes of `text` in UTF-8. */
export function bytes(text: string): number {
  return ENCODER.encode(text).length;
}

/** Code points of `text`. */
export function size(text: string): number {
  if (!SURROGATE.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The first `count` code points of `text`. */
export function first(text: string, count: number): string {
  return text.length <= count ? text : text.slice(0, forward(text, 0, count));
}

/** The last `count` code points of `text`. */
export function last(text: string, count: number): string {
  if (text.length <= count) return text;
  return text.slice(forward(text, 0, Math.max(0, size(text) - count)));
}

/** The index that lies `count` code points after `start` in `text`, or its end. */
export function forward(text: string, start: number, count: number): number {
  const end = Math.min(start + count, text.length);
  if (!SURROGATE.test(text.slice(start, end))) return end;
  let index = start;
  for (let passed = 0; passed < count && index < text.length; passed += 1) {
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  }
  return index;
}
