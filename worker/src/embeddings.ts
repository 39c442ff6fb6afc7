/**
 * OpenAI embeddings: texts to vectors, as number text or as base64 of float32.
 */

import { post, read } from "./calls";
import { UpstreamError } from "./errors";
import type { Env, Vector } from "./types";
import { list, object, Unexpected } from "./values";

const URL = "https://api.openai.com/v1/embeddings";
const MODEL = "text-embedding-3-small";
const DIMENSIONS = 1536;

/** One vector of 1,536 finite numbers for each of `texts`, in their order. */
export async function embedTexts(
  env: Env,
  texts: string | string[],
): Promise<Vector[]> {
  const question = {
    model: MODEL,
    input: texts,
    dimensions: DIMENSIONS,
    encoding_format: env.EMBEDDING,
  };
  const headers = { authorization: `Bearer ${env.OPENAI_API_KEY}` };
  const response = await post("embeddings", URL, headers, question, env.TIMEOUT_S);
  const reply = await read("embeddings", response);
  const expected = typeof texts === "string" ? 1 : texts.length;
  try {
    const items = list(object(reply).data);
    if (items.length !== expected) throw new Unexpected("number of vectors");
    return items.map((item) => vector(object(item).embedding));
  } catch {
    throw new UpstreamError("embeddings", "malformed");
  }
}

function vector(embedding: unknown): Vector {
  const values =
    typeof embedding === "string"
      ? // Workers run on little-endian machines only, and base64 is little-endian too.
        new Float32Array(Uint8Array.fromBase64(embedding).buffer)
      : (list(embedding) as number[]);
  // JSON has 1e999 and base64 has NaN; Vectorize has neither.
  if (values.length !== DIMENSIONS || !values.every(Number.isFinite)) {
    throw new Unexpected(`not ${DIMENSIONS} numbers`);
  }
  return values;
}
