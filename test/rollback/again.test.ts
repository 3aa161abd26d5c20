import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyPlan } from '../../src/apply/run.ts';
import { type Durable, type Fault, fakeWorld, fresh, plan } from '../apply/fake-world.ts';

let runPath: string;
beforeAll(() => {
  runPath = mkdtempSync(join(tmpdir(), 'drayage-again-'));
});
afterAll(() => rmSync(runPath, { recursive: true, force: true }));

async function run(durable: Durable, runName: string, fault?: Fault) {
  const { world } = fakeWorld(durable, fault, { runPath, runName });
  return applyPlan({ plan, world, gate: async () => 'open' });
}

test('a move that is done again after a rollback is known by the run of its new window', async () => {
  const durable = fresh();
  durable.marks = { ...durable.marks, cutovers: { docker: 'before the rollback' } };
  await run(durable, 'now');
  expect(durable.marks.cutovers).toEqual({ docker: 'now' });
});

test('a run that goes on with a window leaves the one known that began it', async () => {
  const durable = fresh();
  await run(durable, 'first', { at: 5, kind: 'killed-before' });
  expect(durable.marks.window?.run).toBe('first');
  expect((await run(durable, 'second')).exitCode).toBe(0);
  expect(durable.marks.cutovers).toEqual({ docker: 'first' });
});
