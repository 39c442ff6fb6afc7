// Cosines over float32 values, each match a stretch of one array.

import { dot, parsed, ranked, type Job, type Match, type Ranker } from "./reranking";

export const float32: Ranker<ArrayBuffer> = (job) => (buffer) =>
  over(job, job.matches, new Float32Array(buffer));

export const base64: Ranker<string> = (job) => (text) =>
  over(job, job.matches, new Float32Array(Uint8Array.fromBase64(text).buffer));

export const json: Ranker<ArrayBuffer> = (job) => (body) => {
  const matches = parsed(body);
  const dims = job.query32.length;
  const rows = new Float32Array(matches.length * dims);
  matches.forEach(({ values }, place) => rows.set(values, place * dims));
  return over(job, matches, rows);
};

function over(job: Job, matches: Match[], rows: Float32Array) {
  const { query32 } = job;
  const dims = query32.length;
  const length = Math.sqrt(dot(query32, query32));
  return ranked(job, matches, (place) => {
    const start = place * dims;
    let product = 0;
    let own = 0;
    for (let i = 0; i < dims; i += 1) {
      const value = rows[start + i] as number;
      product += (query32[i] as number) * value;
      own += value * value;
    }
    const both = length * Math.sqrt(own);
    return both ? product / both : 0;
  });
}
