/** What a reading of the writer's log shows. A migration without loss has zeros in all but `lines`. */
export interface WriterLog {
  /** Good lines: each number counts once. */
  lines: number;
  /** Numbers between 1 and the highest one that are missing. */
  lost: number;
  /** Lines whose number had been written before: two writers, or one that went back. */
  doubled: number;
  /** Lines that are torn, have a wrong checksum, or stand behind a higher number. */
  bad: number;
}

/** The checksum beside each number, as lab/services/guest/writer.sh computes it. */
export function writerChecksum(number: number): number {
  return Number((BigInt(number) * 2654435761n + 97n) % 4294967291n);
}

/**
 * Checks the log of the service `writer`, whose line N is `N CHECKSUM(N)` and which counts from 1.
 * @param bytes the log as it lies on the disk; the writer must not be running
 */
export function checkWriterLog(bytes: Uint8Array): WriterLog {
  const text = Buffer.from(bytes).toString('latin1');
  const lines = text.split('\n');
  const seen = new Set<number>();
  let highest = 0;
  let doubled = 0;
  // A log ends with a newline: what follows the last one is a torn line.
  let bad = lines.pop() === '' ? 0 : 1;
  for (const line of lines) {
    const match = /^([1-9][0-9]{0,14}) ([0-9]+)$/.exec(line);
    const number = Number(match?.[1]);
    if (match === null || match[2] !== String(writerChecksum(number))) {
      bad += 1;
    } else if (seen.has(number)) {
      doubled += 1;
    } else {
      seen.add(number);
      if (number < highest) bad += 1;
      highest = Math.max(highest, number);
    }
  }
  return { lines: seen.size, lost: highest - seen.size, doubled, bad };
}
