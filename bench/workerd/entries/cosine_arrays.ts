// Cosines over arrays of numbers, as worker/src/rerank.ts has them.

import { dot, parsed, ranked, type Match, type Ranker } from "./reranking";

export const lists: Ranker<Match[]> = (job) => (matches) => {
  const { query } = job;
  const length = Math.sqrt(dot(query, query));
  return ranked(job, matches, (place) => {
    const { values } = matches[place] as Match;
    const both = length * Math.sqrt(dot(values, values));
    return both ? dot(query, values) / both : 0;
  });
};

export const json: Ranker<ArrayBuffer> = (job) => {
  const rank = lists(job);
  return (body) => rank(parsed(body));
};
