/**
 * Cut the turns into texts of a size that embeds well, about 1,200 characters.
 *
 * Turns are packed whole while they fit; `Speaker N: ` marks who begins. Only a turn
 * that is longer than a chunk is cut, after a sentence where it has one. With an
 * overlap, a chunk begins with the last words of the one before, which may make it
 * longer by that. All sizes are code points.
 */

import type { IngestState } from "./ingest";
import { forward, last as lastOf, size as sizeOf } from "./text";
import type { Chunk, Env, Turn } from "./types";

const LABEL_CHARS = "Speaker 9999: ".length;

/** Set `chunks`; their ids are `<tenant>:<transcript>:<number from 0>`. */
export function chunk(state: IngestState, env: Env): void {
  const name = `${state.session.tenant}:${state.transcript}`;
  const fitting = pieces(state.turns, env.CHUNK_CHARS);
  state.chunks = pack(name, fitting, env.CHUNK_CHARS, env.CHUNK_OVERLAP);
}

/** `turns`, cut where one does not fit a chunk of `limit` characters. */
function* pieces(turns: Turn[], limit: number): Generator<Turn> {
  const room = limit - LABEL_CHARS;
  for (const turn of turns) {
    if (sizeOf(turn.text) <= room) {
      yield turn;
      continue;
    }
    for (let start = 0; start < turn.text.length; ) {
      const end = cut(turn.text, start, room);
      yield { ...turn, text: turn.text.slice(start, end).trim() };
      start = end;
    }
  }
}

/**
 * Where the piece from `start` ends: after a sentence late in it, or a word.
 *
 * In the text of a turn, words are one space apart.
 */
function cut(text: string, start: number, room: number): number {
  const limit = forward(text, start, room);
  if (limit === text.length) return limit;
  const middle = forward(text, start, Math.floor(room / 2));
  const space = text.lastIndexOf(" ", limit - 1);
  for (let end = space; end >= middle && end > start + 1; ) {
    if (".!?".includes(text.charAt(end - 1))) return end + 1;
    end = text.lastIndexOf(" ", end - 1);
  }
  return space > start ? space + 1 : limit;
}

/**
 * Chunks of at most `limit` + `overlap` characters, in order.
 *
 * A piece belongs to exactly one chunk; `overlap` repeats text, not times.
 */
function pack(
  name: string,
  turns: Iterable<Turn>,
  limit: number,
  overlap: number,
): Chunk[] {
  const packed: Chunk[] = [];
  let text = "";
  let size = 0; // without what is repeated
  let first: Turn | undefined;
  let last: Turn | undefined;
  const close = () => {
    if (!first || !last) return;
    const { speaker, startMs } = first;
    const id = `${name}:${packed.length}`;
    packed.push({ id, text, speaker, startMs, endMs: last.endMs });
  };
  for (const turn of turns) {
    const label = turn.speaker === null ? "" : `Speaker ${turn.speaker}: `;
    const chars = sizeOf(turn.text);
    if (text && size + 1 + label.length + chars > limit) {
      close();
      text = tail(text, overlap);
      size = 0;
      first = last = turn;
    } else if (!size) {
      first = last = turn;
    }
    const goesOn = size > 0 && turn.speaker === last?.speaker;
    const lead = goesOn ? " " : (text ? "\n" : "") + label;
    text += lead + turn.text;
    size += lead.length + chars;
    last = turn;
  }
  if (size) close();
  return packed;
}

/** The last whole words of `text`, at most `overlap` - 1 characters of them. */
function tail(text: string, overlap: number): string {
  if (overlap < 2) return "";
  const end = lastOf(text, overlap - 1);
  const space = end.indexOf(" ");
  return space < 0 ? "" : end.slice(space + 1);
}
