/**
 * Splits a byte stream into JSON values, one per line, as QMP and the guest agent send them.
 * Works on bytes, so a character cut in two by the socket stays whole.
 */
export class JsonLines {
  #rest: Buffer = Buffer.alloc(0);

  /** Adds a chunk; returns the values that are now complete. Throws SyntaxError for a line that is not JSON. */
  push(chunk: Buffer): unknown[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const values: unknown[] = [];
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      const line = bytes.subarray(0, end).toString('utf8').trim();
      bytes = bytes.subarray(end + 1);
      if (line !== '') values.push(JSON.parse(line));
    }
    this.#rest = bytes;
    return values;
  }
}
