// What each question of the comparison wants of a whole value; its shape is what
// bench/parsers/_answers.py asks for. Nothing is copied that can be pointed at.
import { turns } from "worker/transcript";

/** `fields` of a transcript: what was said in each channel, and the words of it. */
export function spoken(transcript: any): unknown {
  return transcript.results.channels.map(({ alternatives: [best] }: any) => ({
    transcript: best.transcript,
    words: best.words ?? [],
  }));
}

/** `first` of a transcript: which request it answers, and how long the audio is. */
export function head({ metadata }: any): unknown {
  const { request_id, created, duration, channels } = metadata;
  return { request_id, created, duration, channels };
}

/** `chunks` of a transcript: its turns, by the Worker's own function. */
export const chunks = turns;

/** `fields` of an embeddings response: its vectors; base64 is little-endian float32. */
export function vectors({ data }: any): unknown {
  return data.map(({ embedding }: any) =>
    typeof embedding === "string" ? decoded(embedding) : embedding,
  );
}

/** `fields` of a Vectorize result: what each match is, and where it lies. */
export function matches(result: any): unknown {
  return result.matches.map(({ id, score, values }: any) => ({ id, score, values }));
}

function decoded(base64: string): Float32Array {
  // Every machine that V8 runs on Workers is little-endian, as the text is.
  return new Float32Array(Uint8Array.fromBase64(base64).buffer);
}
