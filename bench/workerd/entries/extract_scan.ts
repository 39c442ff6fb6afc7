// A JSON reader that is given a text piece by piece. It keeps nothing of it but a token
// that was cut, and makes objects only of what its shape asks for.
//
// What is not asked for is checked as strictly as the rest, but for the UTF-8 of its
// texts and names. Half a surrogate pair in an escape is taken, as JSON.parse does.
import { hasAt } from "worker/skip";

import { begun, memberAt, type Open, put } from "./extract_open";
import type { Member, Shape } from "./extract_shapes";
import {
  BAD,
  CUT,
  escapeEnd,
  numberEnd,
  numberIn,
  textIn,
  type Word,
  wordOf,
} from "./extract_tokens";

const DEPTH = 1000; // deeper is only what attacks, and so is a longer number
const LONGEST = 1000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const LETTER_A = 0x61;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BACKSLASH = 0x5c;
const EMPTY = new Uint8Array();

// What comes next.
const VALUE = 0;
const FIRST_ITEM = 1;
const FIRST_NAME = 2;
const NAME = 3;
const NAME_END = 4; // a colon
const VALUE_END = 5; // a comma, the end of what it is in, or of all
const TEXT = 6; // the rest of one

/** Takes pieces; its `value` is there when `isDone`. */
export class Scan {
  isDone = false;
  value: unknown;

  #source: Uint8Array = EMPTY;
  #rest: Uint8Array = EMPTY; // of it, that comes again before the next piece
  #at = 0;
  #passed = 0; // bytes before the source
  #isEnd = false; // of the text, with the end of the source
  #next = VALUE;
  #shape: Shape | undefined; // of the value that comes; undefined: walked over
  #all: Open[] = [];
  #open = begun(this.#all, 0, true, undefined); // not a list, but the whole
  #depth = 0;
  #isName = false; // the text that comes
  #isEscaped = false;
  #before: string | undefined; // what earlier pieces had of the text
  #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  /** Read `piece`, which comes after those before. Throws where it is no JSON. */
  write(piece: Uint8Array): void {
    this.#source = this.#rest.length ? joined(this.#rest, piece) : piece;
    this.#at = 0;
    while (!this.isDone && this.#at < this.#source.length && this.#step());
    // A copy, because the piece is its owner's again.
    this.#rest = this.#source.slice(this.#at);
    this.#passed += this.#at;
  }

  /** The value, after the last piece. Throws where it is not whole. */
  end(): unknown {
    this.#isEnd = true;
    this.write(EMPTY);
    const isWhole = this.#next === VALUE_END && this.#depth === 0;
    return isWhole || this.isDone ? this.value : this.#refuse(0);
  }

  /** Take a token; false where it goes on in the next piece. */
  #step(): boolean {
    if (this.#next === TEXT) return this.#text();
    const byte = this.#source[this.#at] as number;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      this.#at += 1;
      return true;
    }
    const next = this.#next;
    if (next === VALUE_END) return this.#valueEnd(byte);
    if (next === NAME_END) return byte === COLON ? this.#mark(VALUE) : this.#refuse();
    if (next === FIRST_NAME && byte === CLOSE_OBJECT) return this.#close();
    if (next === FIRST_ITEM && byte === CLOSE_LIST) return this.#close();
    if (next !== NAME && next !== FIRST_NAME) return this.#value(byte);
    return byte === QUOTE ? this.#quote(true) : this.#refuse();
  }

