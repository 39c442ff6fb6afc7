// The Worker as it is deployed and, made of its stages, what the matrix has besides its
// paths:
//
//     POST /complete?stream=     a completion streamed through: no memory, no retrieval
//     POST /filtered?by=         a chat about documents of some types, from a date on
//     POST /media?as=            an image on its way to a provider and back
//
// The same paths in Python are in bench/workloads.
import "./clock";
import { auth } from "worker/auth";
import { bound, named } from "worker/calls";
import { chat, ChatState } from "worker/chat";
import worker from "worker/index";
import { invoke, type Path, RequestState } from "worker/path";
import type { Env, Match } from "worker/types";
import { list, number, object, text } from "worker/values";

const CANDIDATES = 50; // the most that Vectorize returns with metadata
const TYPES = ["policy", "regulation"];
const SINCE = "2025-01-01";
const PROVIDER = "https://media.example/edit";
const IMAGE = "image/png";

const { parse_request, validate, rate_limit, complete, stream } = chat.request;

/** In the place of memory and retrieval: nothing is known but the question. */
function alone(state: ChatState, env: Env): void {
  state.database = env.DB.withSession("first-unconstrained"); // which asks nothing
  state.context = "";
}

const COMPLETING = { auth, parse_request, validate, rate_limit, alone, complete, stream };
const completing = { request: COMPLETING, end: {}, after: {} } as Path<ChatState>;

type Retrieve = (state: ChatState, env: Env) => Promise<void>;

/** The chat, with `retrieve` in the place of its own. */
function retrieving(retrieve: Retrieve): Path<ChatState> {
  return { ...chat, request: { ...chat.request, retrieve } };
}

/** Ask for all that the tenant has, as much as it may be, and choose here. */
async function byWorker(state: ChatState, env: Env): Promise<void> {
  const found = await asked(state, env, CANDIDATES, {});
  state.matches = found.filter(isWanted).slice(0, env.TOP_K);
}

/** Let the index choose: a list of values says "or" as long as it is one property. */
async function byIndex(state: ChatState, env: Env): Promise<void> {
  state.matches = await asked(state, env, env.TOP_K, {
    documentType: { $in: TYPES },
    effectiveDate: { $gt: SINCE },
  });
}

function isWanted({ metadata }: Match): boolean {
  const { documentType, effectiveDate } = metadata;
  return TYPES.includes(text(documentType)) && text(effectiveDate) > SINCE;
}

async function asked(
  { vector, session }: ChatState,
  env: Env,
  topK: number,
  filter: VectorizeVectorMetadataFilter,
): Promise<Match[]> {
  const found = env.VECTORIZE_INDEX.query(vector, {
    topK,
    returnValues: false,
    returnMetadata: "all",
    filter: { tenantId: session.tenant, ...filter },
  });
  const reply = object(await bound("vectorize", env, found));
  return list(reply.matches).map((each) => {
    const { id, score, metadata } = object(each);
    const known = { id: text(id), score: number(score), metadata: object(metadata) };
    return { ...known, values: [] };
  });
}

type Sent = (request: Request) => Promise<RequestInit> | RequestInit;

/** The bytes go on as they come, and are in the isolate a chunk at a time. */
function streamed({ headers, body }: Request): RequestInit {
  const length = headers.get("content-length") ?? "";
  return { headers: { "content-type": IMAGE, "content-length": length }, body };
}

/** An image inside JSON, as many APIs of models want it: read, encoded, written. */
async function wrapped(request: Request): Promise<RequestInit> {
  const image = new Uint8Array(await request.arrayBuffer()).toBase64();
  const headers = { "content-type": "application/json" };
  return { headers, body: JSON.stringify({ image }) };
}

function passing(sent: Sent): Path<RequestState> {
  const edit = async (state: RequestState, env: Env): Promise<void> => {
    const signal = AbortSignal.timeout(1000 * env.LLM_TIMEOUT_S);
    const init = { ...(await sent(state.request)), method: "POST", signal };
    try {
      const { status, body } = await fetch(PROVIDER, init);
      state.answer = new Response(body, { status, headers: { "content-type": IMAGE } });
    } catch (error) {
      throw named("anthropic", error);
    }
  };
  return { request: { auth, edit }, end: {}, after: {} };
}

const PATHS: Record<string, Path<any>> = {
  "/complete?stream=convert": completing,
  "/complete?stream=pass": completing,
  "/filtered?by=worker": retrieving(byWorker),
  "/filtered?by=index": retrieving(byIndex),
  "/media?as=stream": passing(streamed),
  "/media?as=base64": passing(wrapped),
};
const PASSING = "/complete?stream=pass";
let unconverted: Env | undefined; // an isolate is asked for one kind of stream

export default {
  async fetch(request: Request, env: any, ctx: ExecutionContext): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const name = pathname + search;
    const path = PATHS[name];
    if (path === undefined) return worker.fetch(request as any, env, ctx);
    const own = pathname === "/media" ? new RequestState(request) : new ChatState(request);
    const given = name === PASSING ? (unconverted ??= { ...env, STREAM: "pass" }) : env;
    return invoke(path, own, given as Env, ctx);
  },
  queue: worker.queue,
};
