import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../../src/apply/events.ts';
import type { Entry } from '../../src/apply/journal.ts';
import { type Marks, noMarks } from '../../src/apply/marks.ts';
import type { World } from '../../src/apply/world.ts';
import type { Check, Operation } from '../../src/plan/operation.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import type { Host } from '../../src/ssh/host.ts';

/** Two guests and a node as a handful of facts. It outlives a run, as the real ones do. */
export interface Facts {
  [fact: string]: string;
}

/** Thrown where the process would have been killed: nothing after it happens in that run. */
export class Killed extends Error {}

export interface Fault {
  /** At which change, counted from 0. */
  readonly at: number;
  /** `killed-before`, `killed-after`: the process dies; `fails`: the command ends with exit code 1. */
  readonly kind: 'killed-before' | 'killed-after' | 'fails';
}

export interface Durable {
  facts: Facts;
  marks: Marks;
  journal: Entry[];
  /** Each change that was made, with the laws it broke. */
  history: string[];
  broken: string[];
}

export function fresh(): Durable {
  return {
    facts: {
      source: 'running',
      fence: 'down',
      target: 'stopped',
      released: 'no',
      marker: 'there',
      data: 'none',
      proven: 'no',
      placed: 'no',
      mounted: 'no',
    },
    marks: noMarks,
    journal: [],
    history: [],
    broken: [],
  };
}

/** argv of a change: `set FACT VALUE`; of a look: `is FACT VALUE`. */
const set = (what: string, fact: string, value: string, guards: Check[] = []): Operation => ({
  kind: 'run',
  host: 'doc1',
  argv: ['set', fact, value],
  guards,
  what,
});
const is = (fact: string, value: string): Check => ({
  kind: 'run',
  host: 'doc1',
  argv: ['is', fact, value],
  expect: { exitCode: 0 },
  what: `${fact} is ${value}`,
});

const compare = (scope: 'changed' | 'full'): Check => ({
  kind: 'compare',
  move: 'docker',
  source: { host: 'doc1', path: '/mnt/docker' },
  target: { host: 'prom', path: '/share/docker' },
  scope,
  exclude: [],
  what: 'source and target are one',
});

function step(id: string, stage: Step['stage'], rest: Partial<Step>): Step {
  return {
    id: `${id} docker`,
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
  };
}

export function copy(pass: 'seed' | 'final'): Extract<Operation, { kind: 'copy' }> {
  return {
    kind: 'copy',
    move: 'docker',
    pass,
    host: 'prom',
    argv: ['rsync', ...(pass === 'final' ? ['--delete-delay'] : []), 'doc1:/mnt/docker/', '/share/docker/'],
    ...(pass === 'seed'
      ? { partArgv: ['rsync', 'part'], rounds: { most: 5, settled: 10, processes: 4 } }
      : {}),
    listArgv: ['rsync', '--delete-missing-args', 'list'],
    source: { host: 'doc1', path: '/mnt/docker' },
    target: { path: '/share/docker', topIsShare: false },
    exclude: [],
    maxShare: 0.25,
    maxDelete: 10,
    guards: [is('marker', 'there'), is('released', 'no')],
    what: pass,
  };
}

/** A plan of the shape that src/plan makes, over these facts. */
export const plan: Plan = {
  format: 1,
  id: '0123456789ab',
  drayage: '0.0.0',
  phases: [{ name: 'one', moves: ['docker'] }],
  blockers: [],
  notes: [],
  estimates: {
    docker: {
      entries: 1000,
      bytes: 5000,
      seedSeconds: 1,
      windowSeconds: 30,
      workloads: 2,
      window: { stop: 4, copy: 16, release: 6, start: 4 },
    },
  },
  steps: [
    step('place', 'prepare', {
      probe: [is('placed', 'yes')],
      operations: [set('place', 'placed', 'yes', [is('marker', 'there')])],
      proof: [is('placed', 'yes')],
    }),
    step('mounted', 'prepare', {
      probe: [is('mounted', 'yes')],
      operations: [set('mount', 'mounted', 'yes')],
      proof: [is('mounted', 'yes')],
    }),
    step('seed', 'seed', {
      needs: ['place docker'],
      probe: [is('released', 'yes')],
      operations: [copy('seed')],
    }),
    step('fence', 'cutover', {
      needs: ['seed docker'],
      probe: [is('fence', 'up')],
      operations: [set('fence', 'fence', 'up')],
      proof: [is('fence', 'up')],
      undo: [set('unfence', 'fence', 'down')],
    }),
    step('stop', 'cutover', {
      needs: ['fence docker'],
      probe: [is('source', 'stopped')],
      operations: [set('stop', 'source', 'stopped')],
      proof: [is('source', 'stopped')],
      undo: [set('start again', 'source', 'running')],
    }),
    step('final-pass', 'cutover', {
      needs: ['stop docker'],
      probe: [is('released', 'yes')],
      operations: [copy('final')],
      proof: [compare('changed')],
    }),
    step('release', 'cutover', {
      needs: ['final-pass docker'],
      probe: [is('released', 'yes')],
      operations: [
        set('release', 'released', 'yes', [
          is('marker', 'there'),
          is('fence', 'up'),
          is('source', 'stopped'),
          is('mounted', 'yes'),
        ]),
      ],
      proof: [is('released', 'yes')],
    }),
    step('start', 'cutover', {
      needs: ['release docker'],
      probe: [is('target', 'running')],
      operations: [set('start', 'target', 'running')],
      proof: [is('target', 'running')],
    }),
    step('prove', 'prove', {
      needs: ['start docker'],
      probe: [{ kind: 'evidence', move: 'docker', what: 'proof' }],
      proof: [compare('full')],
    }),
  ],
};

