// Delivers a queue batch to the isolate that the path names: POST /<isolate>, a JSON
// list of message bodies. Answers with the outcome of the batch. The queue is the one
// that the Worker consumes, unless ?cut= gives it another name. With ?cron= it wakes the
// isolate by that schedule instead.
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const cron = searchParams.get("cron");
    if (cron !== null) {
      const told = { cron, scheduledTime: new Date(0) };
      const { outcome } = await env[pathname.slice(1)].scheduled(told);
      return Response.json({ outcome });
    }
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
