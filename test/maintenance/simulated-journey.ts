import type { Entry } from '../../src/apply/journal.ts';
import { type Marks, noMarks } from '../../src/apply/marks.ts';
import { quietScript } from '../../src/apply/quiet.ts';
import type { World } from '../../src/apply/world.ts';
import { writeScript } from '../../src/apply/write.ts';
import { DrayageError } from '../../src/errors/error.ts';
import type { Host, RunResult } from '../../src/ssh/host.ts';
import { fakeWorld, fresh } from '../apply/fake-world.ts';
import { marker } from '../support/maintenance-facts.ts';

/** Thrown where the process would have been killed: nothing after it happens in that run. */
export class Killed extends Error {}

export interface Fault {
  /** At which change, counted from 0. */
  readonly at: number;
  readonly kind: 'killed-before' | 'killed-after' | 'fails';
}

type Node = 'prom' | 'maint';
const path = { prom: '/nvmeprom/containers', maint: '/srv/containers' } as const;
const file = (node: Node, name: string) => `${node}:${path[node]}/.drayage/${name}`;

/** Two nodes, one guest and its workloads. It outlives a run. */
export interface Durable {
  files: Map<string, string>;
  sealed: Record<Node, boolean>;
  vm: { node: Node; running: boolean };
  workloads: boolean;
  map: string[];
  /** Lines that the workloads wrote, where each place has them. */
  data: Record<Node, number>;
  marks: Marks;
  journal: Entry[];
  history: string[];
  broken: string[];
}

export function atHome(): Durable {
  return {
    files: new Map([[file('prom', 'share.json'), marker]]),
    sealed: { prom: false, maint: false },
    vm: { node: 'prom', running: true },
    workloads: true,
    map: ['node=other,path=/tank/theirs', 'node=prom,path=/nvmeprom/containers'],
    data: { prom: 1, maint: 0 },
    marks: noMarks,
    journal: [],
    history: [],
    broken: [],
  };
}

export const marked = (durable: Durable): Node[] =>
  (['prom', 'maint'] as const).filter((node) => durable.files.has(file(node, 'share.json')));

const answer = (exitCode: number, stdout = ''): RunResult => ({
  exitCode,
  stdout: Buffer.from(stdout, 'latin1'),
  stderr: Buffer.alloc(0),
});
const yes = (holds: boolean): RunResult => answer(holds ? 0 : 1);
const nobody = `/proc/1/ns/mnt\0mnt:[1]\0\0drayage\0/proc/1/mountinfo:1 0 8:1 / / rw - ext4 x rw\n\0drayage\0\0drayage\0\0drayage\0mnt:[1]\n`;
const clock = '1700000000\n1000.00 1.00\n00000000-0000-0000-0000-000000000000\n';
const unreachable = () =>
  new DrayageError('ssh/unreachable', { meaning: '', exit: 1 }, { seen: 'doc2 does not answer', next: [] });

