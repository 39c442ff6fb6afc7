// JSON text that says exactly what a value is, for the driver to read back: -0.0 keeps
// its sign, infinities and NaN are written as Python reads them, half surrogate pairs
// as escapes, typed arrays as lists. Nothing recurses, so any depth will do.

class Said {
  constructor(readonly text: string) {}
}

const COMMA = new Said(",");
const END_LIST = new Said("]");
const END_OBJECT = new Said("}");

/** `value` as text; members that are undefined are left out. */
export function exact(value: unknown): string {
  const parts: string[] = [];
  const todo: unknown[] = [value]; // the next one last
  while (todo.length) {
    const next = todo.pop();
    if (next instanceof Said) parts.push(next.text);
    else if (typeof next !== "object" || next === null) parts.push(scalar(next));
    else if (Array.isArray(next) || ArrayBuffer.isView(next)) {
      parts.push("[");
      putItems(todo, next as ArrayLike<unknown>);
    } else {
      parts.push("{");
      putMembers(todo, next);
    }
  }
  return parts.join("");
}

function putItems(todo: unknown[], items: ArrayLike<unknown>): void {
  todo.push(END_LIST);
  for (let i = items.length - 1; i >= 0; i -= 1) {
    todo.push(items[i]);
    if (i) todo.push(COMMA);
  }
}

function putMembers(todo: unknown[], from: object): void {
  const members = Object.entries(from).filter(([, value]) => value !== undefined);
  todo.push(END_OBJECT);
  for (let i = members.length - 1; i >= 0; i -= 1) {
    const [name, value] = members[i] as [string, unknown];
    todo.push(value, new Said(`${i ? "," : ""}${JSON.stringify(name)}:`));
  }
}

function scalar(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "number") return String(value ?? null);
  return Object.is(value, -0) ? "-0.0" : String(value);
}
