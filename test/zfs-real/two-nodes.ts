import { join } from 'node:path';
import { openMarks } from '../../src/apply/marks.ts';
import { openWorld } from '../../src/apply/open-world.ts';
import { readPlan } from '../../src/apply/recorded-plans.ts';
import type { ApplyResult } from '../../src/apply/run.ts';
import { openRun, stateFolder } from '../../src/apply/run-folder.ts';
import type { ClusterApi, World } from '../../src/apply/world.ts';
import type { Config } from '../../src/config/config.ts';
import { DrayageError } from '../../src/errors/error.ts';
import { openJourney, performMaintenance } from '../../src/maintenance/perform.ts';
import { readPlaces } from '../../src/maintenance/places.ts';
import type { Journey, MaintenanceFacts } from '../../src/plan/golden-path/facts.ts';
import { makeForget } from '../../src/plan/golden-path/forget.ts';
import { makeMaintenance } from '../../src/plan/golden-path/make-maintenance.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { parseMappingEntry } from '../../src/proxmox/mapping.ts';
import type { Host, RunResult } from '../../src/ssh/host.ts';
import { maintainedGuest, maintenanceFacts } from '../support/maintenance-facts.ts';

export type Node = 'prom' | 'maint';
/** Where the share is on each of them. */
export interface Places {
  readonly place: Readonly<Record<Node, string>>;
  readonly dataset: Readonly<Record<Node, string>>;
}

/** Thrown where drayage would have been killed: nothing after it happens in that run. */
class Killed extends Error {}

/** At which operation of a run, counted from 1: before it is made, or after it, without its outcome on disk. */
export interface Kill {
  readonly at: number;
  readonly moment: 'before' | 'after';
}

/**
 * Two nodes with a pool each, which are one machine with OpenZFS: places, streams and markers are real. The cluster and
 * doc2, whose workloads append numbers to a file of the share, are a few facts; doc2 sees the place of the node it is on.
 */
export class TwoNodes {
  readonly machine: Host;
  readonly config: Config;
  readonly places: Places;
  readonly own: string;
  vm = { node: 'prom' as Node, running: true, workloads: true };
  map: string[];
  /** Of the workloads. */
  lines = 0;
  readonly broken: string[] = [];
  /** The operations at which a run was killed. */
  readonly killed: string[] = [];
  /** Called before each operation is made. */
  before: (what: string) => Promise<void> = async () => undefined;

  constructor(machine: Host, config: Config, places: Places) {
    this.machine = machine;
    this.config = config;
    this.places = places;
    this.own = `node=prom,path=${places.place.prom}`;
    this.map = ['node=other,path=/tank/theirs', this.own];
  }

  async shell(script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.machine.run(['bash', '-ec', script], {
      timeoutSeconds: 300,
    });
    if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
    return stdout.toString();
  }

  /** The workloads write, where doc2 sees the share; then the laws are looked at. */
  async live(what: string): Promise<void> {
    const { node, running, workloads } = this.vm;
    const { place } = this.places;
    if (running && workloads) this.lines += 1;
    const write = running && workloads ? `echo ${this.lines} >>${place[node]}/docker/log;` : '';
    const seen = await this.shell(
      `${write} for p in ${Object.values(place).join(' ')}; do if test -e $p/.drayage/share.json; then echo $p; fi; done`,
    );
    const marked = seen.split('\n').filter(Boolean);
    if (marked.length > 1) this.broken.push(`two places have the marker at ${what}`);
    if (workloads && !marked.includes(place[node]))
      this.broken.push(`workloads run on ${node} without its marker at ${what}`);
    for (const entry of ['node=other,path=/tank/theirs', this.own])
      if (!this.map.includes(entry)) this.broken.push(`${entry} is lost at ${what}`);
  }

  readonly hosts = (name: string): Host => ({
    name,
    run: (argv, options) => {
      if (name === 'doc2') return this.onGuest(argv);
      // What a place is asked for its name answers as the node.
      const named = ['unshare', '--uts', 'sh', '-c', 'hostname "$0"; exec "$@"', name, ...argv];
      return this.machine.run(named, options);
    },
  });

  async sees(): Promise<boolean> {
    const marker = `${this.places.place[this.vm.node]}/.drayage/share.json`;
    return this.vm.running && (await this.machine.run(['test', '-e', marker])).exitCode === 0;
  }

  /** As the conditions of the units have it. */
  async startWorkloads(): Promise<void> {
    this.vm.workloads = await this.sees();
  }

  async onGuest(argv: readonly string[]): Promise<RunResult> {
    const answer = (exitCode: number, stdout = ''): RunResult => ({
      exitCode,
      stdout: Buffer.from(stdout),
      stderr: Buffer.alloc(0),
    });
    if (!this.vm.running)
      throw new DrayageError(
        'ssh/unreachable',
        { meaning: '', exit: 1 },
        { seen: 'doc2 is off', next: ['qm status 114'] },
      );
    const words = argv.join(' ');
    const { workloads } = this.vm;
    if (words === 'true' || words.startsWith('systemctl start -- ')) return answer(0);
    if (words.startsWith('test -e /mnt/containers/.drayage')) return answer((await this.sees()) ? 0 : 1);
    if (words.includes('! "$@"')) return answer(workloads ? 1 : 0);
    if (words.includes('is-active')) return answer(0, workloads ? 'active\n' : 'inactive\n');
    if (words.includes('{{.State.Running}}')) return answer(0, `${workloads}\n`);
    if (/(systemctl|podman) (--user )?stop/.test(words)) {
      this.vm.workloads = false;
      return answer(0);
    }
    if (/(systemctl|podman) (--user )?start/.test(words)) {
      await this.startWorkloads();
      return answer(0);
    }
    throw new Error(`doc2 knows no ${words}`);
  }