/** A world over these facts in which one change goes wrong. */
export function journeyWorld(durable: Durable, plan: World['planId'], fault?: Fault): World {
  let changes = 0;
  let dead = false;
  const alive = () => {
    if (dead) throw new Killed();
  };
  const laws = (what: string) => {
    const { vm, broken } = durable;
    if (marked(durable).length > 1) broken.push(`two places have the marker after ${what}`);
    if (!durable.map.includes('node=prom,path=/nvmeprom/containers'))
      broken.push(`prom's entry is lost after ${what}`);
    if (!durable.map.includes('node=other,path=/tank/theirs'))
      broken.push(`another entry is lost after ${what}`);
    if (durable.workloads && (!vm.running || !durable.files.has(file(vm.node, 'share.json'))))
      broken.push(`workloads run without the marker after ${what}`);
  };
  const change = (what: string, effect: () => void): boolean => {
    alive();
    const here = fault?.at === changes ? fault.kind : undefined;
    changes += 1;
    if (here === 'killed-before') {
      dead = true;
      throw new Killed();
    }
    if (durable.journal.at(-1)?.kind !== 'intent') durable.broken.push(`${what} without its intent on disk`);
    if (here === 'fails') return false;
    effect();
    durable.history.push(what);
    laws(what);
    if (here === 'killed-after') {
      dead = true;
      throw new Killed();
    }
    return true;
  };
  const sees = () => durable.vm.running && durable.files.has(file(durable.vm.node, 'share.json'));
  /** As conditions and a boot do it. */
  const startWorkloads = () => {
    durable.workloads = sees();
    if (durable.workloads) durable.data[durable.vm.node] += 1;
  };
  const onNode = (node: Node, argv: readonly string[], stdin: unknown): RunResult => {
    const at = (name: string) => `${node}:${name}`;
    const [program, first = '', ...rest] = argv;
    const target = argv.at(-1) as string;
    switch (program) {
      case 'mountpoint':
        return answer(0);
      case 'cat': {
        const text = durable.files.get(at(first));
        return text === undefined ? answer(1) : answer(0, `${text}\n`);
      }
      case 'test':
        return yes(durable.files.has(at(target)) === (first !== '!'));
      case 'zfs':
        if (first === 'get') return answer(0, durable.sealed[node] ? 'on\n' : 'off\n');
        return yes(
          change(`${node} ${rest[0] ?? ''}`, () => {
            durable.sealed[node] = rest[0] === 'readonly=on';
          }),
        );
      case 'chattr':
        return yes(
          change(`${node} chattr ${first}`, () => {
            durable.sealed[node] = first === '+i';
          }),
        );
      case 'install':
      case 'rsync':
        return yes(change(`${node} ${program}`, () => undefined));
      case 'rm':
        return yes(change(`${node} rm ${target.split('/').at(-1)}`, () => durable.files.delete(at(target))));
    }
    const script = argv[2] ?? '';
    if (script === quietScript) return answer(0, nobody);
    if (script.includes('date +%s')) return answer(0, clock);
    if (script.startsWith('sync')) return answer(0);
    if (script.includes('lsattr')) return answer(0, durable.sealed[node] ? 'on\n' : 'off\n');
    if (script.startsWith('test -d "$1"')) return answer(0);
    if (script.startsWith('test "$(cat')) {
      const [standby = '', current = '', standbyText, markerText] = argv.slice(4);
      const now = durable.files.get(at(current));
      return yes(now === markerText || (now === undefined && durable.files.get(at(standby)) === standbyText));
    }
    if (script === writeScript) {
      const name = argv[4] as string;
      return yes(
        change(`${node} write ${name.split('/').at(-1)}`, () =>
          durable.files.set(at(name), String(stdin).trimEnd()),
        ),
      );
    }
    throw new Error(`the simulation knows no ${argv.join(' ')} on ${node}`);
  };
  const onGuest = (argv: readonly string[]): RunResult => {
    if (!durable.vm.running) throw unreachable();
    const words = argv.join(' ');
    if (words === 'true') return answer(0);
    if (words.startsWith('test -e /mnt/containers/.drayage')) return yes(sees());
    if (words.includes('! "$@"')) return yes(!durable.workloads);
    if (words.includes('is-active')) return answer(0, durable.workloads ? 'active\n' : 'inactive\n');
    if (words.includes('{{.State.Running}}')) return answer(0, `${durable.workloads}\n`);
    if (/(systemctl|podman) (--user )?stop/.test(words))
      return yes(
        change('workloads stop', () => {
          durable.workloads = false;
        }),
      );
    if (words.startsWith('systemctl start -- ')) return yes(change('mounts', () => undefined));
    if (/(systemctl|podman) (--user )?start/.test(words))
      return yes(change('workloads start', startWorkloads));
    throw new Error(`the simulation knows no ${words} on doc2`);
  };
  const call: World['cluster']['call'] = async (method, where, params) => {
    const { vm } = durable;
    const failed = () =>
      new DrayageError('proxmox/task-failed', { meaning: '', exit: 1 }, { seen: where, next: [] });
    const done = (what: string, effect: () => void) => {
      if (!change(what, effect)) throw failed();
      return null;
    };
    if (method === 'PUT')
      return done('mapping', () => {
        durable.map = [...(params.map as string[])];
      });
    if (!where.startsWith(`/nodes/${vm.node}/`)) throw failed();
    if (where.endsWith('/shutdown')) {
      if (!vm.running) throw failed();
      return done('shut down', () =>
        Object.assign(durable, { workloads: false, vm: { ...vm, running: false } }),
      );
    }
    if (where.endsWith('/start')) {
      if (vm.running) throw failed();
      return done(`start on ${vm.node}`, () => {
        durable.vm = { ...vm, running: true };
        startWorkloads();
      });
    }
    if (vm.running) throw failed();
    return done('migrate', () => {
      durable.vm = { ...vm, node: params.target as Node };
    });
  };
  const get: World['cluster']['get'] = async (where) => {
    alive();
    if (where.startsWith('/cluster/mapping')) return { map: durable.map };
    if (!where.startsWith(`/nodes/${durable.vm.node}/`)) return undefined;
    return { digest: 'd', status: durable.vm.running ? 'running' : 'stopped' };
  };
  const host = (name: string): Host => ({
    name,
    async run(argv, options) {
      alive();
      return name === 'doc2' ? onGuest(argv) : onNode(name as Node, argv, options?.stdin);
    },
  });
  const copied = (to: string) => {
    const target = to.startsWith(path.maint) ? 'maint' : 'prom';
    const source = target === 'maint' ? 'prom' : 'maint';
    if (durable.sealed[target]) durable.broken.push(`a pass to ${target}, which is sealed`);
    if (durable.files.has(file(target, 'share.json')))
      durable.broken.push(`a pass over the current data of ${target}`);
    durable.data[target] = durable.data[source];
  };
  const failing = (done: boolean) => {
    if (!done)
      throw new DrayageError('copy/rsync-failed', { meaning: '', exit: 1 }, { seen: 'rsync', next: [] });
  };
  const equal = () => {
    const [one] = marked(durable);
    return one === undefined || durable.data.prom === durable.data.maint;
  };
  const { world } = fakeWorld(fresh(), undefined, {
    hosts: host,
    cluster: { get, call, waitForTask: async () => undefined },
    planId: plan,
    journal: {
      async intent(step, operation, undo) {
        alive();
        const id = durable.journal.length + 1;
        durable.journal.push({ kind: 'intent', id, time: '', step, undo, operation });
        return id;
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
    async pass(pass) {
      failing(change(`${pass.pass} pass`, () => copied(String(pass.argv.at(-1)))));
      return { changed: 1, deleted: 0, bytes: 1, unsettled: 0 };
    },
    async settle() {
      alive();
      return { entries: 10, pending: [], directories: '/nonexistent' };
    },
    async listed() {
      alive();
      const difference = { path: 'x', name: 'x', what: 'content', source: 'a', target: 'b' } as const;
      return {
        differences: equal() ? [] : [difference],
        entries: 1,
        filesRead: 1,
        bytesRead: 1,
        attributesCompared: true,
      };
    },
  });
  return world;
}
