import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openMarks } from '../../src/apply/marks.ts';
import { readPlan, readRecorded } from '../../src/apply/recorded-plans.ts';
import { openRun } from '../../src/apply/run-folder.ts';
import { readBegun, strangers, takeOver } from '../../src/apply/take-over.ts';
import type { Findings } from '../../src/inspect/findings.ts';
import { moveContext } from '../../src/plan/context.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import { rescueText } from '../../src/plan/rescue.ts';
import { readCutovers } from '../../src/rollback/recorded.ts';
import type { Hosts } from '../../src/ssh/host.ts';
import { moved } from '../support/handed-over.ts';
import { onTarget } from '../support/on-target.ts';
import { notesUnit, sampleConfig, sampleFindings, web } from '../support/sample.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-take-over-'));
  writeFileSync(join(folder, 'drayage.yaml'), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const config = sampleConfig();
const file = () => join(folder, 'drayage.yaml');
const note = rescueText(moveContext(config, sampleFindings(), config.moves.docker!)!);
/** As the lost controller planned it, on the share that it had made. */
const then = makePlan(config, { ...sampleFindings(), shares: moved({}).shares }, '0.1.0');
const marks = async () => (await openMarks(join(folder, '.drayage', 'marks.json'))).get();

/** The node has this note, or none. */
const node =
  (text: string | undefined): Hosts =>
  (name) => ({
    name,
    run: async (argv) => ({
      exitCode: text !== undefined && argv[0] === 'cat' && argv[1]?.endsWith('/rescue.json') ? 0 : 1,
      stdout: Buffer.from(text ?? ''),
      stderr: Buffer.from(text === undefined ? 'cat: No such file or directory' : ''),
    }),
  });

/** Stopped and fenced by somebody else; or handed over. */
function world(state: 'open' | 'handed-over'): Findings {
  const found = moved({ released: state === 'handed-over', handedOver: state === 'handed-over' });
  const doc1 = found.guests.doc1!;
  const system = {
    ...doc1.system!,
    containers: doc1.system!.containers.map((each) => ({ ...each, running: false, restartPolicy: 'no' })),
    units: doc1.system!.units.map((unit) => ({ ...unit, active: false })),
    fences: ['/etc/systemd/system/web.service.d/50-drayage-fence.conf'],
  };
  return { ...found, guests: { ...found.guests, doc1: { ...doc1, system } } };
}

async function take(state: 'open' | 'handed-over', ...texts: (string | undefined)[]) {
  const text = texts.length === 0 ? note : texts[0];
  const findings = world(state);
  const known = strangers(config, findings, makePlan(config, findings, '0.1.0'), await marks());
  const begun = await readBegun(known, { config, findings, hosts: node(text), version: '0.1.0' });
  for (const each of begun) {
    const run = await openRun(file(), each.plan, each.findings);
    await takeOver(each, run, new Date('2026-11-27T20:00:00Z'));
    await run.close();
  }
  return { begun, findings };
}

const undo = (id: string) => then.steps.find((step) => step.id === id)?.undo;

describe('another controller, in an empty folder', () => {
  test('knows of an open window what takes it back, as the lost one did, and whose plan goes on', async () => {
    const { begun } = await take('open');
    expect(begun).toMatchObject([{ move: 'docker', state: 'open' }]);
    const { window, cutovers } = await marks();
    expect(window).toMatchObject({
      plan: begun[0]?.plan.id,
      released: [],
      begun: [
        { step: 'fence docker', move: 'docker', undo: undo('fence docker') },
        { step: 'stop docker', move: 'docker', undo: undo('stop docker') },
      ],
    });
    expect(cutovers).toEqual({ docker: window?.run });
    const plan = await readPlan(join(folder, '.drayage', 'runs', window?.run as string, 'plan.json'));
    expect(plan.blockers).toEqual([]);
    expect(plan.steps.find(({ id }) => id === 'start docker')).toEqual(
      then.steps.find(({ id }) => id === 'start docker'),
    );
  });

  test('takes away what was laid on the target, also after a run that was cut off there, and leaves what it had', async () => {
    const noteOf = (findings: Findings) => rescueText(moveContext(config, findings, config.moves.docker!)!);
    const first = noteOf(onTarget([web]));
    const { begun } = await take('open', noteOf(onTarget([web, notesUnit], first)));
    const undone = JSON.stringify(begun[0]?.plan.steps.find(({ id }) => id === 'definitions docker')?.undo);
    expect(undone).toContain(notesUnit.sourcePath);
    expect(undone).not.toContain(web.sourcePath);
  });

  test('knows after the hand-over how the workloads ran, and has no window', async () => {
    const { findings } = await take('handed-over');
    expect((await marks()).window).toBeUndefined();
    const recorded = await readRecorded(file(), await marks(), findings);
    expect(recorded.get('docker')?.released).toBe(true);
    const cutover = (await readCutovers(file(), await marks())).get('docker');
    expect(cutover?.findings.guests.doc1?.system?.containers[0]).toMatchObject({
      running: true,
      restartPolicy: 'always',
    });
  });

  test('takes over once: then it is no stranger any more', async () => {
    const { findings } = await take('handed-over');
    const plan = makePlan(config, findings, '0.1.0');
    expect(strangers(config, findings, plan, await marks())).toEqual([]);
  });

  test('takes nothing over that was never begun', async () => {
    const findings = sampleFindings();
    expect(strangers(config, findings, makePlan(config, findings, '0.1.0'), await marks())).toEqual([]);
  });

  test.each([
    ['no note', undefined, 'No such file'],
    ['a note of another move', note.replace('"move":"docker"', '"move":"media"'), 'not a note of this move'],
  ])('refuses with %s, and keeps nothing', async (_what, text, seen) => {
    await expect(take('open', text)).rejects.toMatchObject({
      code: 'apply/no-note',
      seen: expect.stringContaining(seen),
      next: ['drayage inspect', 'docs/recovery.md, "Who may write?"'],
    });
    expect((await marks()).cutovers).toEqual({});
  });
});
