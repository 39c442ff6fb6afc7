/**
 * JSON bytes walked over without making anything of them: position in, position out.
 *
 * Bytes rather than a string, because an array of bytes is several times faster to read
 * one by one. Strict in all but the UTF-8 of texts that nobody asked for.
 */

const DEPTH = 1000; // deeper is only what attacks

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const LETTER_E = 0x65;
const LETTER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const ESCAPED = bytesOf('"\\/bfnrt');
const TRUE = bytesOf("true");
const FALSE = bytesOf("false");
const NULL = bytesOf("null");

/** The byte at `at`; -1 after the last one. */
export function byteAt(source: Uint8Array, at: number): number {
  return at < source.length ? (source[at] as number) : -1;
}

/** The position after the value that begins at `at`, or after blanks there. */
export function skipValue(source: Uint8Array, at: number, depth = 0): number {
  const start = skipBlanks(source, at);
  switch (byteAt(source, start)) {
    case QUOTE:
      return skipString(source, start);
    case OPEN_OBJECT:
      return skipMembers(source, start + 1, CLOSE_OBJECT, depth + 1);
    case OPEN_LIST:
      return skipMembers(source, start + 1, CLOSE_LIST, depth + 1);
    case TRUE[0]:
      return skipWord(source, start, TRUE);
    case FALSE[0]:
      return skipWord(source, start, FALSE);
    case NULL[0]:
      return skipWord(source, start, NULL);
    default:
      return skipNumber(source, start);
  }
}

/** The position after the text whose quote is at `at`. */
export function skipString(source: Uint8Array, at: number): number {
  if (byteAt(source, at) !== QUOTE) refuse(at);
  let next = at + 1;
  for (;;) {
    const byte = byteAt(source, next);
    if (byte === QUOTE) return next + 1;
    if (byte === BACKSLASH) next = skipEscape(source, next);
    else if (byte >= 0x20) next += 1;
    else refuse(next); // a control character, or the end
  }
}

/** The position after the number that begins at `at`. */
export function skipNumber(source: Uint8Array, at: number): number {
  let next = byteAt(source, at) === MINUS ? at + 1 : at;
  // A leading zero stands alone.
  next = byteAt(source, next) === ZERO ? next + 1 : skipDigits(source, next);
  if (byteAt(source, next) === POINT) next = skipDigits(source, next + 1);
  if ((byteAt(source, next) | 0x20) === LETTER_E) {
    const sign = byteAt(source, next + 1);
    const isSigned = sign === PLUS || sign === MINUS;
    next = skipDigits(source, next + (isSigned ? 2 : 1));
  }
  return next;
}

/** The position after `null` at `at`, or `at` where that is not. */
export function skipNull(source: Uint8Array, at: number): number {
  return byteAt(source, at) === NULL[0] ? skipWord(source, at, NULL) : at;
}

/** The position after `mark`, which must come after blanks. */
export function skipMark(source: Uint8Array, at: number, mark: number): number {
  const start = skipBlanks(source, at);
  return byteAt(source, start) === mark ? start + 1 : refuse(start);
}

/** The position of the next byte that is no blank. */
export function skipBlanks(source: Uint8Array, at: number): number {
  let next = at;
  for (;;) {
    const byte = byteAt(source, next);
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return next;
    next += 1;
  }
}

/** Whether `source` has `word` at `at`. */
export function hasAt(source: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i += 1) {
    if (byteAt(source, at + i) !== word[i]) return false;
  }
  return true;
}

/** `text` in UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** End it: at `at` there is something else than there must be. */
export function refuse(at: number): never {
  throw new SyntaxError(`unexpected at ${at}`);
}

function skipMembers(
  source: Uint8Array,
  at: number,
  close: number,
  depth: number,
): number {
  if (depth > DEPTH) refuse(at);
  let next = skipBlanks(source, at);
  if (byteAt(source, next) === close) return next + 1;
  for (;;) {
    if (close === CLOSE_OBJECT) {
      next = skipMark(source, skipString(source, skipBlanks(source, next)), COLON);
    }
    next = skipBlanks(source, skipValue(source, next, depth));
    const byte = byteAt(source, next);
    next += 1;
    if (byte === close) return next;
    if (byte !== COMMA) refuse(next);
  }
}

/** The position after an escape; half a surrogate pair is none. */
function skipEscape(source: Uint8Array, at: number): number {
  const kind = byteAt(source, at + 1);
  if (kind !== LETTER_U) return ESCAPED.includes(kind) ? at + 2 : refuse(at);
  const unit = hexAt(source, at + 2);
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  const isHigh = unit < 0xdc00;
  const isEscape = byteAt(source, at + 6) === BACKSLASH;
  if (!isHigh || !isEscape || byteAt(source, at + 7) !== LETTER_U) refuse(at);
  const low = hexAt(source, at + 8);
  return 0xdc00 <= low && low <= 0xdfff ? at + 12 : refuse(at);
}

function hexAt(source: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i += 1) {
    const digit = parseInt(String.fromCharCode(byteAt(source, i)), 16);
    if (Number.isNaN(digit)) refuse(i);
    value = value * 16 + digit;
  }
  return value;
}

function skipDigits(source: Uint8Array, at: number): number {
  let next = at;
  for (;;) {
    const byte = byteAt(source, next);
    if (!(byte >= ZERO && byte <= NINE)) break;
    next += 1;
  }
  return next > at ? next : refuse(at);
}

function skipWord(source: Uint8Array, at: number, word: Uint8Array): number {
  return hasAt(source, at, word) ? at + word.length : refuse(at);
}
