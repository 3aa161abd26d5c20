import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { RunResult } from '../ssh/host.ts';
import { controllerHost } from '../ssh/local.ts';
import { verifyError } from './errors.ts';
import { nulRecords } from './records.ts';

/** Records are written to sort in pieces of this many characters. */
const batchLength = 64 * 1024;
/** What sort keeps in memory before it goes on in files. */
const sortMemory = '64M';

/** Records of any number, put in order by the system's own `sort`, which keeps them on disk (an external merge sort). */
export interface Sorter {
  /** A record with its ending NUL. */
  push(record: string): void;
  /** Output of one tool, as it comes: records with their ending NULs, in chunks that end anywhere. */
  pushRaw(chunk: Buffer): void;
  /** Resolves when sort has taken what was pushed; undefined: there is room. @throws verify/scratch */
  room(): Promise<void> | undefined;
  /** Ends the input and hands out the records in bytewise order, without their NUL. @throws verify/scratch */
  sorted(onRecord: (record: string) => void, onBatch?: () => Promise<void> | undefined): Promise<void>;
}

/** @param scratch folder for sort's temporary files, on this machine */
export function startSorter(scratch: string, signal: AbortSignal): Sorter {
  const stdin = new PassThrough({ highWaterMark: 4 * batchLength });
  let batch = '';
  let full = false;
  let raw: Buffer[] = [];
  let rawLength = 0;
  let take: ((chunk: Buffer) => Promise<void> | undefined) | undefined;
  const write = (chunk: Buffer) => {
    if (!stdin.write(chunk)) full = true;
  };
  const flush = () => {
    if (batch === '') return;
    write(Buffer.from(batch, 'latin1'));
    batch = '';
  };
  const ended = controllerHost().run(['sort', '-z', '-S', sortMemory, '-T', scratch], {
    stdin,
    onStdout: (chunk) => take?.(chunk),
    signal,
  });
  // Who waits hears of it; nobody may be waiting yet.
  ended.catch(() => {});
  const failed = ({ exitCode, stderr }: RunResult): never => {
    throw verifyError('verify/scratch', {
      seen: `sort ended with ${exitCode}: ${stderr.toString('utf8').trim()}`,
      next: [`df -h ${scratch}`],
    });
  };
  return {
    push(record) {
      batch += record;
      if (batch.length >= batchLength) flush();
    },
    pushRaw(chunk) {
      raw.push(chunk);
      rawLength += chunk.length;
      if (rawLength < batchLength) return;
      const all = Buffer.concat(raw);
      // Another's record must not come between the parts of one.
      const end = all.lastIndexOf(0) + 1;
      if (end > 0) write(all.subarray(0, end));
      raw = [all.subarray(end)];
      rawLength = all.length - end;
    },
    room() {
      if (!full) return undefined;
      full = false;
      // sort does not end before its input, unless it failed.
      return Promise.race([once(stdin, 'drain'), ended.then(failed)]).then(() => {});
    },
    async sorted(onRecord, onBatch) {
      const parser = nulRecords(onRecord);
      take = (chunk) => {
        parser.push(chunk);
        return onBatch?.();
      };
      flush();
      for (const part of raw) write(part);
      stdin.end();
      const result = await ended;
      if (result.exitCode !== 0 || parser.rest() !== '') failed(result);
    },
  };
}
