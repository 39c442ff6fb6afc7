// Delivers a queue batch to the isolate that the path names: POST /<isolate>, a JSON
// list of message bodies. Answers with the outcome of the batch. The queue is the one
// that the Worker consumes, unless ?cut= gives it another name.
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const queue = searchParams.get("cut") ?? env.QUEUE;
    const bodies = await request.json();
    const messages = bodies.map((body, number) => ({
      id: String(number),
      timestamp: new Date(0),
      attempts: 1,
      body,
    }));
    const result = await env[pathname.slice(1)].queue(queue, messages);
    const retried = result.retryBatch.retry || result.retryMessages.length > 0;
    return Response.json({ outcome: result.outcome, retried });
  },
};
