import type { Entry } from '../../src/apply/journal.ts';
import { type Marks, noMarks } from '../../src/apply/marks.ts';
import { quietScript } from '../../src/apply/quiet.ts';
import type { World } from '../../src/apply/world.ts';
import type { Check, Operation } from '../../src/plan/operation.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { RunResult } from '../../src/ssh/host.ts';

/** Thrown where the process would have been killed: nothing after it happens in that run. */
export class Killed extends Error {}

export interface Fault {
  /** At which change, counted from 0. */
  readonly at: number;
  /** `half`: a command that changes several things has changed only the first of them when the process dies. */
  readonly kind: 'killed-before' | 'killed-after' | 'fails' | 'half';
}

/** What is true on the node and in both guests, after the hand-over of the sample's move. It outlives a run. */
export interface Durable {
  released: boolean;
  handedOver: boolean;
  begun: boolean;
  done: boolean;
  snapshots: string[];
  /** The file system of the source path is there. */
  mounted: boolean;
  /** Whose data lies there: what the source had, what the target wrote, or a part of each. */
  data: { source: 'old' | 'mixed' | 'new'; share: 'new' };
  /** Workloads of each side: does it run, and would its restart policy or a boot start it? */
  source: Record<Name, { runs: boolean; fenced: boolean }>;
  target: Record<Name, { runs: boolean; policy: boolean }>;
  marks: Marks;
  journal: Entry[];
  history: string[];
  broken: string[];
}

export const names = ['web.service', 'notes.service', 'writer'] as const;
export type Name = (typeof names)[number];

export function afterHandOver(): Durable {
  const each = <T>(value: T) =>
    Object.fromEntries(names.map((name) => [name, { ...value }])) as Record<Name, T>;
  return {
    released: true,
    handedOver: true,
    begun: false,
    done: false,
    snapshots: ['drayage-docker-cutover'],
    mounted: true,
    data: { source: 'old', share: 'new' },
    source: each({ runs: false, fenced: true }),
    target: each({ runs: true, policy: true }),
    marks: { ...noMarks, cutovers: { docker: 'run' } },
    journal: [],
    history: [],
    broken: [],
  };
}

const empty = Buffer.alloc(0);
const answer = (exitCode: number, stdout = ''): RunResult => ({
  exitCode,
  stdout: Buffer.from(stdout, 'latin1'),
  stderr: empty,
});
const nobody = `/proc/1/ns/mnt\0mnt:[1]\0\0drayage\0/proc/1/mountinfo:1 0 8:1 / / rw - ext4 x rw\n\0drayage\0\0drayage\0\0drayage\0mnt:[1]\n`;

/** Units start where their conditions hold; containers where they have a restart policy. */
function wouldRun(durable: Durable, side: 'source' | 'target', name: Name): boolean {
  if (side === 'source') return durable.source[name].runs || !durable.source[name].fenced;
  const { runs, policy } = durable.target[name];
  return runs || (name === 'writer' ? policy : durable.released);
}

/** Does it hold? Told by its words. undefined: the simulation does not know it. */
function looks(durable: Durable, what: string): boolean | undefined {
  const { source, target } = durable;
  const named = names.find((name) => what.includes(name)) ?? 'writer';
  if (/is mounted$|carries the marker|is as planned$|is as it was left|^systemd.* has read what/.test(what))
    return true;
  if (what === 'docker was handed over to doc2') return durable.handedOver;
  if (what === 'docker is not handed over any more') return !durable.handedOver;
  if (what === 'docker is not released to doc2 any more') return !durable.released;
  if (/^none of .* (is active|runs) on doc2$/.test(what)) return !target[named].runs;
  if (/has no restart policy on doc2$/.test(what)) return !target[named].policy;
  if (/^none of /.test(what)) return !names.some((name) => what.includes(name) && source[name].runs);
  if (/has restart policy no$/.test(what)) return source[named].fenced;
  if (/ (are active|run)$/.test(what)) return source[named].runs;
  if (what.startsWith('it is noted')) return durable.begun;
  if (what === 'carrying back was begun') return durable.begun;
  if (what === 'it was carried back and compared') return durable.done;
  if (what === 'the snapshot is there') return durable.snapshots.length > 1;
  return undefined;
}

