/**
 * The fields of a Deepgram response that ingestion reads, and how they are read.
 *
 * A recorded response of an hour has some 9,000 words with six fields each, and its
 * text a second and a third time in sentences. Where those are, no word is decoded.
 */

import { field, type Reader, Scanner } from "./scanner";
import { type Fields, isObject } from "./values";

const text: Reader = (scanner) => scanner.text();
const integer: Reader = (scanner) => scanner.number(true);
const seconds: Reader = (scanner) => scanner.number(false);

function nullable(reader: Reader): Reader {
  return (scanner) => (scanner.isNull() ? null : reader(scanner));
}

function listOf(reader: Reader): Reader {
  return (scanner) => scanner.list(reader);
}

function objectOf(fields: Record<string, Reader>, required?: string): Reader {
  const asked = Object.entries(fields).map(([name, reader]) => field(name, reader));
  return (scanner) => scanner.object(asked, required);
}

const SPEECH = { start: seconds, end: seconds, speaker: nullable(integer) };
const WORD = objectOf({ ...SPEECH, word: text, punctuated_word: nullable(text) });
const SENTENCE = objectOf({ text }, "text");
const PARAGRAPH = objectOf({ ...SPEECH, sentences: listOf(SENTENCE) });
const ALTERNATIVE = {
  transcript: text,
  paragraphs: nullable(objectOf({ paragraphs: listOf(PARAGRAPH) })),
};
const UTTERANCE = objectOf({ ...SPEECH, transcript: text, channel: integer });

function transcript(alternative: Record<string, Reader>): Reader {
  const alternatives = listOf(objectOf(alternative));
  const channel = objectOf({ alternatives }, "alternatives");
  const results = objectOf({
    channels: listOf(channel),
    utterances: nullable(listOf(UTTERANCE)),
  });
  return objectOf({ results }, "results");
}

const WITHOUT_WORDS = transcript(ALTERNATIVE);
const WITH_WORDS = transcript({ ...ALTERNATIVE, words: listOf(WORD) });

/** The response with only these fields; throws where it has another shape. */
export function scan(body: Uint8Array, words: boolean): Fields {
  return new Scanner(body).whole(words ? WITH_WORDS : WITHOUT_WORDS) as Fields;
}

/** Whether the text of each channel of a scanned response can be had without words. */
export function hasSentences(transcript: Fields): boolean {
  const { utterances, channels = [] } = transcript.results as {
    utterances?: unknown[] | null;
    channels?: { alternatives: Fields[] }[];
  };
  if (utterances?.length) return true;
  return channels.every(({ alternatives: [best] }) => {
    if (!best) return true;
    const { paragraphs } = best;
    return isObject(paragraphs) && (paragraphs.paragraphs as unknown[])?.length > 0;
  });
}
