import { PassThrough, Readable } from 'node:stream';

/**
 * Takes a stream of bytes apart at one of them. Each piece is a latin1 string of its own (one character per byte), not
 * a part of a larger one: what is kept of it does not keep the whole chunk in memory.
 */
export function splitter(byte: number, onPiece: (piece: string) => void) {
  let rest = '';
  return {
    push(chunk: Buffer): void {
      let from = 0;
      for (let end = chunk.indexOf(byte); end !== -1; end = chunk.indexOf(byte, from)) {
        const piece = chunk.toString('latin1', from, end);
        from = end + 1;
        if (rest === '') onPiece(piece);
        else {
          const whole = rest + piece;
          rest = '';
          onPiece(whole);
        }
      }
      rest += chunk.toString('latin1', from);
    },
    /** What has come since the last of these bytes. */
    rest: () => rest,
  };
}

/** Records that are each ended by NUL. */
export const nulRecords = (onRecord: (record: string) => void) => splitter(0, onRecord);

/** A NUL-separated list of names, made as it is read. */
export function* nulList(names: Iterable<string>): Generator<Buffer> {
  let batch: string[] = [];
  for (const name of names) {
    batch.push(name);
    if (batch.length < 1000) continue;
    yield Buffer.from(`${batch.join('\0')}\0`, 'latin1');
    batch = [];
  }
  if (batch.length > 0) yield Buffer.from(`${batch.join('\0')}\0`, 'latin1');
}

/** Such a list for a process that is there before the names are known: they are given once, later ones are not heard. */
export function laterList(): { readonly stream: Readable; give(names: readonly string[]): void } {
  // No generator that waits for them: a process that is given up would wait for that.
  const stream = new PassThrough();
  let given = false;
  return {
    stream,
    give(names) {
      if (!given) Readable.from(nulList(names)).pipe(stream);
      given = true;
    },
  };
}
