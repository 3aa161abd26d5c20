import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noMarks } from '../../src/apply/marks.ts';
import { openRun } from '../../src/apply/run-folder.ts';
import type { Operation } from '../../src/plan/operation.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import { performedSteps } from '../../src/rollback/performed.ts';
import { readCutovers } from '../../src/rollback/recorded.ts';
import { sampleFindings } from '../support/sample.ts';

let folder: string;
let config: string;
let minute = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-performed-'));
  config = join(folder, 'drayage.yaml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const operation = (what: string): Operation => ({ kind: 'run', host: 'prom', argv: [what], what });
const step = (id: string, undo: string[], more: Partial<Step> = {}): Step => ({
  id,
  phase: 'main',
  ...(id.endsWith('docker') ? { move: 'docker' } : {}),
  stage: 'prepare',
  title: id,
  why: '',
  needs: [],
  probe: [],
  operations: [operation(`do ${id}`)],
  proof: [],
  undo: undo.map(operation),
  ...more,
});
const planOf = (steps: Step[]): Plan => ({
  format: 1,
  id: '0123456789ab',
  drayage: '0',
  phases: [],
  steps,
  blockers: [],
  notes: [],
  estimates: {},
});

/** @param done ids of the steps that were performed; `began`: those whose outcome was never written */
async function ran(steps: Step[], done: string[], began: string[] = []): Promise<string> {
  minute += 1;
  const run = await openRun(
    config,
    planOf(steps),
    sampleFindings(),
    new Date(Date.UTC(2026, 10, 23, 20, minute)),
  );
  for (const each of steps)
    for (const one of each.operations) {
      if (!done.includes(each.id) && !began.includes(each.id)) continue;
      const id = await run.journal.intent(each.id, one, false);
      if (done.includes(each.id)) await run.journal.outcome(id, true, 1);
    }
  await run.close();
  return run.name;
}

const known = async () =>
  (await performedSteps(config)).map(({ id, undo }) => [id, undo.map(({ what }) => what)]);

test('nothing was performed where nothing was run', async () => {
  expect(await known()).toEqual([]);
});

test('a step counts that was begun, even when its outcome is not known; one that was in place does not', async () => {
  const steps = [
    step('dataset containers', ['destroy']),
    step('place docker', ['remove']),
    step('device docker', []),
  ];
  await ran(steps, ['place docker'], ['device docker']);
  expect(await known()).toEqual([
    ['place docker', ['remove']],
    ['device docker', []],
  ]);
});

test('what an earlier run knew to take back is not forgotten by a later one', async () => {
  await ran([step('device docker', ['remove the device'])], ['device docker']);
  await ran([step('device docker', ['the device as it was', 'remove the device'])], ['device docker']);
  await ran([step('device docker', [])], ['device docker']);
  expect(await known()).toEqual([['device docker', ['the device as it was', 'remove the device']]]);
});

test('what a rollback has taken back is forgotten, and nothing that it only began', async () => {
  await ran([step('device docker', ['a']), step('place docker', ['b'])], ['device docker', 'place docker']);
  const back = [step('undo device docker', []), step('undo place docker', [])];
  await ran(back, ['undo device docker'], ['undo place docker']);
  expect(await known()).toEqual([['place docker', ['b']]]);
});

test('with its claim, everything of a move is forgotten, and nothing of the share', async () => {
  await ran(
    [step('marker containers', []), step('seed docker', []), step('place docker', ['b'])],
    ['marker containers', 'seed docker', 'place docker'],
  );
  await ran([step('undo place docker', [])], ['undo place docker']);
  expect(await known()).toEqual([['marker containers', []]]);
});

test('steps of a rollback are not something to take back', async () => {
  await ran([step('stop-target docker', []), step('end docker', [])], ['stop-target docker', 'end docker']);
  expect(await known()).toEqual([]);
});

test('a move done again after its rollback is to be taken back again', async () => {
  await ran([step('place docker', ['first'])], ['place docker']);
  await ran([step('undo place docker', [])], ['undo place docker']);
  await ran([step('place docker', ['second'])], ['place docker']);
  expect(await known()).toEqual([['place docker', ['second']]]);
});

test('the run of a cutover is read with what it had found; one whose folder is gone knows nothing', async () => {
  const run = await ran([step('place docker', [])], []);
  const marks = { ...noMarks, cutovers: { docker: run, media: '20200101T000000Z-aaaaaaaaaaaa' } };
  const found = await readCutovers(config, marks);
  expect([...found.keys()]).toEqual(['docker']);
  expect(found.get('docker')?.findings).toEqual(sampleFindings());
  expect(found.get('docker')?.plan.steps[0]?.id).toBe('place docker');
});