  #mark(next: number): boolean {
    this.#at += 1;
    this.#next = next;
    return true;
  }

  #quote(isName: boolean): boolean {
    this.#isName = isName;
    this.#isEscaped = false;
    this.#before = undefined;
    return this.#mark(TEXT);
  }

  #value(byte: number): boolean {
    if (byte === QUOTE) return this.#quote(false);
    if (byte === OPEN_OBJECT) return this.#begin(false);
    if (byte === OPEN_LIST) return this.#begin(true);
    if (byte < LETTER_A) return this.#number();
    const word = wordOf(byte);
    return word ? this.#word(word) : this.#refuse();
  }

  #valueEnd(byte: number): boolean {
    if (this.#depth === 0) this.#refuse();
    const { isList, items } = this.#open;
    if (byte === (isList ? CLOSE_LIST : CLOSE_OBJECT)) return this.#close();
    if (byte !== COMMA) this.#refuse();
    if (!isList) return this.#mark(NAME);
    this.#shape = items;
    return this.#mark(VALUE);
  }

  #begin(isList: boolean): boolean {
    this.#depth += 1;
    if (this.#depth > DEPTH) this.#refuse();
    this.#open = begun(this.#all, this.#depth, isList, this.#shape);
    this.#shape = this.#open.items;
    return this.#mark(isList ? FIRST_ITEM : FIRST_NAME);
  }

  #close(): boolean {
    const { made } = this.#open;
    this.#depth -= 1;
    this.#open = this.#all[this.#depth] as Open;
    this.#at += 1;
    return made === undefined ? this.#passedOver() : this.#took(made);
  }

  #passedOver(): boolean {
    this.#next = VALUE_END;
    return true;
  }

  /** A value that was asked for has ended: put it where it belongs. */
  #took(value: unknown): boolean {
    if (this.#depth === 0) this.value = value;
    else put(this.#open, value);
    if (this.#open.isLast) {
      this.value = this.#open.made;
      this.isDone = true;
    }
    return this.#passedOver();
  }

  #number(): boolean {
    const start = this.#at;
    const end = numberEnd(this.#source, start, this.#isEnd);
    const length = (end === CUT ? this.#source.length : end) - start;
    if (end === BAD || length > LONGEST) this.#refuse();
    if (end === CUT) return false;
    this.#at = end;
    if (this.#shape === undefined) return this.#passedOver();
    return this.#took(numberIn(this.#source, start, end));
  }

  #word({ bytes, value }: Word): boolean {
    const end = this.#at + bytes.length;
    if (end > this.#source.length && !this.#isEnd) return false;
    if (!hasAt(this.#source, this.#at, bytes)) this.#refuse();
    this.#at = end;
    return this.#shape === undefined ? this.#passedOver() : this.#took(value);
  }

  #text(): boolean {
    const source = this.#source;
    const start = this.#at;
    for (let at = start; at < source.length; ) {
      const byte = source[at] as number;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return this.#isName ? this.#named(start, at) : this.#said(start, at);
      }
      if (byte < 0x20) this.#refuse(at);
      if (byte !== BACKSLASH) at += 1;
      else {
        const end = escapeEnd(source, at);
        if (end === BAD) this.#refuse(at);
        if (end === CUT) return this.#cut(start, at);
        at = end;
        this.#isEscaped = true;
      }
    }
    return this.#cut(start, source.length);
  }

  /** The rest of a text comes with the next piece. */
  #cut(start: number, at: number): boolean {
    this.#at = at;
    const isAsked = this.#isName ? this.#open.made : this.#shape;
    if (isAsked !== undefined) {
      const part = this.#source.subarray(start, at);
      this.#before = (this.#before ?? "") + this.#utf8.decode(part, { stream: true });
    }
    return false;
  }

  #said(start: number, end: number): boolean {
    if (this.#shape === undefined) return this.#passedOver();
    return this.#took(this.#decoded(start, end));
  }

  #named(start: number, end: number): boolean {
    const { made, members } = this.#open;
    this.#next = NAME_END;
    if (made === undefined) return true;
    if (members === undefined) {
      this.#open.name = this.#decoded(start, end);
      this.#shape = "whole";
    } else {
      const asked = this.#member(members, start, end);
      this.#open.name = asked?.name ?? "";
      this.#open.isLast = asked?.isLast ?? false;
      this.#shape = asked?.shape;
    }
    return true;
  }

  #member(members: Member[], start: number, end: number): Member | undefined {
    if (this.#isEscaped || this.#before !== undefined) {
      const name = this.#decoded(start, end);
      return members.find((each) => each.name === name);
    }
    return memberAt(this.#open, members, this.#source, start);
  }

  #decoded(start: number, end: number): string {
    let text;
    if (this.#before === undefined) text = textIn(this.#source, start, end);
    else text = this.#before + this.#utf8.decode(this.#source.subarray(start, end));
    return this.#isEscaped ? (JSON.parse(`"${text}"`) as string) : text;
  }

  #refuse(at = this.#at): never {
    throw new SyntaxError(`unexpected at ${this.#passed + at}`);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