  readonly cluster: ClusterApi = {
    get: async (path) => {
      if (path.startsWith('/cluster/mapping')) return { map: this.map };
      if (!path.startsWith(`/nodes/${this.vm.node}/`)) return undefined;
      return { digest: 'd', status: this.vm.running ? 'running' : 'stopped' };
    },
    call: async (method, path, params) => {
      const { vm } = this;
      if (method === 'PUT') this.map = [...(params.map as string[])];
      else if (!path.startsWith(`/nodes/${vm.node}/`)) throw new Error(`VM 114 is not there: ${path}`);
      else if (path.endsWith('/shutdown')) Object.assign(vm, { running: false, workloads: false });
      else if (path.endsWith('/start')) {
        vm.running = true;
        await this.startWorkloads();
      } else if (vm.running) throw new Error('VM 114 runs: it cannot be migrated');
      else vm.node = params.target as Node;
      return null;
    },
    waitForTask: async () => undefined,
  };

  async facts(journey: Journey): Promise<MaintenanceFacts> {
    const share = this.config.shares.containers;
    if (share === undefined) throw new Error('no share');
    const base = maintenanceFacts();
    const notSeen: MaintenanceFacts['notSeen'][number][] = [];
    const places = await readPlaces({ config: this.config, hosts: this.hosts, journey }, share, notSeen);
    if (notSeen.length > 0) throw new Error(JSON.stringify(notSeen));
    const guest = maintainedGuest({ node: this.vm.node, running: this.vm.running });
    const { system: _system, ...off } = guest;
    return {
      ...base,
      cluster: {
        ...base.cluster,
        mappings: [{ id: 'containers', entries: this.map.map(parseMappingEntry), digest: 'd' }],
      },
      shares: { containers: places },
      guests: { doc2: this.vm.running ? guest : off },
    };
  }

  async windowIsOpen(): Promise<boolean> {
    return (await openMarks(join(stateFolder(this.config.file), 'marks.json'))).get().window !== undefined;
  }

  /** As the command has it: an open window is gone on with by its own plan. */
  async planned(journey: Journey): Promise<{ plan: Plan; facts: MaintenanceFacts }> {
    const { file } = this.config;
    const marks = (await openMarks(join(stateFolder(file), 'marks.json'))).get();
    const open = openJourney(marks);
    const facts = await this.facts(journey);
    return {
      facts,
      plan:
        open === undefined
          ? makeMaintenance(this.config, facts, journey, '0.1.0')
          : await readPlan(join(stateFolder(file), 'runs', marks.window?.run ?? '', 'plan.json')),
    };
  }

  /** The plan of `leave --forget`. */
  async forgotten(journey: Journey): Promise<Plan> {
    return makeForget(this.config, await this.facts(journey), journey, '0.1.0');
  }

  /** One run of drayage, by its plan or by another one; undefined: it was killed. */
  async go(journey: Journey, kill?: Kill, other?: Plan): Promise<ApplyResult | undefined> {
    const { plan: own, facts } = await this.planned(journey);
    const plan = other ?? own;
    if (plan.blockers.length > 0) throw new Error(JSON.stringify(plan.blockers, undefined, 1));
    const run = await openRun(this.config.file, plan, facts);
    try {
      const { world, isDead } = this.world(run, plan, kill);
      const result = await performMaintenance({ plan, world, journey, gate: async () => 'open' });
      return isDead() ? undefined : result;
    } finally {
      await run.close();
    }
  }

  private world(run: Awaited<ReturnType<typeof openRun>>, plan: Plan, kill?: Kill) {
    let [operation, dead, current] = [0, false, ''];
    const alive = async <T>(then: () => Promise<T>): Promise<T> => {
      if (dead) throw new Killed();
      return then();
    };
    const dies = () => {
      dead = true;
      this.killed.push(`${kill?.moment} ${current}`);
      throw new Killed();
    };
    const { world } = openWorld({
      run,
      plan,
      cluster: {
        get: (path) => alive(() => this.cluster.get(path)),
        call: (...call) => alive(() => this.cluster.call(...call)),
        waitForTask: async () => undefined,
      },
      hosts: (name) => ({
        name,
        run: (argv, options) => alive(() => this.hosts(name).run(argv, options)),
      }),
      sink: () => undefined,
      finish: new AbortController().signal,
      stop: new AbortController().signal,
    });
    const journal: World['journal'] = {
      intent: async (step, of, undo) => {
        const id = await alive(() => world.journal.intent(step, of, undo));
        operation += 1;
        await this.live(of.what);
        current = of.what;
        if (kill?.at === operation && kill.moment === 'before') dies();
        await this.before(of.what);
        return id;
      },
      outcome: async (id, ok, seconds, error) => {
        await alive(() => this.live(`the end of operation ${operation}`));
        if (kill?.at === operation && kill.moment === 'after') dies();
        return world.journal.outcome(id, ok, seconds, error);
      },
    };
    const marks: World['marks'] = {
      get: world.marks.get,
      set: (next) => alive(() => world.marks.set(next)),
    };
    return { world: { ...world, journal, marks }, isDead: () => dead };
  }
}
