/**
 * The tools that the agent may call: each is one or two calls of a service.
 */

import { bound } from "./calls";
import { embedTexts } from "./embeddings";
import { contentOf, nearest } from "./retrieval";
import { first } from "./text";
import type { Env, Session, Vector } from "./types";
import { isObject } from "./values";

const NEAREST = 3;
const QUERY_CHARS = 2000;
const NAME_CHARS = 100;

/** The tools as the model is told of them. */
export const TOOLS = [
  {
    name: "search_documents",
    description: "Find passages of the tenant's documents about a subject.",
    input_schema: {
      type: "object",
      properties: { query: { type: "string" } },
      required: ["query"],
    },
  },
  {
    name: "get_record",
    description: "Look up one of the tenant's records by its name.",
    input_schema: {
      type: "object",
      properties: { name: { type: "string" } },
      required: ["name"],
    },
  },
];

/** A tool that there is not, or an input that it cannot take; told to the model. */
export class UselessCall extends Error {}

/** What the tool `name` answers to the input `given`, as text for the model. */
export async function callTool(
  name: string,
  given: unknown,
  session: Session,
  env: Env,
): Promise<string> {
  switch (name) {
    case "search_documents":
      return searchDocuments(argument(given, "query"), session, env);
    case "get_record":
      return getRecord(argument(given, "name"), session, env);
    default:
      throw new UselessCall(`there is no tool called ${name}`);
  }
}

async function searchDocuments(
  query: string,
  session: Session,
  env: Env,
): Promise<string> {
  const [vector] = await embedTexts(env, first(query, QUERY_CHARS));
  const matches = await nearest(env, vector as Vector, session, NEAREST, false);
  return matches.map(contentOf).join("\n\n") || "nothing was found";
}

async function getRecord(name: string, session: Session, env: Env): Promise<string> {
  // No key holds half a surrogate pair; the binding would send bytes that are no UTF-8.
  const sound = first(name, NAME_CHARS).toWellFormed();
  const key = `record:${session.tenant}:${sound}`;
  const value = await bound("kv", env, env.RECORDS.get(key));
  return value ?? "there is no such record";
}

function argument(given: unknown, name: string): string {
  const value = isObject(given) ? given[name] : undefined;
  if (typeof value !== "string") throw new UselessCall(`${name}: a text is required`);
  return value;
}
