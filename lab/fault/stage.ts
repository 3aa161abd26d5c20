import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan } from '../../src/plan/plan.ts';
import { type Lab, labPaths, startLab } from '../index.ts';
import { removeState } from '../room/prepare.ts';
import { progressLine } from '../room/progress.ts';
import { runDrayage } from './drayage.ts';
import { type Gate, openGate } from './gate.ts';
import { type Laws, watchLaws } from './laws.ts';
import { call } from './operator.ts';
import { runningOn, workloads } from './watch.ts';

/** A fresh lab before a migration, with drayage's gate and the watcher of the laws. */
export interface Stage {
  readonly lab: Lab;
  readonly gate: Gate;
  readonly laws: Laws;
  /** Nothing more is disturbed: the migration is to come to its end. */
  late(): boolean;
  /** What drayage plans now. */
  plan(): Promise<Plan>;
  readonly say: (text: string) => void;
  /** Aborted: the lab is ended, and what plays in it stops. */
  readonly signal: AbortSignal;
}

/** Boots a lab, has `act` play in it, and ends it again, whatever happens. */
export async function onStage<T>(
  folder: string,
  say: (text: string) => void,
  signal: AbortSignal,
  act: (stage: Stage) => Promise<T>,
  late: () => boolean = () => false,
): Promise<T> {
  const paths = labPaths(folder);
  const own = join(paths.root, 'fault');
  rmSync(own, { recursive: true, force: true });
  const lab = await startLab({
    folder,
    signal,
    say: (event) => {
      const line = event.kind === 'end' ? progressLine(event) : undefined;
      if (line !== undefined) say(line);
    },
  });
  const down = () => void lab.down();
  signal.addEventListener('abort', down, { once: true });
  let laws: Laws | undefined;
  let gate: Gate | undefined;
  try {
    mkdirSync(own, { recursive: true });
    gate = openGate(own, join(paths.drayageState, 'runs'), paths.pve, signal);
    // Another node's entry, another operator's words: both must be there at the end.
    await call(lab, 'POST', '/cluster/mapping/dir', {
      id: 'containers',
      map: 'node=maint,path=/tank/containers',
      description: 'kept for the maintenance node',
    });
    await allRun(lab, 'doc1');
    laws = await watchLaws(lab);
    const open = gate;
    const plan = () => planOf(lab, open, join(own, 'now.plan'));
    return await act({ lab, gate, laws, late, plan, say, signal });
  } finally {
    signal.removeEventListener('abort', down);
    await laws?.stop();
    await gate?.close();
    await lab.down();
    removeState(paths, 'all-but-evidence');
  }
}

async function planOf(lab: Lab, gate: Gate, file: string): Promise<Plan> {
  const planned = await runDrayage(lab, gate, ['plan', '--out', file]);
  if (planned.exitCode !== 0 || !existsSync(file)) throw new Error(`drayage plan: ${planned.said}`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Waits until all workloads run on a guest. */
export async function allRun(lab: Lab, host: string, seconds = 120): Promise<void> {
  for (const end = Date.now() + seconds * 1000; ; await sleep(1_000)) {
    const running = await runningOn(lab.ssh, host);
    if (running.length === workloads.length) return;
    if (Date.now() > end) throw new Error(`on ${host} only ${running.join(', ') || 'nothing'} runs`);
  }
}
