/**
 * Server-sent events from text that arrives in any pieces.
 *
 * Follows the parsing rules of the WHATWG HTML standard, section "Server-sent events":
 * lines end with LF, CR or CRLF; several `data` lines of an event are joined by LF; a
 * line that starts with a colon is a comment. Two departures: an event that the end of
 * the stream cuts off is still given out, because a stream may lack its last blank
 * line; and an event has a largest size, because its sender is not ours.
 */

const LIMIT = 2 ** 20; // characters; the largest recorded line is under 16 KiB

/** Feed it pieces, it gives back the data of each event that has become whole. */
export class EventParser {
  /** Lines and events over the limit, which were dropped. */
  oversized = 0;
  #line = ""; // what there is of the line that is not ended yet
  #size = 0; // of that line, more than is kept if it is oversized
  #afterCr = false; // an LF that comes next belongs to the CR before it
  #data: string[] = []; // of the event that is not ended yet
  #dataSize = 0;

  /** Data of the events that `piece` completes, without their field names. */
  feed(piece: string): string[] {
    if (!piece) return [];
    let text = this.#afterCr && piece.startsWith("\n") ? piece.slice(1) : piece;
    this.#afterCr = piece.endsWith("\r");
    if (text.includes("\r")) text = text.replace(/\r\n?/g, "\n");
    const events: string[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#endLine(text.slice(start, end), events);
      start = end + 1;
    }
    this.#hold(text.slice(start));
    return events;
  }

  /** Data of the event that the end of the stream cut off, if there is any. */
  close(): string[] {
    const events: string[] = [];
    this.#endLine("", events);
    this.#endLine("", events);
    return events;
  }

  #hold(part: string): void {
    this.#size += part.length;
    this.#line = this.#size > LIMIT ? "" : this.#line + part;
  }

  /** Take the line that `end` ends: a field, or the blank one after an event. */
  #endLine(end: string, events: string[]): void {
    this.#hold(end);
    const line = this.#line;
    const oversized = this.#size > LIMIT;
    this.#line = "";
    this.#size = 0;
    if (oversized) {
      this.oversized += 1;
    } else if (!line) {
      this.#dispatch(events);
    } else if (line.startsWith("data:")) {
      this.#collect(line.slice(line.startsWith(" ", 5) ? 6 : 5));
    } else if (line === "data") {
      this.#collect("");
    }
  }

  #collect(value: string): void {
    this.#dataSize += value.length + 1;
    if (this.#dataSize <= LIMIT || !this.#data.length) this.#data.push(value);
  }

  #dispatch(events: string[]): void {
    if (this.#dataSize > LIMIT) {
      this.oversized += 1;
    } else if (this.#data.length) {
      events.push(this.#data.join("\n"));
    }
    this.#data = [];
    this.#dataSize = 0;
  }
}
