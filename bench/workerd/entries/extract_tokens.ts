// Values of the tokens of a JSON text, from its bytes.
import { byteAt } from "worker/skip";

/** Where a token ends that goes on in the next piece, and one that is no JSON. */
export const CUT = -1;
export const BAD = -2;

const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const LETTER_E = 0x65;
const LETTER_U = 0x75;
const HEX = /^[0-9a-fA-F]{4}$/;
const ESCAPED = new TextEncoder().encode('"\\/bfnrt');
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// Shorter texts are made a character at a time: calling the decoder costs more.
const SHORT = 24;
// Powers of ten and whole numbers that a double holds exactly.
const POWERS = Array.from({ length: 23 }, (_, n) => Number(`1e${n}`));
const EXACT_DIGITS = 15;

/** A value that is written as a word. */
export interface Word {
  bytes: Uint8Array;
  value: unknown;
}

const WORDS: Word[] = [true, false, null].map((value) => ({
  bytes: new TextEncoder().encode(String(value)),
  value,
}));

/** The word that begins with `byte`, if there is one. */
export function wordOf(byte: number): Word | undefined {
  return WORDS.find(({ bytes }) => bytes[0] === byte);
}

/** The text from `start` to `end`, as it is written but for its escapes. */
export function textIn(source: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT) {
    let text = "";
    for (let i = start; i < end; i += 1) {
      const byte = source[i] as number;
      if (byte >= 0x80) return UTF8.decode(source.subarray(start, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return UTF8.decode(source.subarray(start, end));
}

/** Where the escape ends whose backslash is at `start`. */
export function escapeEnd(source: Uint8Array, start: number): number {
  const kind = byteAt(source, start + 1);
  if (kind === LETTER_U) {
    const digits = source.subarray(start + 2, start + 6);
    if (digits.length < 4) return CUT;
    return HEX.test(String.fromCharCode(...digits)) ? start + 6 : BAD;
  }
  if (kind === -1) return CUT;
  return ESCAPED.includes(kind) ? start + 2 : BAD;
}

/** Where the number ends that begins at `start`; `isLast` where the source ends with
 * the last byte of the text. */
export function numberEnd(source: Uint8Array, start: number, isLast: boolean): number {
  const whole = byteAt(source, start) === MINUS ? start + 1 : start;
  let at = digitsEnd(source, whole);
  // A leading zero stands alone.
  let isGood = at > whole && (source[whole] !== ZERO || at === whole + 1);
  if (byteAt(source, at) === POINT) {
    const fraction = at + 1;
    at = digitsEnd(source, fraction);
    isGood &&= at > fraction;
  }
  if (at < source.length && (source[at]! | 0x20) === LETTER_E) {
    const sign = byteAt(source, at + 1);
    const exponent = at + (sign === PLUS || sign === MINUS ? 2 : 1);
    at = digitsEnd(source, exponent);
    isGood &&= at > exponent;
  }
  if (at >= source.length && !isLast) return CUT;
  return isGood ? at : BAD;
}

/** The number from `start` to `end`, which must be one. */
export function numberIn(source: Uint8Array, start: number, end: number): number {
  const isNegative = source[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (end - first > EXACT_DIGITS + 1) return written(source, start, end);
  // Digits and a power of ten that are both exact give, divided, the nearest double
  // (Clinger, How to read floating point numbers accurately, 1990).
  let digits = 0;
  let decimals = 0;
  for (let at = first; at < end; at += 1) {
    const byte = source[at] as number;
    if (byte === POINT) decimals = end - at - 1;
    else if (byte < ZERO || byte > ZERO + 9) return written(source, start, end);
    else digits = digits * 10 + (byte - ZERO);
  }
  const value = digits / (POWERS[decimals] as number);
  return isNegative ? -value : value;
}

function written(source: Uint8Array, start: number, end: number): number {
  return Number(String.fromCharCode(...source.subarray(start, end)));
}

function digitsEnd(source: Uint8Array, start: number): number {
  let at = start;
  while (at < source.length && source[at]! >= ZERO && source[at]! <= ZERO + 9) at += 1;
  return at;
}
