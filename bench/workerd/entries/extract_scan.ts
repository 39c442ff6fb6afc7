// A JSON reader that is given a text piece by piece. It keeps nothing of it but a token
// that was cut, and makes objects only of what its shape asks for.
//
// What is not asked for is checked as strictly as the rest, but for the UTF-8 of its
// texts and names. Half a surrogate pair in an escape is taken, as JSON.parse does.
import { hasAt } from "worker/skip";

import type { Member, Shape } from "./extract_shapes";
import { BAD, CUT, escapeEnd, numberEnd, numberIn, textIn } from "./extract_tokens";

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
const WORDS = [true, false, null].map((value) => ({
  value,
  bytes: new TextEncoder().encode(String(value)),
}));

// What comes next.
const VALUE = 0;
const FIRST_ITEM = 1;
const FIRST_NAME = 2;
const NAME = 3;
const NAME_END = 4; // a colon
const VALUE_END = 5; // a comma, the end of what it is in, or of all
const TEXT = 6; // the rest of one

/** An object or a list that has begun. */
interface Open {
  close: number;
  made: any; // undefined where it is walked over
  members: Member[] | undefined; // those of an object that are asked for, if not all
  items: Shape | undefined; // how each item, or each member where all are asked for
  from: number; // where in members the next name is looked for first
  name: string; // of the member whose value comes
  isLast: boolean; // that member ends it
}

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
  #all: Open[] = []; // reused, so that walking makes no garbage
  #open = begun(this.#all, 0);
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
    this.#isName = true;
    return byte === QUOTE ? this.#mark(TEXT) : this.#refuse();
  }

  #mark(next: number): boolean {
    this.#at += 1;
    this.#next = next;
    return true;
  }

  #value(byte: number): boolean {
    if (byte === QUOTE) {
      this.#isName = false;
      return this.#mark(TEXT);
    }
    if (byte === OPEN_OBJECT) return this.#begin(CLOSE_OBJECT);
    if (byte === OPEN_LIST) return this.#begin(CLOSE_LIST);
    if (byte < LETTER_A) return this.#number();
    const word = WORDS.find(({ bytes }) => bytes[0] === byte);
    return word ? this.#word(word.bytes, word.value) : this.#refuse();
  }

  #valueEnd(byte: number): boolean {
    if (this.#depth === 0) this.#refuse();
    const { close, items } = this.#open;
    if (byte === close) return this.#close();
    if (byte !== COMMA) this.#refuse();
    if (close === CLOSE_OBJECT) return this.#mark(NAME);
    this.#shape = items;
    return this.#mark(VALUE);
  }

  #begin(close: number): boolean {
    this.#depth += 1;
    if (this.#depth > DEPTH) this.#refuse();
    const open = begun(this.#all, this.#depth);
    const shape = this.#shape;
    const isObject = close === CLOSE_OBJECT;
    open.close = close;
    open.made = shape && (isObject ? {} : []);
    open.items = shape && "whole";
    open.members = undefined;
    open.from = 0;
    open.isLast = false;
    if (typeof shape === "object") {
      if ("members" in shape && isObject) open.members = shape.members;
      if ("items" in shape && !isObject) open.items = shape.items;
    }
    this.#open = open;
    this.#shape = open.items;
    return this.#mark(isObject ? FIRST_NAME : FIRST_ITEM);
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
    const { close, made, name, isLast } = this.#open;
    if (this.#depth === 0) this.value = value;
    else if (close === CLOSE_LIST) made.push(value);
    else if (name === "__proto__") own(made, name, value);
    else made[name] = value;
    if (isLast) {
      this.value = made;
      this.isDone = true;
    }
    return this.#passedOver();
  }

  #number(): boolean {
    const start = this.#at;
    const end = numberEnd(this.#source, start, this.#isEnd);
    const isTooLong = this.#source.length - start > LONGEST;
    if (end === BAD || (end === CUT && isTooLong)) this.#refuse();
    if (end === CUT) return false;
    this.#at = end;
    if (this.#shape === undefined) return this.#passedOver();
    return this.#took(numberIn(this.#source, start, end));
  }

  #word(word: Uint8Array, value: unknown): boolean {
    const end = this.#at + word.length;
    if (end > this.#source.length && !this.#isEnd) return false;
    if (!hasAt(this.#source, this.#at, word)) this.#refuse();
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
    if (this.#shape !== undefined) return this.#took(this.#decoded(start, end));
    this.#isEscaped = false;
    return this.#passedOver();
  }

  #named(start: number, end: number): boolean {
    const { made, members } = this.#open;
    this.#next = NAME_END;
    if (made === undefined) this.#isEscaped = false;
    else if (members === undefined) {
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
    const { length } = members;
    for (let i = 0; i < length; i += 1) {
      const place = (this.#open.from + i) % length;
      const member = members[place] as Member;
      if (hasAt(this.#source, start, member.quoted)) {
        this.#open.from = place + 1; // members have the same order mostly
        return member;
      }
    }
    return undefined;
  }

  #decoded(start: number, end: number): string {
    let text;
    if (this.#before === undefined) text = textIn(this.#source, start, end);
    else text = this.#before + this.#utf8.decode(this.#source.subarray(start, end));
    if (this.#isEscaped) text = JSON.parse(`"${text}"`) as string;
    this.#isEscaped = false;
    this.#before = undefined;
    return text;
  }

  #refuse(at = this.#at): never {
    throw new SyntaxError(`unexpected at ${this.#passed + at}`);
  }
}

/** What is open at `depth`, made once. */
function begun(all: Open[], depth: number): Open {
  return (all[depth] ??= {
    close: 0,
    made: undefined,
    members: undefined,
    items: undefined,
    from: 0,
    name: "",
    isLast: false,
  });
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Set a member whose name would set something else. */
function own(object: object, name: string, value: unknown): void {
  const writable = { writable: true, enumerable: true, configurable: true };
  Object.defineProperty(object, name, { value, ...writable });
}
