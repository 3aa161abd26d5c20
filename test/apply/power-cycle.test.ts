import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { finishPowerCycle, isFinished, lastPowerCycle } from '../../src/apply/power-cycle.ts';
import type { World } from '../../src/apply/world.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Step } from '../../src/plan/plan.ts';
import { sshError } from '../../src/ssh/errors.ts';
import { sampleConfig, sampleFindings, sampleYaml } from '../support/sample.ts';

const plan = makePlan(sampleConfig(sampleYaml), sampleFindings(), '0.1.0');
const cycle = plan.steps.find(({ id }) => id === 'power-cycle docker') as Step;
let folder: string;
let config: string;
let runs = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'power-cycle-'));
  config = join(folder, 'drayage.yaml');
  runs = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A run that began these steps, one operation of each. */
function ran(...steps: string[]): void {
  runs += 1;
  const path = join(folder, '.drayage/runs', `2026112${runs}T200000Z-${plan.id}`);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'plan.json'), JSON.stringify(plan));
  writeFileSync(join(path, 'findings.json'), JSON.stringify(sampleFindings()));
  const lines = steps.map((step, index) =>
    JSON.stringify({
      kind: 'intent',
      id: index + 1,
      time: '',
      step,
      undo: false,
      operation: cycle.operations[0],
    }),
  );
  writeFileSync(join(path, 'journal.jsonl'), lines.map((line) => `${line}\n`).join(''));
}

/** A VM of which the API tells, with a task that is at work on it for so many looks. */
function vm(given: { status: string; tasks?: number; answersAfter?: number }) {
  const state = { status: given.status, tasks: given.tasks ?? 0, silent: given.answersAfter ?? 0 };
  const did: string[] = [];
  let clock = 0;
  const never = new AbortController().signal;
  const world = {
    cluster: {
      async get(path: string) {
        if (path.includes('/tasks?')) {
          state.tasks -= 1;
          if (state.tasks === 0) state.status = 'stopped';
          return state.tasks >= 0 ? [{ type: 'qmshutdown' }] : [];
        }
        return { status: state.status };
      },
      async call(method: string, path: string) {
        did.push(`${method} ${path}`);
        state.status = 'running';
      },
    },
    hosts: (name: string) => ({
      name,
      async run() {
        state.silent -= 1;
        if (state.silent >= 0 || state.status !== 'running')
          throw sshError('ssh/closed', { seen: name, next: ['ping'] });
        return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
      },
    }),
    journal: {
      intent: async (step: string) => did.push(`intent of ${step}`),
      outcome: async () => void did.push('outcome'),
    },
    sink: () => {},
    finish: never,
    stop: never,
    now: () => clock,
    sleep: async (milliseconds: number) => {
      clock += milliseconds;
    },
  } as unknown as World;
  return { world, did };
}

test('a run whose last deed was the power cycle is known, with the plan and the findings that it had', async () => {
  ran('mount-units docker', cycle.id);
  expect(await lastPowerCycle(config)).toEqual({ plan, findings: sampleFindings(), step: cycle });
});

test('a run that came to a later step has ended its power cycle', async () => {
  ran(cycle.id, 'images docker');
  expect(await lastPowerCycle(config)).toBeUndefined();
});

test('a run that changed nothing does not hide the one before it', async () => {
  ran(cycle.id);
  ran();
  expect((await lastPowerCycle(config))?.step.id).toBe(cycle.id);
});

test('without any run there is none', async () => {
  expect(await lastPowerCycle(config)).toBeUndefined();
});

test('a guest that runs and answers is left alone', async () => {
  expect(await isFinished(cycle, vm({ status: 'running' }).world)).toBe(true);
});

test.each([
  ['is stopped', { status: 'stopped' }],
  ['is being shut down', { status: 'running', tasks: 1 }],
  ['does not answer yet', { status: 'running', answersAfter: 1 }],
])('one that %s is not finished', async (_, given) => {
  const { world, did } = vm(given);
  expect(await isFinished(cycle, world)).toBe(false);
  expect(did).toEqual([]);
});

test('a VM that is stopped is started, with the intent in the journal before it', async () => {
  const { world, did } = vm({ status: 'stopped', answersAfter: 3 });
  await finishPowerCycle(cycle, world);
  const start = cycle.operations.at(-1);
  expect(did).toEqual([
    `intent of ${cycle.id}`,
    `POST ${start?.kind === 'call' ? start.path : ''}`,
    'outcome',
  ]);
  expect(await isFinished(cycle, world)).toBe(true);
});

test('a shutdown that is under way is waited for, and started after it', async () => {
  const { world, did } = vm({ status: 'running', tasks: 4 });
  await finishPowerCycle(cycle, world);
  expect(did.filter((what) => what.startsWith('POST'))).toHaveLength(1);
  expect(await isFinished(cycle, world)).toBe(true);
});

test('a VM that boots is only waited for', async () => {
  const { world, did } = vm({ status: 'running', answersAfter: 5 });
  await finishPowerCycle(cycle, world);
  expect(did).toEqual([]);
  expect(await isFinished(cycle, world)).toBe(true);
});
