import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openJournal, readJournal, unfinished } from '../../src/apply/journal.ts';
import { takeLock } from '../../src/apply/lock.ts';
import { openMarks, setMoveMarks, setWindow } from '../../src/apply/marks.ts';
import { listRuns, openRun } from '../../src/apply/run-folder.ts';
import type { Findings } from '../../src/inspect/findings.ts';
import { plan } from './fake-world.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-state-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const operation = { kind: 'run' as const, host: 'doc1', argv: ['true'], what: 'x' };

describe('the journal', () => {
  test('tells which operation was begun and has no outcome', async () => {
    const journal = await openJournal(at('journal.jsonl'));
    const first = await journal.intent('a', operation, false);
    await journal.outcome(first, true, 1);
    await journal.intent('b', operation, false);
    await journal.close();
    const { entries, torn } = await readJournal(at('journal.jsonl'));
    expect(torn).toBe(false);
    expect(unfinished(entries).map(({ step }) => step)).toEqual(['b']);
  });

  test('with a torn last line is read up to it', async () => {
    const journal = await openJournal(at('journal.jsonl'));
    await journal.intent('a', operation, false);
    await journal.close();
    appendFileSync(at('journal.jsonl'), '{"kind":"outco');
    const { entries, torn } = await readJournal(at('journal.jsonl'));
    expect(entries).toHaveLength(1);
    expect(torn).toBe(true);
  });

  test('that is damaged elsewhere says in which line', async () => {
    writeFileSync(at('journal.jsonl'), 'x\n{"kind":"outcome"}\n');
    await expect(readJournal(at('journal.jsonl'))).rejects.toMatchObject({
      code: 'apply/journal-unreadable',
      where: `${at('journal.jsonl')}:1:1`,
    });
  });
});

describe('the lock', () => {
  test('is held by one run, which is named, and given back', async () => {
    const lock = await takeLock(at('lock'), 'run-1');
    await expect(takeLock(at('lock'), 'run-2')).rejects.toMatchObject({
      code: 'apply/locked',
      exit: 11,
      message: expect.stringContaining('run-1'),
      next: ['drayage status', expect.stringContaining(`ps -p ${process.pid}`)],
    });
    await lock.release();
    await (await takeLock(at('lock'), 'run-2')).release();
  });

  test.each([
    ['a process that is gone', () => ({ pid: spawnSync('true').pid, startTime: '1' })],
    ['another process with that number', () => ({ pid: process.pid, startTime: '1' })],
    ['an earlier boot', () => ({ pid: process.pid, bootId: 'earlier' })],
  ])('of %s is replaced', async (_what, holder) => {
    const first = await takeLock(at('lock'), 'run-1');
    const own = JSON.parse(readFileSync(at('lock'), 'utf8'));
    await first.release();
    writeFileSync(at('lock'), JSON.stringify({ ...own, ...holder() }));
    await (await takeLock(at('lock'), 'run-2')).release();
  });

  test('that was torn by a crash is replaced', async () => {
    writeFileSync(at('lock'), '');
    await (await takeLock(at('lock'), 'run-2')).release();
  });
});

describe('the marks', () => {
  test('outlive the process', async () => {
    const marks = await openMarks(at('marks.json'));
    await setMoveMarks(marks, 'docker', {
      pair: 'p',
      seeded: true,
      baseline: {
        since: { seconds: 1, uptime: 2, bootId: 'b' },
        folder: 'since-x',
        directories: 'd',
        pending: 'p',
        entries: 3,
      },
    });
    await setWindow(marks, {
      phase: 'one',
      plan: 'x',
      run: 'r',
      openedAt: 't',
      begun: [{ step: 'stop docker', undo: [operation] }],
      released: [],
    });
    const again = await openMarks(at('marks.json'));
    expect(again.get()).toEqual(marks.get());
    await setWindow(again, undefined);
    expect((await openMarks(at('marks.json'))).get().window).toBeUndefined();
  });

  test('that are not what drayage writes are an error with a way out', async () => {
    writeFileSync(at('marks.json'), '{"format":2}');
    await expect(openMarks(at('marks.json'))).rejects.toMatchObject({
      code: 'apply/state-unreadable',
      next: [expect.stringContaining('mv '), 'drayage status'],
    });
  });
});

test('a run folder lies beside drayage.yaml, is named by time and plan, and two runs never share one', async () => {
  const findings = { format: 1 } as Findings;
  const now = new Date('2026-11-23T15:00:00.123Z');
  for (const name of ['20261123T150000Z-0123456789ab', '20261123T150000Z-0123456789ab-2']) {
    const run = await openRun(at('drayage.yaml'), plan, findings, now);
    expect(run.name).toBe(name);
    expect(JSON.parse(readFileSync(join(run.path, 'plan.json'), 'utf8'))).toEqual(plan);
    await run.close();
  }
  expect(await listRuns(at('drayage.yaml'))).toHaveLength(2);
});
