import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killedAgainAndAgain, killsOf } from '../../lab/fault/killed.ts';
import type { Moment } from '../../lab/fault/points.ts';
import { type Row, table } from '../../lab/fault/row.ts';
import { allRun, onStage } from '../../lab/fault/stage.ts';

/** A few of the rows of `npm run fault`: those that hurt most. */
const kills: Readonly<Record<string, Moment>> = {
  // The target guest goes down, and nobody is there to start it.
  'power-cycle doc1 #1': 'during',
  // The node's rsync is cut off with deletions half done.
  'final-pass doc1 #1': 'during',
  // The target may write from here on, and drayage does not know it.
  'release doc1 #1': 'after',
};

let folder: string;
let rows: readonly Row[] = [];
let broken: readonly string[] = ['the migration did not come to its end'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-fault-'));
  const said: string[] = [];
  const begun = Date.now();
  const say = (text: string) => said.push(`${Math.round((Date.now() - begun) / 1000)} s  ${text}`);
  try {
    await onStage(folder, say, new AbortController().signal, async (stage) => {
      rows = await killedAgainAndAgain(
        stage,
        killsOf(await stage.plan(), (name) => kills[name]),
      );
      await allRun(stage.lab, 'doc2');
      broken = [...stage.laws.broken(), ...(await stage.laws.atTheEnd())];
    });
  } finally {
    console.log([...said, table(rows)].join('\n'));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('drayage, killed at its worst moments, goes on by itself with the next run', () => {
  expect(rows.map(({ operation, fault, resumed, wrong }) => ({ operation, fault, resumed, wrong }))).toEqual(
    Object.entries(kills).map(([operation, moment]) => ({
      ...{ operation, fault: `killed ${moment}`, resumed: 'yes', wrong: undefined },
    })),
  );
});

test('meanwhile no law is broken, and at the end every byte is there and everything runs', () => {
  expect(rows.flatMap((row) => row.broken)).toEqual([]);
  expect(broken).toEqual([]);
});
