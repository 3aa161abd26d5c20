import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSorter } from '../../../src/verify/sort.ts';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'drayage-sort-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));
const never = new AbortController().signal;

describe('records that go through sort', () => {
  test('come back in bytewise order, however their chunks are cut and mixed', async () => {
    const record = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(record),
        fc.array(record),
        fc.integer({ min: 1, max: 9 }),
        async (raw, own, cut) => {
          const sorter = startSorter(scratch, never);
          const bytes = Buffer.from(raw.map((text) => `${text}\0`).join(''), 'latin1');
          const waiting = [...own];
          for (let at = 0; at < bytes.length; at += cut) {
            sorter.pushRaw(bytes.subarray(at, at + cut));
            if (waiting.length > 0) sorter.push(`${waiting.pop()}\0`);
            await sorter.room();
          }
          for (const text of waiting) sorter.push(`${text}\0`);
          const seen: string[] = [];
          await sorter.sorted((text) => {
            seen.push(text);
          });
          expect(seen).toEqual([...raw, ...own].sort((a, b) => (a < b ? -1 : Number(a > b))));
        },
      ),
      { numRuns: 40 },
    );
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('of two tools are not mixed within one record, however much of each comes at a time', async () => {
    const sorter = startSorter(scratch, never);
    const records = (letter: string) =>
      Array.from({ length: 400 }, (_, index) => `${letter}${String(index).padStart(3, '0')}`.repeat(250));
    const bytes = Buffer.from(
      records('r')
        .map((text) => `${text}\0`)
        .join(''),
      'latin1',
    );
    const own = records('o');
    for (let at = 0; at < bytes.length; at += 40_000) {
      sorter.pushRaw(bytes.subarray(at, at + 40_000));
      for (const text of own.splice(0, 70)) sorter.push(`${text}\0`);
      await sorter.room();
    }
    const seen: string[] = [];
    await sorter.sorted((text) => {
      seen.push(text);
    });
    expect(seen).toEqual([...records('o'), ...records('r')]);
  });

  test('without room on the disk end in an error that names the folder', async () => {
    const sorter = startSorter(join(scratch, 'nowhere'), never);
    // More than sort keeps in memory.
    const push = async () => {
      for (let count = 0; count < 200; count += 1) {
        sorter.push(`${String(count).repeat(500_000)}\0`);
        await sorter.room();
      }
      await sorter.sorted(() => {});
    };
    await expect(push()).rejects.toMatchObject({
      code: 'verify/scratch',
      next: [`df -h ${join(scratch, 'nowhere')}`],
    });
  });

  test('are given up when they are not wanted any more', async () => {
    const stop = new AbortController();
    const sorter = startSorter(scratch, stop.signal);
    sorter.push('x\0');
    stop.abort();
    await expect(sorter.sorted(() => {})).rejects.toMatchObject({ code: 'ssh/aborted' });
  });
});
