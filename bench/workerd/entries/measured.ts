// The Worker as it is deployed, and its own paths ended after the first k of their
// stages: x-cut tells how many for a request, the name of the queue for a batch. What
// one stage more costs is that stage's share of the whole. Both are in one isolate, so
// that the same compiled code serves them.
import "./clock";
import { consumer, ConsumeState } from "worker/consume";
import worker from "worker/index";
import { invoke, type Path, type Stage, type State } from "worker/path";
import { route } from "worker/route";

type Stages = Record<string, Stage<any>>;

const known = new Map<Path<any>, Path<any>[]>();

function ended(path: Path<any>, k: number): Path<any> {
  const made = known.get(path) ?? [];
  known.set(path, made);
  made[k] ??= first(path, k);
  return made[k];
}

function first(path: Path<any>, k: number): Path<any> {
  let left = k;
  const some = (stages: Stages): Stages => {
    const kept = Object.entries(stages).slice(0, left);
    left -= kept.length;
    return Object.fromEntries(kept);
  };
  const request = some(path.request);
  return { request: { ...request, stop }, end: some(path.end), after: some(path.after) };
}

function stop(state: State): Response | void {
  if (state.answer === undefined) return new Response("");
}

export default {
  async fetch(request: Request, env: any, ctx: ExecutionContext): Promise<Response> {
    const cut = request.headers.get("x-cut");
    const found = cut === null ? null : route(request);
    if (found === null) return worker.fetch(request as any, env, ctx);
    const path = ended(found.path, Number(cut));
    return invoke(path, found.state, env, ctx);
  },
  async queue(batch: MessageBatch, env: any, ctx: ExecutionContext): Promise<void> {
    const cut = Number(batch.queue);
    if (Number.isNaN(cut)) return worker.queue(batch as any, env, ctx);
    const state = new ConsumeState(batch.messages.map(({ body }) => body));
    const path = ended(consumer, cut);
    const response = await invoke(path, state, env, ctx);
    if (!response.ok) batch.retryAll();
  },
};
