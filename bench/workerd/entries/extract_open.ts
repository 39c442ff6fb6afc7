// The objects and lists that a text is inside of, while it is read.
import { hasAt } from "worker/skip";

import type { Member, Shape } from "./extract_shapes";

/** An object or a list that has begun. */
export interface Open {
  isList: boolean;
  made: any; // undefined where it is walked over
  members: Member[] | undefined; // those of an object that are asked for, if not all
  items: Shape | undefined; // how each item, or each member where all are asked for
  from: number; // where in members the next name is looked for first
  name: string; // of the member whose value comes
  isLast: boolean; // nothing is asked for after that member
}

/** What begins at `depth`; an old one is used again, so that walking makes no garbage. */
export function begun(
  all: Open[],
  depth: number,
  isList: boolean,
  shape: Shape | undefined,
): Open {
  const open = (all[depth] ??= {} as Open);
  open.isList = isList;
  open.made = shape && (isList ? [] : {});
  open.items = shape && "whole";
  open.members = undefined;
  open.from = 0;
  open.name = "";
  open.isLast = false;
  if (typeof shape === "object") {
    if ("members" in shape && !isList) open.members = shape.members;
    if ("items" in shape && isList) open.items = shape.items;
  }
  return open;
}

/** The member that is asked for under the name at `at`, written without escapes. */
export function memberAt(
  open: Open,
  members: Member[],
  source: Uint8Array,
  at: number,
): Member | undefined {
  const { length } = members;
  for (let i = 0; i < length; i += 1) {
    const place = (open.from + i) % length;
    const member = members[place] as Member;
    if (hasAt(source, at, member.quoted)) {
      open.from = place + 1; // most texts keep to one order
      return member;
    }
  }
  return undefined;
}

/** Put `value` into what is open. */
export function put({ made, isList, name }: Open, value: unknown): void {
  if (isList) made.push(value);
  else if (name === "__proto__") own(made, name, value);
  else made[name] = value;
}

/** Set a member whose name would set something else. */
function own(object: object, name: string, value: unknown): void {
  const writable = { writable: true, enumerable: true, configurable: true };
  Object.defineProperty(object, name, { value, ...writable });
}
