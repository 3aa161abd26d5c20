import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { checkWriterLog, writerChecksum } from '../../../lab/services/writer-log.ts';

const line = (number: number): string => `${number} ${writerChecksum(number)}\n`;
const log = (...numbers: number[]): Buffer => Buffer.from(numbers.map(line).join(''));

describe('the log of the writer', () => {
  it('is whole when it counts from one without a gap', () => {
    expect(checkWriterLog(log(1, 2, 3))).toEqual({ lines: 3, lost: 0, doubled: 0, bad: 0 });
  });

  it('is empty before the first line', () => {
    expect(checkWriterLog(Buffer.alloc(0))).toEqual({ lines: 0, lost: 0, doubled: 0, bad: 0 });
  });

  it('shows every number that is missing, also at its start', () => {
    expect(checkWriterLog(log(3, 4, 7))).toMatchObject({ lines: 3, lost: 4 });
  });

  it('shows a writer that went back to an older state', () => {
    expect(checkWriterLog(log(1, 2, 3, 2, 3, 4))).toMatchObject({ lines: 4, lost: 0, doubled: 2 });
  });

  it('shows two writers that took turns', () => {
    expect(checkWriterLog(log(1, 3, 2))).toMatchObject({ lost: 0, doubled: 0, bad: 1 });
  });

  it('shows a torn last line, a wrong checksum and zero bytes', () => {
    expect(checkWriterLog(Buffer.concat([log(1), Buffer.from('2 26')]))).toMatchObject({ lines: 1, bad: 1 });
    expect(checkWriterLog(Buffer.concat([log(1), Buffer.from('2 26\n')]))).toMatchObject({
      lines: 1,
      bad: 1,
    });
    expect(checkWriterLog(Buffer.concat([log(1), Buffer.alloc(9), log(2)]))).toMatchObject({
      lost: 0,
      bad: 1,
    });
  });

  it('has the checksum that a shell computes in 64 bits', () => {
    for (const number of [1, 2, 10, 65537, 3_000_000]) {
      const shell = execFileSync('sh', ['-c', `echo $(( (${number} * 2654435761 + 97) % 4294967291 ))`]);
      expect(String(writerChecksum(number))).toBe(shell.toString().trim());
    }
  });
});
