// A value on its way to the driver: the flat list that bench/parsers/_travel.py reads,
// as text. Nothing recurses, so that any depth will do.
//
// All numbers are written as doubles, -0.0 with its sign, infinities as Python reads
// them, half surrogate pairs as escapes. That keeps whatever a JSON parser can make;
// what is undefined is told as null.

/** `value` as a list of what a walk over it meets. Typed arrays count as lists. */
export function flat(value: unknown): string {
  const tokens: string[] = [];
  const left: unknown[] = [value]; // the next one last
  while (left.length) {
    const item = left.pop();
    if (typeof item !== "object" || item === null) tokens.push(scalar(item));
    else if (Array.isArray(item) || ArrayBuffer.isView(item)) {
      const items = item as ArrayLike<unknown>;
      tokens.push(`["list",${items.length}]`);
      for (let i = items.length - 1; i >= 0; i -= 1) left.push(items[i]);
    } else {
      const members = Object.entries(item);
      tokens.push(`["dict",${members.length}]`);
      for (const [name, value] of members.reverse()) left.push(value, name);
    }
  }
  return `[${tokens.join(",")}]`;
}

function scalar(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "number") return String(value ?? null);
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
