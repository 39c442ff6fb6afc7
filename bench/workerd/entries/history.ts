// The one member that a chat needs of a body with a history sent along: GET /<way>
// <body> takes it from the whole value, or reads no more of the body than it must. The
// bodies are bindings whose names are theirs.
import { extracted, pieces } from "./extract_stream";
import type { Members } from "./extract_shapes";
import { type Case, looped } from "./looped";

const NAME = "query";
const QUERY: Members = {
  members: [
    {
      name: NAME,
      quoted: new TextEncoder().encode(`${NAME}"`),
      shape: "whole",
      isLast: true,
    },
  ],
};

export default looped((env: Record<string, ArrayBuffer>) => {
  const cases: Record<string, Case> = {};
  for (const [name, bytes] of Object.entries(env)) {
    const body = new Uint8Array(bytes);
    cases[`full ${name}`] = { run: () => full(body) };
    cases[`partial ${name}`] = { run: () => partial(body) };
  }
  return cases;
});

async function full(body: Uint8Array): Promise<unknown> {
  const value = (await new Response(body).json()) as Record<string, unknown>;
  return value[NAME];
}

async function partial(body: Uint8Array): Promise<unknown> {
  const value = (await extracted(pieces(body), QUERY)) as Record<string, unknown>;
  return value[NAME];
}
