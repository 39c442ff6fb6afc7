// A Worker that reads a body in every way that the tests ask for, and once with
// JSON.parse, pruned by the few lines that say what a shape means.
import { HEAD, type Shape } from "entries/extract_shapes";
import * as shapes from "entries/extract_shapes";
import { Scan } from "entries/extract_scan";
import { extracted } from "entries/extract_stream";
import { flat } from "entries/flat";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NAMED: Record<string, Shape> = { ...(shapes as any), WHOLE: "whole" };

/** A shape from JSON: "whole", [items], or members by name. */
function shaped(told: any): Shape {
  if (told === "whole") return told;
  if (Array.isArray(told)) return { items: shaped(told[0]) };
  return {
    members: Object.entries(told).map(([name, shape]) => ({
      name,
      quoted: new TextEncoder().encode(`${name}"`),
      shape: shaped(shape),
      isLast: false,
    })),
  };
}

function pruned(value: any, shape: Shape): unknown {
  if (shape === "whole" || typeof value !== "object" || value === null) return value;
  if ("items" in shape) {
    return Array.isArray(value) ? value.map((each) => pruned(each, shape.items)) : value;
  }
  if (Array.isArray(value)) return value;
  const members = Object.entries(value).flatMap(([name, inner]) => {
    const asked = shape.members.find((member) => member.name === name);
    return asked ? [[name, pruned(inner, asked.shape)]] : [];
  });
  return Object.fromEntries(members); // which knows no special names
}

function scanned(body: Uint8Array, cuts: number[], shape: Shape): unknown {
  const scan = new Scan(shape);
  let start = 0;
  for (const cut of [...cuts, body.length]) {
    // A buffer of its own that is overwritten, as a reader's is.
    const piece = body.slice(start, cut);
    scan.write(piece);
    piece.fill(0x21);
    start = cut;
    if (scan.isDone) return scan.value;
  }
  return scan.end();
}

function told(work: () => unknown): string {
  try {
    return flat(work());
  } catch (error) {
    return String(error);
  }
}

function parsed(body: Uint8Array): unknown {
  let text;
  try {
    text = UTF8.decode(body);
  } catch {
    throw new TypeError("no UTF-8");
  }
  return JSON.parse(text);
}

function cutsOf(size: number, length: number): number[] {
  return Array.from({ length: Math.ceil(length / size) - 1 }, (_, n) => (n + 1) * size);
}

async function stopped(body: Uint8Array, size: number): Promise<unknown> {
  let pulls = 0;
  let cancelled = false;
  const stream = new ReadableStream({
    type: "bytes",
    pull(controller) {
      const start = pulls * size;
      pulls += 1;
      if (start >= body.length) controller.close();
      else controller.enqueue(body.slice(start, start + size));
    },
    cancel() {
      cancelled = true;
    },
  });
  const value = await extracted(stream, HEAD).catch(String);
  return { value, pulls, cancelled };
}

export default {
  async fetch(request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const ask = JSON.parse(request.headers.get("x-ask")!);
    if (ask.stop) return Response.json(await stopped(body, ask.stop));
    const shape = NAMED[ask.shape] ?? shaped(ask.shape);
    const ways: number[][] = ask.every
      ? [
          ...Array.from(body, (_, n) => cutsOf(n + 1, body.length)),
          ...Array.from(body, (_, n) => [n]),
        ]
      : [ask.cuts];
    const streamed = new Set(ways.map((cuts) => told(() => scanned(body, cuts, shape))));
    const whole = told(() => pruned(parsed(body), shape));
    return Response.json({ whole, streamed: [...streamed] });
  },
};
