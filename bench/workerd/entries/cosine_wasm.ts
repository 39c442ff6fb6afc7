// Cosines by SIMD: the values are copied into the memory of the WebAssembly module that
// bench/rerankers/_wasm.py makes, and their products come back.

import kernel from "cosine.wasm";
import { ranked, type Job, type Ranker, type Ranking } from "./reranking";

const PAGE = 65536;
// Rows are filled up with zeros to whole steps of the kernel.
const STEP = 16;

/** What the module exports; all arguments are byte offsets. */
interface Kernel {
  memory: WebAssembly.Memory;
  /** For each row of `width` bytes its product with the query and with itself. */
  products(query: number, rows: number, end: number, width: number, out: number): void;
}

export const float32: Ranker<ArrayBuffer> = (job) => {
  const { rank, rows, width } = laidOut(job);
  const dims = job.query32.length;
  return (buffer) => {
    const values = new Float32Array(buffer);
    if (width === dims) rows.set(values);
    else copyRows(values, rows, dims, width);
    return rank();
  };
};

export const base64: Ranker<string> = (job) => {
  const { rank, rows, width } = laidOut(job);
  const dims = job.query32.length;
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  return (text) => {
    if (width === dims) {
      bytes.setFromBase64(text);
    } else {
      const { buffer } = Uint8Array.fromBase64(text);
      copyRows(new Float32Array(buffer), rows, dims, width);
    }
    return rank();
  };
};

/** A module's memory laid out for `job`: the query, the rows, the products. */
function laidOut(job: Job): { rank: () => Ranking; rows: Float32Array; width: number } {
  const { query32, matches } = job;
  const width = Math.ceil(query32.length / STEP) * STEP;
  const floats = width * (matches.length + 1) + 2 * (matches.length + 1);
  const { exports } = new WebAssembly.Instance(kernel);
  const { memory, products } = exports as unknown as Kernel;
  memory.grow(Math.ceil((4 * floats) / PAGE));
  const query = new Float32Array(memory.buffer, 0, width);
  const rows = new Float32Array(memory.buffer, 4 * width, width * matches.length);
  const out = rows.byteOffset + rows.byteLength;
  const made = new Float32Array(memory.buffer, out, 2 * (matches.length + 1));
  const rank = (): Ranking => {
    query.set(query32);
    // The query is the row before the others: its product with itself comes first.
    products(0, 0, out, 4 * width, out);
    const length = Math.sqrt(made[1] as number);
    return ranked(job, matches, (place) => {
      const both = length * Math.sqrt(made[2 * place + 3] as number);
      return both ? (made[2 * place + 2] as number) / both : 0;
    });
  };
  return { rank, rows, width };
}

function copyRows(
  values: Float32Array,
  rows: Float32Array,
  dims: number,
  width: number,
): void {
  for (let from = 0, to = 0; from < values.length; from += dims, to += width) {
    rows.set(values.subarray(from, from + dims), to);
  }
}
