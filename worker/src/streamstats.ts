/**
 * What went through a stream: the words that are saved, and counts that say how sound
 * it was. Filled by the converter, read when the stream has ended.
 */

export class StreamStats {
  events = 0;
  malformed = 0; // data that was skipped
  oversized = 0; // lines over the parser's limit
  signatures = 0; // dropped with the thinking that they sign
  dropped = 0; // citations, server-side tools, kinds that are not known
  text = "";
  inputTokens = 0;
  outputTokens = 0;
  finishReason: string | null = null;
  error: string | null = null; // type of the error that ended the stream
  done = false;
}
