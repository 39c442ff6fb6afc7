// Three ways to limit a tenant's requests: GET /<way>?tenant=&limit= answers 200, or 429
// where the tenant has had its `limit`. Time stands still, so that no allowance comes
// back meanwhile and what passes beyond the limit can be counted.
//
//     bucket    the Worker's own token bucket in KV
//     binding   a counter of this isolate
//     object    a counter in a Durable Object, one a tenant
//
// workerd has no rate-limit binding. What is documented of it (Cloudflare docs, runtime
// APIs, rate limit: a counter for each location, kept on the machine, no network
// awaited) is modelled at its best: a location is an isolate and one counter.
import "./clock";
import { DurableObject } from "cloudflare:workers";
import type { ChatState } from "worker/chat";
import { rateLimit } from "worker/ratelimit";
import type { Env } from "worker/types";

type Bindings = Env & { COUNTER: DurableObjectNamespace<Counter> };
type Way = (tenant: string, limit: number, env: Bindings) => Promise<boolean> | boolean;

/** The requests of one tenant. */
export class Counter extends DurableObject {
  /** Whether one more is within `limit`. Storage lets no other call in between. */
  async take(limit: number): Promise<boolean> {
    const taken = (await this.ctx.storage.get<number>("taken")) ?? 0;
    if (taken >= limit) return false;
    await this.ctx.storage.put("taken", taken + 1);
    return true;
  }
}

const here = new Map<string, number>();

const WAYS: Record<string, Way> = {
  async bucket(tenant, limit, env) {
    const state = { session: { tenant, user: "" }, failures: [] };
    const given = { ...env, RATE_PER_MINUTE: limit };
    return !(await rateLimit(state as unknown as ChatState, given));
  },
  binding(tenant, limit) {
    const taken = here.get(tenant) ?? 0;
    if (taken < limit) here.set(tenant, taken + 1);
    return taken < limit;
  },
  object(tenant, limit, env) {
    return env.COUNTER.get(env.COUNTER.idFromName(tenant)).take(limit);
  },
};

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const way = WAYS[pathname.slice(1)];
    const tenant = searchParams.get("tenant");
    const limit = Number(searchParams.get("limit"));
    if (way === undefined || !tenant || !limit) return new Response("", { status: 404 });
    try {
      const passes = await way(tenant, limit, env);
      return new Response("", { status: passes ? 200 : 429 });
    } catch (error) {
      return new Response(String(error), { status: 502 });
    }
  },
};
