/**
 * What every invocation is: named stages, in order, that fill one state.
 *
 * An invocation is what a Worker is started for: a chat request, a transcript, a batch
 * of queue messages, a webhook, an agent request. Its `request` stages run before the
 * head is sent, its `end` stages when the last byte of the body has been made, and its
 * `after` stages when the client has everything.
 *
 * Failures of a service become the answers of errors.ts; once the head is sent they
 * only add the stage's name to `failures`.
 */

import { answer, UpstreamError } from "./errors";
import type { Env, Session } from "./types";

/** One step; a response ends the invocation at once. */
export type Stage<S> = (
  state: S,
  env: Env,
) => Response | void | Promise<Response | void>;

/** The stages of an invocation by name, in the order in which they run. */
export interface Path<S> {
  request: Record<string, Stage<S>>;
  end: Record<string, Stage<S>>;
  after: Record<string, Stage<S>>;
}

/** What stages hand on; each invocation adds its own fields. */
export class State {
  session!: Session; // auth, or receive
  answer: Response | undefined; // by the stage that has it
  /** Set by a stage whose answer is a stream that awaits `finish` before it closes. */
  streams = false;
  /** Runs the stages of the end, and has those of after follow. */
  finish: () => Promise<void> = async () => {};
  tail: Uint8Array[] = []; // sent after the body, by stages of the end
  failures: string[] = []; // stages that failed without failing the answer

  /** Give up what is open; called where the invocation ends before its last stage. */
  async release(): Promise<void> {}
}

/** State of an invocation that a request starts. */
export class RequestState extends State {
  constructor(readonly request: Request) {
    super();
  }
}

/** The answer that the stages of `path` give. */
export async function invoke<S extends State>(
  path: Path<S>,
  state: S,
  env: Env,
  ctx: ExecutionContext,
): Promise<Response> {
  state.finish = () => finish(path, state, env, ctx);
  try {
    for (const stage of Object.values(path.request)) {
      const early = await stage(state, env);
      if (early) {
        await state.release();
        return early;
      }
    }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    await state.release();
    return answer(error);
  }
  if (!state.answer) throw new Error("no stage gave an answer");
  if (!state.streams) ctx.waitUntil(state.finish());
  return state.answer;
}

async function finish<S extends State>(
  path: Path<S>,
  state: S,
  env: Env,
  ctx: ExecutionContext,
): Promise<void> {
  await guarded(path.end, state, env);
  ctx.waitUntil(guarded(path.after, state, env));
}

async function guarded<S extends State>(
  stages: Record<string, Stage<S>>,
  state: S,
  env: Env,
): Promise<void> {
  for (const [name, stage] of Object.entries(stages)) {
    try {
      await stage(state, env);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      state.failures.push(name);
    }
  }
}
