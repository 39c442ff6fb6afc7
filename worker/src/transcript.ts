/**
 * Turns of speech out of a Deepgram response, from the best source that it has.
 *
 * Paragraphs where the request asked for them, else utterances, else runs of words of
 * one speaker, else the bare text. Times become whole milliseconds.
 */

import { refusal } from "./errors";
import { hasSentences, scan } from "./fields";
import type { IngestState } from "./ingest";
import { sanitise } from "./text";
import type { Env, Turn } from "./types";
import { decode, type Fields, list, number, object, text, Unexpected } from "./values";

const SPEAKERS = 10_000; // more than any call has; keeps "Speaker N: " short
// What is not one space between two words, in a text that has been made safe.
const UNEVEN = /\s\s|[^\S ]/;

/**
 * Set `turns`; 400 where the body is not JSON or not a transcript.
 *
 * `full` decodes everything, as the article did, most of which are the numbers of the
 * single words. `fields` walks over those without making objects of them, and decodes
 * them only where nothing else holds the text. Both give the same turns.
 */
export function parseTranscript(state: IngestState, env: Env): Response | void {
  let transcript: unknown;
  try {
    transcript =
      env.PARSE === "fields"
        ? scanFields(new Uint8Array(state.body))
        : JSON.parse(decode(state.body));
  } catch {
    return refusal(400, "bad_request", "the body is not a JSON transcript");
  }
  try {
    state.turns = turns(transcript);
  } catch {
    return refusal(400, "bad_request", "the body is not a transcript");
  }
}

function scanFields(body: Uint8Array): unknown {
  const transcript = scan(body, false);
  return hasSentences(transcript) ? transcript : scan(body, true);
}

/**
 * Turns in the order of the response; channels one after the other.
 *
 * Where there are several channels and speakers are not told apart, the channel is the
 * speaker. Throws where `transcript` is not a Deepgram response.
 */
export function turns(transcript: unknown): Turn[] {
  const results = object(object(transcript).results);
  const channels = list(results.channels);
  const found = channels.flatMap((channel, number) => {
    const best = object(list(object(channel).alternatives)[0]);
    const fallback = channels.length > 1 ? number : null;
    return channelTurns(best, results, number, fallback);
  });
  return found.filter((turn) => turn.text);
}

function channelTurns(
  best: Fields,
  results: Fields,
  channel: number,
  fallback: number | null,
): Turn[] {
  const { paragraphs: container } = best;
  const paragraphs = container == null ? [] : optional(object(container).paragraphs);
  if (paragraphs.length) {
    return paragraphs.map((each) => paragraphTurn(object(each), fallback));
  }
  const utterances = optional(results.utterances);
  if (utterances.length) {
    return utterances
      .map(object)
      .filter(({ channel: number = 0 }) => number === channel)
      .map((each) => turn(text(each.transcript), each, each, fallback));
  }
  const words = optional(best.words);
  if (words.length) return runs(words.map(object), fallback);
  return [
    { text: clean(text(best.transcript)), speaker: fallback, startMs: 0, endMs: 0 },
  ];
}

function paragraphTurn(paragraph: Fields, fallback: number | null): Turn {
  const sentences = list(paragraph.sentences).map((each) => text(object(each).text));
  return turn(sentences.join(" "), paragraph, paragraph, fallback);
}

/** A turn for each run of words of one speaker. */
function runs(words: Fields[], fallback: number | null): Turn[] {
  const found: Turn[] = [];
  for (let start = 0, end = 0; start < words.length; start = end) {
    const first = words[start] as Fields;
    const said: string[] = [];
    let last = first;
    for (; end < words.length; end += 1) {
      const word = words[end] as Fields;
      if ((word.speaker ?? null) !== (first.speaker ?? null)) break;
      const { punctuated_word: punctuated = null } = word;
      const isAbsent = punctuated === null || punctuated === "";
      said.push(text(isAbsent ? word.word : punctuated));
      last = word;
    }
    found.push(turn(said.join(" "), first, last, fallback));
  }
  return found;
}

function turn(
  said: string,
  first: Fields,
  last: Fields,
  fallback: number | null,
): Turn {
  const speaker = (first.speaker as number | null | undefined) ?? fallback;
  if (speaker !== null) {
    const known = Number.isInteger(speaker) && 0 <= speaker && speaker < SPEAKERS;
    if (!known) throw new Unexpected("speaker");
  }
  const { start = 0 } = first;
  const { end = 0 } = last;
  return {
    text: clean(said),
    speaker,
    startMs: milliseconds(start),
    endMs: milliseconds(end),
  };
}

/** `said` made safe, its words one space apart. */
function clean(said: string): string {
  const safe = sanitise(said);
  return UNEVEN.test(safe) ? safe.replace(/\s+/g, " ").trim() : safe.trim();
}

function milliseconds(seconds: unknown): number {
  const whole = Math.floor(number(seconds) * 1000 + 0.5);
  if (!Number.isSafeInteger(whole)) throw new Unexpected("time");
  return whole;
}

/** `value`, which must be a list; absent and null are an empty one. */
function optional(value: unknown): unknown[] {
  return value == null ? [] : list(value);
}
