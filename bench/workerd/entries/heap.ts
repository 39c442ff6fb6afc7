// The Worker, and a way to collect garbage now, so that what is left is what lives.
import "./clock";
import worker from "worker/index";

declare const gc: () => void; // --expose-gc

export default {
  ...worker,
  async fetch(request: Request, env: any, ctx: ExecutionContext): Promise<Response> {
    if (new URL(request.url).pathname !== "/collect") {
      return worker.fetch!(request as any, env, ctx);
    }
    gc();
    return new Response("");
  },
};
