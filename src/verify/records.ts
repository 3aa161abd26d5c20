/** Splits a stream of bytes at NUL; keeps only the record at hand. Records are latin1 strings: one character per byte. */
export function nulRecords(onRecord: (record: string) => void): {
  push(chunk: Buffer): void;
  rest(): string;
} {
  let rest = '';
  return {
    push(chunk) {
      const records = (rest + chunk.toString('latin1')).split('\0');
      rest = records.pop() as string;
      for (const record of records) onRecord(record);
    },
    rest: () => rest,
  };
}

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
