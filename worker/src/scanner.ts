/**
 * A strict JSON reader that makes objects only of what is asked for.
 *
 * What is not asked for is walked over: checked, but not decoded.
 */

import {
  byteAt,
  bytesOf,
  hasAt,
  refuse,
  skipBlanks,
  skipMark,
  skipNull,
  skipNumber,
  skipString,
  skipValue,
} from "./skip";

/** Takes one value of the text. */
export type Reader = (scanner: Scanner) => unknown;

/** A field that is asked for. */
export interface Field {
  name: string;
  quoted: Uint8Array; // as it is written, if it is written without escapes
  reader: Reader;
}

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const WHOLE = /^-?[0-9]+$/;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The field called `name`. */
export function field(name: string, reader: Reader): Field {
  return { name, quoted: bytesOf(`"${name}"`), reader };
}

/** Reads one text from its start to its end. */
export class Scanner {
  #at = 0;

  constructor(private readonly source: Uint8Array) {}

  /** The value of the whole text. */
  whole(reader: Reader): unknown {
    const value = reader(this);
    const end = skipBlanks(this.source, this.#at);
    return end === this.source.length ? value : refuse(end);
  }

  /** An object with those of `fields` that it has; `required` must be there. */
  object(fields: Field[], required: string | undefined): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    this.#members(OPEN_OBJECT, CLOSE_OBJECT, () => {
      const asked = this.#name(fields);
      if (asked) found[asked.name] = asked.reader(this);
      else this.#at = skipValue(this.source, this.#at);
    });
    return required === undefined || required in found ? found : refuse(this.#at);
  }

  /** A list of what `reader` takes. */
  list(reader: Reader): unknown[] {
    const found: unknown[] = [];
    this.#members(OPEN_LIST, CLOSE_LIST, () => found.push(reader(this)));
    return found;
  }

  /** A text. */
  text(): string {
    const start = skipBlanks(this.source, this.#at);
    this.#at = skipString(this.source, start);
    return this.#decoded(start, this.#at);
  }

  /** A number that is finite; where `isWhole`, one without a fraction or exponent. */
  number(isWhole: boolean): number {
    const start = skipBlanks(this.source, this.#at);
    this.#at = skipNumber(this.source, start);
    const digits = String.fromCharCode(...this.source.subarray(start, this.#at));
    const value = Number(digits);
    const fits = Number.isFinite(value) && (!isWhole || WHOLE.test(digits));
    return fits ? value : refuse(start);
  }

  /** Whether the next value is null; it is taken only then. */
  isNull(): boolean {
    const start = skipBlanks(this.source, this.#at);
    this.#at = skipNull(this.source, start);
    return this.#at > start;
  }

  /** Take a name with its colon; the field if it is one of `fields`. */
  #name(fields: Field[]): Field | undefined {
    const { source } = this;
    const start = skipBlanks(source, this.#at);
    const end = skipString(source, start);
    this.#at = skipMark(source, end, COLON);
    const asked = fields.find(({ quoted }) => hasAt(source, start, quoted));
    if (asked || !source.subarray(start, end).includes(BACKSLASH)) return asked;
    const name = this.#decoded(start, end);
    return fields.find((each) => each.name === name);
  }

  #decoded(start: number, end: number): string {
    const inner = UTF8.decode(this.source.subarray(start + 1, end - 1));
    return inner.includes("\\") ? (JSON.parse(`"${inner}"`) as string) : inner;
  }

  #members(open: number, close: number, member: () => void): void {
    const { source } = this;
    this.#at = skipMark(source, this.#at, open);
    const first = skipBlanks(source, this.#at);
    if (byteAt(source, first) === close) {
      this.#at = first + 1;
      return;
    }
    for (;;) {
      member();
      const at = skipBlanks(source, this.#at);
      this.#at = at + 1;
      const byte = byteAt(source, at);
      if (byte === close) return;
      if (byte !== COMMA) refuse(at);
    }
  }
}