/** What an operation changes, one effect after the other. */
function effects(durable: Durable, operation: Operation): (() => void)[] {
  const { what } = operation;
  const named = names.filter((name) => what.includes(name));
  const { source, target } = durable;
  if (operation.kind === 'carry-back')
    return [
      () => {
        durable.data.source = 'mixed';
      },
      () => {
        durable.data.source = 'new';
      },
    ];
  if (operation.kind === 'write')
    return [
      () => {
        if (operation.path.endsWith('/carry-back')) durable.begun = true;
        else if (operation.path.endsWith('/carried-back')) durable.done = true;
        else throw new Error(`the simulation knows no file ${operation.path}`);
      },
    ];
  if (operation.kind !== 'run') throw new Error(`the simulation knows no ${operation.kind}`);
  const { argv } = operation;
  if (argv[0] === 'zfs' && argv[1] === 'snapshot')
    return [() => durable.snapshots.push((argv[2] as string).split('@')[1] as string)];
  if (argv[0] === 'rm' && operation.host === 'prom')
    return argv.slice(3).map((path) => () => {
      if (path.endsWith('/released')) durable.released = false;
      else if (path.endsWith('/carry-back')) durable.begun = false;
      else if (path.endsWith('/carried-back')) durable.done = false;
      else if (path.endsWith('/handed-over')) durable.handedOver = false;
      else throw new Error(`the simulation knows no file ${path}`);
    });
  if (/is not restarted any more$/.test(what))
    return named.map((name) => () => (target[name].policy = false));
  if (operation.host === 'doc2' && what.startsWith('stop '))
    return named.map((name) => () => (target[name].runs = false));
  if (/^take the fence of|has restart policy always again$/.test(what))
    return named.map((name) => () => (source[name].fenced = false));
  if (operation.host === 'doc1' && /^start .* again$/.test(what))
    return named.map((name) => () => {
      if (source[name].fenced) durable.broken.push(`${name} was started behind its fence`);
      source[name].runs = true;
    });
  if (/^systemd/.test(what)) return [];
  throw new Error(`the simulation knows no operation: ${what}`);
}

/** The laws, after each change. */
function watch(durable: Durable, before: Durable['data']['source'], choice: string): void {
  const law = (number: number, what: string) => durable.broken.push(`law ${number}: ${what}`);
  for (const one of names)
    for (const other of names)
      if (wouldRun(durable, 'source', one) && wouldRun(durable, 'target', other))
        law(2, `${one} may run on doc1 while ${other} may run on doc2`);
  if (durable.data.source !== before && (!durable.begun || choice !== 'carry-back'))
    law(1, 'the source was written to without a note');
  const kept = durable.snapshots.some((name) => name.includes('rollback'));
  if ((durable.data.source !== 'old' || !durable.handedOver) && !kept)
    law(9, 'what the target wrote is not kept');
  if (durable.data.source === 'mixed' && names.some((name) => durable.source[name].runs))
    law(3, 'started on a mixture');
  if (durable.handedOver && !durable.released) return;
  if (!durable.handedOver && names.some((name) => !durable.source[name].runs))
    law(9, 'given up before the source runs');
}