const empty = Buffer.alloc(0);

const summary = { entries: 1, files: 1, bytes: 1, filesRead: 1, bytesRead: 1, attributesKnown: true };

async function directoriesIn(folder: string): Promise<string> {
  const file = join(folder, 'directories.gz');
  await writeFile(file, '');
  return file;
}

/** A reader that no comparison of this world asks. */
const nothingRead = { entries: new Map(), attributesKnown: true };

/** One run over durable facts. */
export function fakeWorld(
  durable: Durable,
  fault?: Fault,
  more: Partial<World> = {},
): { world: World; events: Event[] } {
  const events: Event[] = [];
  let changes = 0;
  let dead = false;
  let clock = 1_800_000_000_000;
  const { facts, broken } = durable;
  const alive = () => {
    if (dead) throw new Killed();
  };
  const change = (what: string, effect: () => void): boolean => {
    alive();
    const here = fault?.at === changes ? fault.kind : undefined;
    changes += 1;
    if (here === 'killed-before') {
      dead = true;
      throw new Killed();
    }
    const intent = durable.journal.at(-1);
    if (intent?.kind !== 'intent') broken.push(`law 5: ${what} without its intent on disk`);
    if (here === 'fails') return false;
    effect();
    durable.history.push(what);
    if (facts.source === 'running' && facts.target === 'running')
      broken.push(`law 2: two writers after ${what}`);
    if (here === 'killed-after') {
      dead = true;
      throw new Killed();
    }
    return true;
  };
  const apply = (fact: string, value: string) => () => {
    if (fact === 'target' && value === 'running') {
      if (facts.source !== 'stopped' || facts.fence !== 'up')
        broken.push('law 2: started while the source is not stopped and fenced');
      if (facts.released !== 'yes' || facts.proven !== 'yes') broken.push('law 3: started on unproven data');
    }
    // An assertion of systemd: a fenced unit does not start.
    if (fact === 'source' && value === 'running')
      facts.data = facts.data === 'equal' ? 'behind' : (facts.data ?? '');
    facts[fact] = value;
  };
  const host = (name: string): Host => ({
    name,
    async run(argv) {
      alive();
      const [verb, fact = '', value = ''] = argv;
      if (verb === 'is') return { exitCode: facts[fact] === value ? 0 : 1, stdout: empty, stderr: empty };
      if (verb === 'set') {
        if (fact === 'source' && value === 'running' && facts.fence === 'up') {
          change('refused start', () => {});
          return { exitCode: 1, stdout: empty, stderr: Buffer.from('Assertion failed') };
        }
        const done = change(`${fact}=${value}`, apply(fact, value));
        return { exitCode: done ? 0 : 1, stdout: empty, stderr: empty };
      }
      if (argv.join(' ').includes('date +%s')) {
        const seconds = Math.floor(clock / 1000);
        return {
          exitCode: 0,
          stdout: Buffer.from(
            `${seconds}\n${seconds - 1_700_000_000}.00 1.00\n00000000-0000-0000-0000-000000000000\n`,
          ),
          stderr: empty,
        };
      }
      if (argv[0] === 'test') return { exitCode: 1, stdout: empty, stderr: empty };
      if (argv[2]?.startsWith('stat -c "%F %d %i"'))
        return { exitCode: 0, stdout: Buffer.from('directory 7 99\nx'), stderr: empty };
      if (argv.join(' ').includes('sync')) return { exitCode: 0, stdout: empty, stderr: empty };
      throw new Error(`the test's host knows no ${argv.join(' ')}`);
    },
  });
  const guarded = () => {
    alive();
    if (facts.marker !== 'there') broken.push('law 4: a pass without the marker');
    if (facts.released === 'yes') broken.push('a pass over released data');
  };
  const carried = () => {
    facts.data = facts.source === 'stopped' ? 'equal' : 'behind';
    facts.proven = 'no';
  };
  const compared = () => {
    const equal = facts.data === 'equal';
    if (equal) facts.proven = 'yes';
    const difference = { path: 'x', name: 'x', what: 'content', source: 'a', target: 'b' } as const;
    return { differences: equal ? [] : [difference] };
  };
  let ids = 0;
  const never = new AbortController().signal;
  const world: World = {
    hosts: host,
    cluster: { get: async () => undefined, call: async () => undefined, waitForTask: async () => undefined },
    journal: {
      async intent(stepId, operation, undo) {
        alive();
        ids += 1;
        durable.journal.push({ kind: 'intent', id: ids, time: '', step: stepId, undo, operation });
        return ids;
      },
      async outcome(id, ok, seconds, error) {
        alive();
        const entry: Entry = { kind: 'outcome', id, time: '', ok, seconds };
        durable.journal.push(error === undefined ? entry : { ...entry, error });
      },
    },
    marks: {
      get: () => durable.marks,
      async set(marks) {
        alive();
        durable.marks = marks;
      },
    },
    sink: (event) => events.push(event),
    runPath: '/nonexistent',
    runName: 'run',
    planId: plan.id,
    finish: never,
    stop: never,
    copies: '/nonexistent',
    census: plan.estimates,
    known: new Map(),
    finals: new Map(),
    prepared: new Map(),
    async pass(pass) {
      guarded();
      const done = change(`${pass.pass} pass`, carried);
      if (!done) throw new Error('rsync failed');
      return { changed: 1, deleted: 0, bytes: 1, unsettled: 0 };
    },
    async bulk() {
      guarded();
      if (!change('bulk', carried)) throw new Error('rsync failed');
      return { by: 'tar', changed: 1000, deleted: 0, bytes: 1, unsettled: 0, processes: 1, probe: [] };
    },
    async settle(_sides, { folder }) {
      alive();
      facts.known = 'yes';
      return { entries: 1000, pending: [], directories: await directoriesIn(folder) };
    },
    async changes(pass, _baseline, { directories, begin, onCarry }) {
      await begin;
      guarded();
      if (facts.known !== 'yes') broken.push('a list of changes since nobody knows when');
      if (!change(pass.frozen ? 'final changes' : 'changes', carried)) throw new Error('rsync failed');
      if (directories !== undefined) await writeFile(directories, '');
      onCarry?.([{ names: ['x'], written: Promise.resolve() }]);
      return {
        kind: 'done',
        listed: ['x'],
        inodes: new Map([['x', '1:2']]),
        scanSeconds: 0.1,
        entries: 1000,
        changed: 1,
        deleted: 0,
        bytes: 1,
        unsettled: 0,
      };
    },
    digest: async () => 'sha256',
    readers(_sides, algorithm) {
      const names = new Set<string>();
      return {
        algorithm,
        begin(parts) {
          for (const part of parts) for (const name of part.names) names.add(name);
        },
        has: (path) => names.has(path),
        source: Promise.resolve(nothingRead),
        target: Promise.resolve(nothingRead),
        hear() {},
        close() {},
      };
    },
    async listed(_sides, names, { readers }) {
      for (const name of names) if (readers?.has(name) === false) broken.push(`${name} is never read`);
      alive();
      const { differences } = compared();
      return { differences, entries: 1, filesRead: 1, bytesRead: 1, attributesCompared: true };
    },
    async compare(_sides, { folder, names }) {
      alive();
      const { differences } = compared();
      return {
        source: { file: join(folder, names.source), ...summary },
        target: { file: join(folder, names.target), ...summary },
        algorithm: 'sha256',
        differences: differences.length,
        first: differences,
        sockets: [],
        tops: [],
        attributesCompared: true,
        counts: { entries: 1, files: 1, bytes: 1, filesRead: 1, bytesRead: 1 },
      };
    },
    compared: () => {},
    now: () => {
      clock += 100;
      return clock;
    },
    async sleep(_milliseconds, signal) {
      if (signal !== undefined && !signal.aborted) await once(signal, 'abort');
    },
    ...more,
  };
  return { world, events };
}
