import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWorld } from '../../../src/apply/open-world.ts';
import { applyPlan } from '../../../src/apply/run.ts';
import { openRun } from '../../../src/apply/run-folder.ts';
import { rsyncPull } from '../../../src/copy/rsync-command.ts';
import type { Findings } from '../../../src/inspect/findings.ts';
import type { Check, Operation } from '../../../src/plan/operation.ts';
import type { Plan, Step } from '../../../src/plan/plan.ts';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { changeTree } from '../../support/random-changes.ts';
import { makeTree } from '../../support/random-tree.ts';
import { startSshd, type TestSshd } from '../../support/sshd.ts';

let sshd: TestSshd;
let folder: string;
let hosts: (name: string) => Host;

beforeAll(async () => {
  sshd = await startSshd();
  folder = mkdtempSync(join(tmpdir(), 'drayage-cutover-'));
  writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${sshd.configFile}' "$@"\n`);
  chmodSync(join(folder, 'ssh'), 0o755);
  hosts = (name) => {
    const here = controllerHost(name);
    return {
      name,
      run: (argv, options) => here.run(['env', `PATH=${folder}:${process.env.PATH}`, ...argv], options),
    };
  };
});
afterAll(async () => {
  await sshd?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

function planFor(source: string, share: string): Plan {
  const marker: Check = {
    kind: 'run',
    host: 'prom',
    argv: ['test', '-f', `${share}/.drayage/share.json`],
    expect: { exitCode: 0 },
    what: 'the marker',
  };
  const pass = (kind: 'seed' | 'final'): Operation => ({
    kind: 'copy',
    move: 'docker',
    pass: kind,
    host: 'prom',
    argv: rsyncPull({
      sourceDestination: sshd.destination,
      sourcePath: source,
      targetPath: share,
      exclude: [],
      delete: kind === 'final',
      maxDelete: 1000,
      sudo: false,
      protectMarker: true,
      lock: `${share}.lock`,
      partialFolder: `${share}/.drayage/partial`,
    }),
    source: { host: 'doc1', path: source },
    target: { path: share, topIsShare: true },
    exclude: [],
    maxShare: 0.25,
    maxDelete: 1000,
    guards: [marker],
    what: kind,
  });
  const compare = (scope: 'changed' | 'full'): Check => ({
    kind: 'compare',
    move: 'docker',
    source: { host: 'doc1', path: source },
    target: { host: 'prom', path: share },
    scope,
    exclude: [],
    what: scope,
  });
  const step = (id: string, stage: Step['stage'], rest: Partial<Step>): Step => ({
    id,
    phase: 'one',
    move: 'docker',
    stage,
    title: id,
    why: '',
    needs: [],
    probe: [],
    operations: [],
    proof: [],
    undo: [],
    ...rest,
  });
  return {
    format: 1,
    id: 'cafecafecafe',
    drayage: '0',
    phases: [{ name: 'one', moves: ['docker'] }],
    steps: [
      step('seed docker', 'seed', { operations: [pass('seed')] }),
      step('stop docker', 'cutover', {
        operations: [{ kind: 'run', host: 'doc1', argv: ['true'], what: 'stop' }],
        proof: [{ kind: 'quiet', host: 'doc1', path: source, what: 'quiet' }],
      }),
      step('final-pass docker', 'cutover', { operations: [pass('final')], proof: [compare('changed')] }),
      step('prove docker', 'prove', {
        probe: [{ kind: 'evidence', move: 'docker', what: 'evidence' }],
        proof: [compare('full')],
      }),
    ],
    blockers: [],
    notes: [],
    estimates: {},
  };
}

test.each([11, 12])(
  'a tree in use is seeded, changed, carried over and proven; the marks say what to read (seed %i)',
  async (seed) => {
    const source = join(folder, `source ${seed}`);
    const share = join(folder, `share ${seed}`);
    makeTree(source, seed);
    mkdirSync(join(share, '.drayage'), { recursive: true });
    writeFileSync(join(share, '.drayage/share.json'), '{}');
    const plan = planFor(source, share);
    const never = new AbortController().signal;
    const apply = async (between: () => void) => {
      const run = await openRun(join(folder, `drayage-${seed}.yaml`), plan, { format: 1 } as Findings);
      const { world, compared } = openWorld({
        run,
        planId: plan.id,
        hosts,
        cluster: {
          get: async () => undefined,
          call: async () => undefined,
          waitForTask: async () => undefined,
        },
        sink: () => {},
        finish: never,
        stop: never,
      });
      const result = await applyPlan({
        plan,
        world,
        gate: async () => {
          between();
          return 'open';
        },
      });
      await run.close();
      return { result, compared, run };
    };
    const { result, compared, run } = await apply(() => changeTree(source, seed));
    expect(result.error).toBeUndefined();
    expect(result.exitCode).toBe(0);
    expect(compared.get('docker')).toMatchObject({ scope: 'full', differences: 0, attributesCompared: true });
    expect(run.marks.get().moves.docker?.evidence).toMatchObject({ run: run.name });
    expect(readdirSync(run.path).sort()).toEqual([
      'findings.json',
      'journal.jsonl',
      'manifest-docker-source.jsonl.gz',
      'manifest-docker-target.jsonl.gz',
      'plan.json',
    ]);
    expect(readdirSync(join(share, '.drayage'))).toContain('share.json');
  },
);
