// What a streaming extractor is asked for: the part of a value that is to be made.

/** A value whole, or of an object these members, or of a list its items like this.
 * What has another form than its shape is made whole. */
export type Shape = "whole" | Members | Items;
export type Members = { members: Member[] };
export type Items = { items: Shape };

/** A member that is asked for; nothing is read after an `isLast` one of the whole. */
export interface Member {
  name: string;
  quoted: Uint8Array; // after its first quote, if it is written without escapes
  shape: Shape;
  isLast: boolean;
}

const UTF8 = new TextEncoder();

function member(name: string, shape: Shape = "whole", isLast = false): Member {
  return { name, quoted: UTF8.encode(`${name}"`), shape, isLast };
}

/** An object with the members `names`, whole, and `more`. */
function object(names: string[], ...more: Member[]): Shape {
  return { members: [...names.map((name) => member(name)), ...more] };
}

function list(name: string, items: Shape): Member {
  return member(name, { items });
}

function transcript(alternative: Shape, ...more: Member[]): Shape {
  const channels = list("channels", object([], list("alternatives", alternative)));
  return object([], member("results", object([], channels, ...more)));
}

const TIMED = ["start", "end", "speaker"];
const WORD = ["word", "punctuated_word", ...TIMED];
const PARAGRAPH = object(TIMED, list("sentences", object(["text"])));
const PARAGRAPHS = object([], list("paragraphs", PARAGRAPH));

/** For `spoken` of ./extract. */
export const SPOKEN = transcript(
  object(["transcript"], list("words", object([...WORD, "confidence"]))),
);

/** For `chunks`; with the words, which come before what makes them needless. */
export const CHUNKS = transcript(
  object(
    ["transcript"],
    list("words", object(WORD)),
    member("paragraphs", PARAGRAPHS),
  ),
  list("utterances", object([...TIMED, "transcript", "channel"])),
);

/** For `head`, and nothing after it. */
export const HEAD = object(
  [],
  member("metadata", object(["request_id", "created", "duration", "channels"]), true),
);

/** For `vectors`. */
export const VECTORS = object([], list("data", object(["embedding"])));

/** For `matches`. */
export const MATCHES = object([], list("matches", object(["id", "score", "values"])));
