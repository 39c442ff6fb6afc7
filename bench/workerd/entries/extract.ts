// Answers picked from a whole value: what a user of JSON.parse writes. Nothing is copied
// that need not be, so that an answer may hold more than was asked.
import { turns } from "worker/transcript";

/** `fields` of a transcript: the best alternative of each channel. */
export function spoken(transcript: any): unknown {
  return transcript.results.channels.map(({ alternatives: [best] }: any) => best);
}

/** `first` of a transcript. */
export function head(transcript: any): unknown {
  return transcript.metadata;
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
