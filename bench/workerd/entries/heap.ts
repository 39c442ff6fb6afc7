// The Worker, a way to collect garbage now, so that what is left is what lives, and the
// number of answers that have begun so far.
import "./clock";
import worker from "worker/index";

declare const gc: () => void; // --expose-gc

let begun = 0;

export default {
  ...worker,
  async fetch(request: Request, env: any, ctx: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/begun") return new Response(String(begun));
    if (pathname === "/collect") {
      gc();
      return new Response("");
    }
    const response = await worker.fetch!(request as any, env, ctx);
    begun += 1;
    return response;
  },
};