/** One run over durable facts: every command of the plan is known by its words, anything else is an error. */
export function simulatedWorld(
  durable: Durable,
  plan: Plan,
  choice: 'carry-back' | 'discard',
  fault?: Fault,
): { world: World; compare: () => boolean; carry: (operation: Operation) => void } {
  const checks = new Map<string, Check>();
  const operations = new Map<string, Operation>();
  const key = (host: string, argv: readonly string[]) => JSON.stringify([host, argv]);
  for (const step of plan.steps) {
    for (const operation of step.operations) {
      if (operation.kind === 'run') operations.set(key(operation.host, operation.argv), operation);
      for (const check of operation.guards ?? [])
        if (check.kind === 'run') checks.set(key(check.host, check.argv), check);
    }
    for (const check of [...step.probe, ...step.proof])
      if (check.kind === 'run') checks.set(key(check.host, check.argv), check);
  }
  const writes = plan.steps.flatMap((step) =>
    step.operations.flatMap((operation) => (operation.kind === 'write' ? [operation] : [])),
  );
  let changes = 0;
  let dead = false;
  const alive = () => {
    if (dead) throw new Killed();
  };
  const die = (): never => {
    dead = true;
    throw new Killed();
  };
  const change = (operation: Operation): boolean => {
    alive();
    const here = fault?.at === changes ? fault.kind : undefined;
    changes += 1;
    if (here === 'killed-before') die();
    const intent = durable.journal.at(-1);
    if (intent?.kind !== 'intent') durable.broken.push(`law 5: ${operation.what} without its intent`);
    if (here === 'fails') return false;
    const all = effects(durable, operation);
    for (const effect of here === 'half' ? all.slice(0, 1) : all) {
      const before = durable.data.source;
      effect();
      durable.history.push(operation.what);
      watch(durable, before, choice);
    }
    if (here === 'killed-after' || here === 'half') die();
    return true;
  };
  const run = (host: string, argv: readonly string[]): RunResult => {
    alive();
    if (argv.includes(quietScript)) {
      const side = host === 'doc1' ? durable.source : durable.target;
      return answer(0, names.some((name) => side[name].runs) ? '' : nobody);
    }
    // The inode of the sample's source, or what its mount point has without it.
    if (argv[2]?.startsWith('stat -c "%F %d %i"'))
      return answer(0, durable.mounted ? 'directory 65024 131\nx' : 'directory 65025 2\n');
    const operation = operations.get(key(host, argv));
    if (operation !== undefined) return answer(change(operation) ? 0 : 1);
    const write = writes.find(({ path }) => argv.includes(path) && argv[0] === 'sh' && argv.length > 6);
    if (write !== undefined) return answer(change(write) ? 0 : 1);
    // One command, for two checks: whether it runs, and whether it does not.
    if (argv.includes('{{.State.Running}}')) return answer(0, String(durable.source.writer.runs));
    const check = checks.get(key(host, argv));
    const held = check === undefined ? undefined : looks(durable, check.what);
    if (check?.kind !== 'run' || held === undefined)
      throw new Error(`the simulation does not know: ${check?.what ?? argv.join(' ')}`);
    return held ? answer(check.expect.exitCode, check.expect.stdout ?? '') : answer(1, 'no');
  };
  let ids = 0;
  const never = new AbortController().signal;
  const world = {
    hosts: (name) => ({ name, run: async (argv) => run(name, argv) }),
    cluster: { get: async () => undefined, call: async () => undefined, waitForTask: async () => undefined },
    journal: {
      async intent(step, operation, undo) {
        alive();
        ids += 1;
        durable.journal.push({ kind: 'intent', id: ids, time: '', step, undo, operation });
        return ids;
      },
      async outcome(id, ok, seconds) {
        alive();
        durable.journal.push({ kind: 'outcome', id, time: '', ok, seconds });
      },
    },
    marks: {
      get: () => durable.marks,
      async set(marks) {
        alive();
        durable.marks = marks;
      },
    },
    sink: () => {},
    runPath: '/nonexistent',
    runName: 'back',
    planId: plan.id,
    finish: never,
    stop: never,
    compared: () => {},
    now: (() => {
      let clock = 1_800_000_000_000;
      return () => {
        clock += 100_000;
        return clock;
      };
    })(),
    finals: new Map(),
    prepared: new Map(),
    sleep: async () => {},
    // Copies and comparisons are mocked away.
  } as Partial<World> as World;
  return {
    world,
    compare: () => durable.data.source === durable.data.share,
    carry(operation) {
      if (!change(operation)) throw new Error('rsync failed');
    },
  };
}
