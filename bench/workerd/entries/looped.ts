// Runs a case many times within one request, so that a call of microseconds can be read
// from outside: GET /<case> with x-loops: n. Without the header the answer of the case
// is returned as JSON, to be checked. n = 0, of any name, does all the rest.

/** One thing to run; what it returns may be a promise, and is kept from being optimised
 * away. `shown` turns it into what JSON can say, or into the response. */
export type Case = { run: () => unknown; shown?: (value: any) => unknown };

export let kept: unknown;

/** A Worker of the cases that `make` finds in the bindings, made once an isolate. */
export function looped<Env>(make: (env: Env) => Record<string, Case>) {
  let cases: Record<string, Case> | undefined;
  return {
    async fetch(request: Request, env: Env): Promise<Response> {
      const loops = request.headers.get("x-loops");
      const n = Number(loops);
      if (loops !== null && n === 0) return new Response("");
      const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
      try {
        cases ??= make(env);
        const found = Object.hasOwn(cases, name) ? cases[name] : undefined;
        if (found === undefined) return failed(`there is no case ${name}`);
        if (loops !== null) return await repeated(found, n);
        const value = await found.run();
        const { shown = (it: unknown) => it } = found;
        const said = shown(value);
        return said instanceof Response ? said : Response.json(said);
      } catch (error) {
        return failed(String(error));
      }
    },
  };
}

async function repeated({ run }: Case, n: number): Promise<Response> {
  for (let i = 0; i < n; i += 1) {
    const value = run();
    // Awaiting what is no promise would cost a microtask each time.
    kept = value instanceof Promise ? await value : value;
  }
  kept = undefined;
  return new Response("");
}

function failed(why: string): Response {
  return new Response(why, { status: 500 });
}
