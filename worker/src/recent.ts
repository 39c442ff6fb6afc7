/**
 * What one isolate remembers of the conversations that it wrote.
 *
 * The article's cure for a replica that lags: what was just written is taken from
 * memory instead of being read again. It holds only where the next request of the
 * conversation reaches the same isolate, which Workers do not promise.
 */

import type { Message } from "./types";

const CONVERSATIONS = 1000;

/** Newest messages by conversation, the least used ones forgotten. */
export class Recent {
  #known = new Map<string, Map<string, Message>>();

  /** Add `messages` to a conversation; only its newest `keep` stay. */
  remember(key: string, messages: Message[], keep: number): void {
    const known = this.#known.get(key) ?? new Map<string, Message>();
    for (const message of messages) known.set(message.id, message);
    for (const id of known.keys()) {
      if (known.size <= keep) break;
      known.delete(id);
    }
    // A Map keeps the order of insertion: put again, it is the newest.
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > CONVERSATIONS && oldest) this.#known.delete(oldest);
  }

  /**
   * `rows`, oldest first, with what they miss of this isolate's writes.
   *
   * Replicas apply writes in order, so what they miss is newer than what they have.
   * What lies before a write that they have is missing for another reason: it is older
   * than `rows`, or was replaced by a summary.
   */
  merge(key: string, rows: Message[]): Message[] {
    const known = this.#known.get(key);
    if (!known) return rows;
    const there = new Set(rows.map(({ id }) => id));
    let missed: Message[] = [];
    for (const message of known.values()) {
      if (there.has(message.id)) missed = [];
      else missed.push(message);
    }
    return [...rows.map((row) => known.get(row.id) ?? row), ...missed];
  }

  /** Drop messages that were replaced by a summary. */
  forget(key: string, ids: string[]): void {
    const known = this.#known.get(key);
    for (const id of ids) known?.delete(id);
  }
}
