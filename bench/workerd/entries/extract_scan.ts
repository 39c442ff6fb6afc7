// A JSON reader that is given a text piece by piece, keeps nothing of it but a cut
// token, and makes objects only of what its shape asks for.
//
// What is not asked for is checked as strictly as the rest, but for the UTF-8 of its
// texts and names. Half a surrogate pair in an escape is taken, as JSON.parse does.
import { byteAt, hasAt, refuse } from "worker/skip";

import { numberIn, textIn } from "./extract_tokens";
import type { Member, Shape } from "./extract_shapes";

const DEPTH = 1000; // deeper is only what attacks, and so is a longer number
const LONGEST = 1000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const LETTER_E = 0x65;
const LETTER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const ESCAPED = new Set([...'"\\/bfnrt'].map((c) => c.charCodeAt(0)));
const WORDS = new Map<number, [Uint8Array, unknown]>(
  [true, false, null].map((value) => {
    const word = new TextEncoder().encode(String(value));
    return [word[0]!, [word, value]];
  }),
);

/** What comes next. */
const enum Next {
  Value,
  FirstItem,
  FirstName,
  Name,
  Colon,
  End, // of a member or an item, or of the whole
  Text, // its rest
}

/** An object or a list that has begun. */
interface Open {
  close: number;
  made: any; // undefined where it is walked over
  members: Member[] | undefined; // asked for; undefined where that is all or nothing
  items: Shape | undefined;
  from: number; // the place in members where the next one is looked for first
  name: string; // whose value comes
}
