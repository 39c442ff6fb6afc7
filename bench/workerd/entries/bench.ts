// Cases for `workerd bench`: each stage of a path by itself, on the state that it met
// in a real request, over and over; and the whole invocation without HTTP around it.
// The stages make their calls. What only the harness does (a fresh request, a fresh
// stream) is a case of its own, <invocation>/<stage>/input, to be subtracted.
import "./clock";
import { consumer, ConsumeState } from "worker/consume";
import worker from "worker/index";
import { invoke, type Path, type Stage, type State } from "worker/path";
import { route } from "worker/route";

type Options = { warmup: string; minTime: string; samples: number };
type Run = (name: string, work: () => Promise<void>, options: Options) => void;
type Given = { method: string; path: string; headers: Record<string, string> };
type Found = { path: Path<any>; state: any };

const QUEUE_PATH = "/queue";

class Invocation {
  constructor(
    readonly name: string,
    private readonly given: Given,
    private readonly body: ArrayBuffer,
  ) {}

  get isBatch(): boolean {
    return this.given.path === QUEUE_PATH;
  }

  request(): Request {
    const { method, path, headers } = this.given;
    return new Request(`http://localhost${path}`, { method, headers, body: this.body });
  }

  batch(): MessageBatch {
    const bodies: unknown[] = JSON.parse(new TextDecoder().decode(this.body));
    const messages = bodies.map((body, number) => ({
      id: String(number), timestamp: new Date(0), attempts: 1, body, ack() {}, retry() {},
    }));
    const batch = { queue: "bench", messages, ackAll() {}, retryAll() {} };
    return batch as unknown as MessageBatch;
  }

  found(): Found {
    if (this.isBatch) {
      const bodies = this.batch().messages.map(({ body }) => body);
      return { path: consumer, state: new ConsumeState(bodies) };
    }
    const found = route(this.request());
    if (found === null) throw new Error(`${this.name} has no route`);
    return found;
  }

  async whole(env: any, ctx: ExecutionContext): Promise<void> {
    if (this.isBatch) return worker.queue!(this.batch(), env, ctx);
    await drained(await worker.fetch!(this.request() as any, env, ctx));
  }
}

// What a stage met, and what of it has to be made anew for each call.
class Met {
  constructor(
    readonly run: Stage<any>,
    private readonly state: any,
    private readonly invocation: Invocation,
    private readonly chunks: Uint8Array[] | undefined,
    public readsBody = false,
  ) {}

  get hasInput(): boolean {
    return this.readsBody || this.chunks !== undefined;
  }

  fresh(): any {
    const copy = copied(this.state);
    if (this.readsBody) copy.request = this.invocation.request();
    if (this.chunks !== undefined) copy.upstream = replayed(this.state.upstream, this.chunks);
    return copy;
  }
}

// The state with collections of its own: stages fill them.
function copied(state: any): any {
  const copy = Object.create(Object.getPrototypeOf(state));
  for (const [name, value] of Object.entries(state)) {
    copy[name] = Array.isArray(value) ? [...value] : value;
  }
  return copy;
}

function replayed(upstream: Response, chunks: Uint8Array[]): Response {
  let next = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]);
      else controller.close();
    },
  });
  return new Response(body, { status: upstream.status, headers: upstream.headers });
}

async function drained(response: Response | undefined): Promise<void> {
  if (response?.body) for await (const _ of response.body) continue;
}

// Runs the invocation once and keeps what each stage met.
async function observed(one: Invocation, env: any, ctx: ExecutionContext): Promise<Map<string, Met>> {
  const { path, state } = one.found();
  const seen = new Map<string, Met>();
  let tape: Uint8Array[] | undefined;
  const watched = (stages: Record<string, Stage<any>>) =>
    Object.fromEntries(Object.entries(stages).map(([name, run]) => [name, async (state: any) => {
      const before = copied(state);
      const unread = state.request instanceof Request && !state.request.bodyUsed;
      const met = new Met(run, before, one, "upstream" in state && state.answer === undefined ? tape : undefined);
      seen.set(name, met);
      const early = await run(state, env);
      met.readsBody = unread && state.request.bodyUsed;
      if (tape === undefined && state.upstream instanceof Response) {
        tape = [];
        for await (const chunk of state.upstream.body!) tape.push(chunk as Uint8Array);
        state.upstream = replayed(state.upstream, tape);
      }
      return early;
    }]));
  const watching = { request: watched(path.request), end: watched(path.end), after: watched(path.after) };
  await drained(await invoke(watching, state, env, ctx));
  return seen;
}

export default {
  async bench(b: { run: Run }, env: any, ctx: ExecutionContext): Promise<void> {
    const options: Options = env.OPTIONS;
    for (const [name, given] of Object.entries<Given>(env.REQUESTS)) {
      const one = new Invocation(name, given, env[`BODY_${name}`]);
      b.run(`${name}/whole`, () => one.whole(env, ctx), options);
      b.run(`${name}/whole/input`, async () => void (one.isBatch ? one.batch() : one.request()), options);
      for (const [stage, met] of await observed(one, env, ctx)) {
        b.run(`${name}/${stage}`, async () => {
          const state: State = met.fresh();
          await met.run(state, env);
          if (met.readsBody || state.answer === undefined) return;
          await drained(state.answer);
        }, options);
        if (!met.hasInput) continue;
        b.run(`${name}/${stage}/input`, async () => void met.fresh(), options);
      }
    }
  },
};
