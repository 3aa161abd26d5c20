import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runningOn, twoWriters, watchBoth, workloads } from '../../lab/fault/watch.ts';
import { type Lab, startLab } from '../../lab/index.ts';
import { checkRequestAgainstSchema, type Schema } from '../../lab/proxmox/schema-check.ts';
import { doc1Containers, planted } from '../../lab/services/install.ts';
import { checkWriterLog } from '../../lab/services/writer-log.ts';
import type { Findings } from '../../src/inspect/findings.ts';
import type { Operation } from '../../src/plan/operation.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import type { Report } from '../../src/verify/report.ts';
import { deedMinusPlan, operationsThatOnlyLook, sumUp } from '../support/lab-deed.ts';
import { evening, type Ran } from '../support/lab-evening.ts';

/** The written plan's move, in one lab, in the order of an evening: each test stands on those before it. */

let folder: string;
let lab: Lab;
let at: ReturnType<typeof evening>;

const [doc1, doc2] = [104, 114];
const vm = (id: number) => `/nodes/prom/qemu/${id}`;
const mappingPath = '/cluster/mapping/dir/containers';
/** What the services write all the time; everything else below the source is at rest. */
const alive = [
  'writer/log.txt',
  'app/state',
  'web/heartbeat',
  'notes/books/last-sync',
  'housekeeping/reports/usage.log',
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-main-job-'));
  const begun = Date.now();
  lab = await startLab({ folder });
  at = evening(lab);
  at.times.push({ what: 'the lab comes up', seconds: Math.round((Date.now() - begun) / 1000) });
  // Another node's entry, another operator's words: both must be there at the end.
  await at.api('POST', '/cluster/mapping/dir', {
    id: 'containers',
    map: 'node=maint,path=/tank/containers',
    description: 'kept for the maintenance node',
  });
});
afterAll(async () => {
  if (at !== undefined)
    console.log(
      at.times.map(({ what, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${what}`).join('\n'),
    );
  await lab?.down();
  rmSync(folder, { recursive: true });
});

const nobodyRuns = { doc1: [] as string[], doc2: [] as string[] };
/** Which of the workloads run on a guest. */
const on = (host: string) => runningOn(lab.ssh, host);
const runs = async () => ({ doc1: await on('doc1'), doc2: await on('doc2') });

/** Every name below the source with all of its metadata, ctime included, except what the services write. */
async function sourceListing(): Promise<string[]> {
  const listing = await at.on(
    'doc1',
    "cd /mnt/docker && find . -printf '%P\\t%y %m %U %G %s %T@ %C@ %i %n %l\\0'",
  );
  const entries = listing.split('\0').filter(Boolean);
  return entries.filter((entry) => !alive.includes(entry.split('\t')[0] as string)).sort();
}

/** What drayage could have changed, before it may. */
async function world() {
  const etc = "find /etc -xdev -printf '%p %y %m %s %C@\\n' | sort";
  return {
    source: await sourceListing(),
    mappings: await at.api('GET', '/cluster/mapping/dir'),
    vms: [await at.api('GET', `${vm(doc1)}/config`), await at.api('GET', `${vm(doc2)}/config`)],
    datasets: await at.on(
      'prom',
      'zfs list -Hp -o name,mountpoint -t filesystem -r nvmeprom; ls -A /nvmeprom',
    ),
    etc: [await at.on('doc1', etc), await at.on('doc2', etc), await at.on('prom', etc)],
    runs: await runs(),
  };
}

interface Said {
  readonly type: string;
  readonly step: string;
  readonly outcome: string;
  readonly seconds: number;
  readonly report: Report;
}
const said = (ran: Ran): Said[] =>
  ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const stepsBy = (ran: Ran, outcome: string) =>
  said(ran).flatMap((event) =>
    event.type === 'step-finished' && event.outcome === outcome ? [event.step] : [],
  );
const reportOf = (ran: Ran): Report => said(ran).find((event) => event.type === 'report')?.report as Report;

function lastRun<T>(file: string): T {
  const folder = join(lab.paths.root, '.drayage/runs');
  return JSON.parse(readFileSync(join(folder, readdirSync(folder).sort().at(-1) as string, file), 'utf8'));
}
function lastJournal(): { kind: string; seconds: number; operation: Operation }[] {
  const folder = join(lab.paths.root, '.drayage/runs');
  const file = join(folder, readdirSync(folder).sort().at(-1) as string, 'journal.jsonl');
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}
/** A run that went well must have sent exactly the operations of the steps that it says it did, in the plan's order. */
function expectDeedIsPlan(ran: Ran): void {
  const plan = lastRun<Plan>('plan.json');
  const done = stepsBy(ran, 'done');
  const journal = lastJournal().filter((entry) => entry.kind === 'intent');
  const operations: Operation[] = [];
  for (const step of plan.steps.filter(({ id }) => done.includes(id))) {
    // What has changed since its first copy may be carried once more when the gate opens.
    const again = journal[operations.length]?.operation;
    const opens = step.stage === 'cutover' && again?.kind === 'copy' && again.pass === 'seed';
    if (opens && operations.some((operation) => isDeepStrictEqual(operation, again))) operations.push(again);
    operations.push(...step.operations);
  }
  expect(deedMinusPlan(operations, ran.received)).toEqual([]);
  expect(journal.map((entry) => entry.operation)).toEqual(operations);
  expect(operationsThatOnlyLook(operations)).toEqual([]);
  console.log(`${operations.length} operations. ${sumUp(ran.received)}`);
}

/** The writer's log as the share has it, up to its last whole line. */
function writerLog(): Buffer {
  const bytes = readFileSync(join(lab.nodeRoot, 'nvmeprom/containers/doc1/writer/log.txt'));
  return bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
}

async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 120): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s until ${what}`);
    await sleep(1_000);
  }
}
const refused = async (host: string, argv: string[]) => {
  const answer = await lab.ssh(host, argv);
  expect(answer.exitCode, argv.join(' ')).not.toBe(0);
  return answer.stderr.toString();
};
const asNotes = ['runuser', '-u', 'notes', '--', 'env', '--chdir=/', 'XDG_RUNTIME_DIR=/run/user/1000'];

let before: Awaited<ReturnType<typeof world>>;
let planned: Plan;
let prepared: Ran;
let moved: Ran;

describe('looking', () => {
  let findings: Findings;

  test('everything runs on doc1 and nothing on doc2 before drayage comes', async () => {
    await until('all run on doc1', async () => (await on('doc1')).length === workloads.length, 60);
    expect(await runs()).toEqual({ ...nobodyRuns, doc1: [...workloads] });
    before = await world();
    expect(before.source.length).toBeGreaterThan(6000);
  });

  test('inspection finds the containers, units, timers, databases, users, stores and owners that are there', async () => {
    const ran = await at.drayage('inspect', '--json');
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    findings = JSON.parse(ran.stdout);
    const system = findings.guests.doc1?.system;
    const containers = (user?: string) =>
      system?.containers
        .filter((found) => found.user === user && found.running)
        .map(({ name }) => name)
        .sort();
    expect(containers()).toEqual([...doc1Containers.root]);
    expect(containers('notes')).toEqual([...doc1Containers.notes]);
    const policies = Object.fromEntries(
      system?.containers.map((found) => [found.name, found.restartPolicy]) ?? [],
    );
    expect(policies).toMatchObject({ writer: 'always', app: 'no' });
    expect(system?.units).toMatchObject([
      {
        name: 'web.service',
        quadlet: true,
        active: true,
        sourcePath: '/etc/containers/systemd/web.container',
      },
      {
        name: 'housekeeping.service',
        quadlet: false,
        active: false,
        timers: [{ name: 'housekeeping.timer', active: true, enabled: true }],
      },
      { name: 'notes.service', user: 'notes', quadlet: true, active: true },
    ]);
    expect(system?.users).toMatchObject([
      { name: 'notes', uid: 1000, gid: 100, linger: true, subuid: [{ first: 100000, count: 65536 }] },
    ]);
    expect(system?.stores).toEqual([
      { graphRoot: '/var/lib/containers/storage' },
      { user: 'notes', graphRoot: '/home/notes/.local/share/containers/storage' },
    ]);
    expect(system?.podmanRestart).toBe(true);
    const source = findings.moves.doc1?.source;
    expect(source).toMatchObject({
      state: 'directory',
      uid: 0,
      gid: 0,
      mode: '0755',
      fsType: 'ext4',
      isMount: false,
      acls: 2,
      sparseFiles: 2,
      databases: [{ kind: 'SQLite', path: 'app/app.sqlite' }],
      imageStores: [],
      unreadable: { count: 0, first: [] },
    });
    if (source?.state !== 'directory') throw new Error('no directory');
    const owners = source.owners.map(({ uid, gid }) => `${uid}:${gid}`);
    expect(owners.sort()).toEqual([
      '0:0',
      '1000:100',
      '1001:1001',
      '100999:100999',
      '65534:65534',
      '999:998',
    ]);
    // The listing has the directory itself, and lacks what the services write.
    expect(source.entries).toBe(before.source.length - 1 + alive.length);
    expect(source.hardLinkGroups).toBeGreaterThanOrEqual(120);
    expect(findings.notSeen).toEqual([]);
    expect(findings.cluster.mappings).toMatchObject([
      { id: 'containers', entries: [{ node: 'maint', path: '/tank/containers' }] },
    ]);
  });

  test('the plan has no blocker, every stage, and the five workloads', async () => {
    const ran = await at.drayage('plan', '--json');
    expect(ran.exitCode).toBe(0);
    planned = JSON.parse(ran.stdout).plan;
    expect(planned.blockers).toEqual([]);
    expect([...new Set(planned.steps.map((step) => step.stage))]).toEqual([
      'prepare',
      'seed',
      'cutover',
      'prove',
    ]);
    for (const name of ['writer', 'app', 'web.service', 'housekeeping.service', 'notes.service (notes)'])
      expect(planned.steps.find((step) => step.id === 'stop doc1')?.title).toContain(name);
  });

  test('the plan is kept as a runbook and as a file that apply takes, and is the same each time', async () => {
    const file = join(folder, 'evening.plan');
    const ran = await at.drayage('plan', '--format', 'markdown', '--out', file, '--detailed-exitcode');
    expect(ran.exitCode).toBe(3);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...planned, estimates: expect.anything() });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(ran.stdout).toMatch(/^# /);
    // A runbook has each command and each call, ready to be read.
    for (const step of planned.steps) expect(ran.stdout).toContain(step.title);
    expect(ran.stdout).toContain('rsync -aHAXS --numeric-ids');
    expect(ran.stdout).toContain('/cluster/mapping/dir/containers');
  });

  test('inspect, plan and status change nothing, and ask the API nothing but GET', async () => {
    const ran = await at.drayage('status');
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).not.toContain('in place');
    expect(await world()).toEqual(before);
    expect(deedMinusPlan([], at.received())).toEqual([]);
    expect(new Set(at.received().api.map(({ method }) => method))).toEqual(new Set(['GET']));
    console.log(`looking: ${sumUp(at.received())}`);
  });
});

describe('before the window', () => {
  test('apply without a word about the window prepares and copies, then stops at the gate', async () => {
    prepared = await at.drayage('apply', '--yes', '--json');
    expect(prepared.exitCode, prepared.stderr).toBe(6);
    const early = planned.steps
      .filter((step) => step.stage === 'prepare' || step.stage === 'seed')
      .map((step) => step.id);
    expect([...stepsBy(prepared, 'done'), ...stepsBy(prepared, 'in-place')].sort()).toEqual(early.sort());
    for (const event of said(prepared))
      if (event.type === 'step-finished')
        at.times.push({ what: `  ${event.step}: ${event.outcome}`, seconds: event.seconds });
  });

  test('what was sent is what the plan says, command by command and call by call', () => {
    expectDeedIsPlan(prepared);
    // And the steps that were done are those that were shown before anything was changed.
    const operations = (steps: readonly Step[]) =>
      Object.fromEntries(
        steps
          .filter((step) => stepsBy(prepared, 'done').includes(step.id))
          .map((step) => [step.id, step.operations]),
      );
    expect(operations(lastRun<Plan>('plan.json').steps)).toEqual(operations(planned.steps));
  });

  test('the services still run on doc1, and the copy is there', async () => {
    expect(await runs()).toEqual({ ...nobodyRuns, doc1: [...workloads] });
    const files = await at.on('prom', 'find /nvmeprom/containers/doc1 -type f | wc -l');
    expect(Number(files)).toBeGreaterThan(5000);
    expect(await at.on('doc2', 'ls /mnt/docker')).toBe(await at.on('doc1', 'ls /mnt/docker'));
    expect(existsSync(join(lab.nodeRoot, 'nvmeprom/containers/.drayage/moves/doc1/released'))).toBe(false);
  });

  test('neither a reboot of doc2 nor a hurried hand starts anything there before the release', async () => {
    await at.reboot('doc2');
    await at.on('doc2', 'mountpoint -q /mnt/docker');
    await sleep(10_000);
    expect(await on('doc2')).toEqual([]);
    expect(await refused('doc2', ['systemctl', 'start', 'web.service'])).toContain('Assertion failed');
    await refused('doc2', ['systemctl', 'start', 'housekeeping.service']);
    await refused('doc2', [...asNotes, 'systemctl', '--user', 'start', 'notes.service']);
    expect(await on('doc2')).toEqual([]);
    expect(await at.on('doc2', 'podman ps -q')).toBe('');
  });
});

describe('the window', () => {
  test('the services move to doc2, and at no moment does one run on both guests', async () => {
    const watch = watchBoth(lab.paths);
    moved = await at.drayage('apply', '--yes', '--window', '600', '--json');
    for (const event of said(moved))
      if (event.type === 'step-finished' && event.outcome === 'done')
        at.times.push({ what: `  ${event.step}`, seconds: event.seconds });
    expect(moved.exitCode, moved.stderr).toBe(0);
    await until('all run on doc2', async () => (await on('doc2')).length === workloads.length, 60);
    const samples = await watch.stop();
    expect(samples.length).toBeGreaterThan(20);
    expect(twoWriters(samples)).toEqual([]);
    expect(await runs()).toEqual({ doc1: [], doc2: [...workloads] });
  });

  test('the report has no difference, every file, every workload, and how long it took', () => {
    const report = lastRun<Report>('report.json');
    expect(report).toEqual(reportOf(moved));
    expect(report).toMatchObject({
      differences: 0,
      containers: { expected: 5, running: 5, missing: [] },
      moves: [
        {
          move: 'doc1',
          scope: 'full',
          attributesCompared: true,
          sockets: ['queue/control.sock'],
          pass: { how: 'change-list' },
          inside: { host: 'doc2', differing: [], unlike: [] },
        },
      ],
    });
    expect(report.files).toBeGreaterThanOrEqual(5000);
    expect(report.moves[0]?.filesRead).toBe(report.files);
    expect(report.windowSeconds).toBeGreaterThan(0);
    expect(report.windowSeconds).toBeLessThan(600);
    at.times.push({ what: 'the window', seconds: report.windowSeconds ?? 0 });
  });

  test('what was sent is what the plan says, and the downtime is what was planned before', () => {
    expectDeedIsPlan(moved);
    const cutover = (plan: Plan) =>
      plan.steps.filter((step) => step.stage === 'cutover').map(({ id, operations }) => ({ id, operations }));
    expect(cutover(lastRun<Plan>('plan.json'))).toEqual(cutover(planned));
  });

  test('nothing in the window sits out a timeout', () => {
    const slow = lastJournal().filter((entry) => entry.kind === 'outcome' && entry.seconds >= 60);
    expect(slow).toEqual([]);
  });

  test('the writer lost no line and wrote none twice, and goes on on doc2', async () => {
    const left = Buffer.from(await at.on('doc1', `cat ${planted.writerLog}`));
    const log = writerLog();
    expect(log.subarray(0, left.length).equals(left)).toBe(true);
    expect(checkWriterLog(log)).toEqual({ lines: expect.any(Number), lost: 0, doubled: 0, bad: 0 });
    const lines = checkWriterLog(log).lines;
    await until('the log has grown', () => checkWriterLog(writerLog()).lines > lines, 30);
  });

  test('settings of others are as they were: the mapping of another node, and every option of the VMs', async () => {
    expect(await at.api('GET', mappingPath)).toMatchObject({
      map: ['node=maint,path=/tank/containers', 'node=prom,path=/nvmeprom/containers'],
      description: 'kept for the maintenance node',
    });
    const {
      virtiofs0,
      digest: _new,
      ...after
    } = (await at.api('GET', `${vm(doc2)}/config`)) as Record<string, unknown>;
    const { digest: _old, ...known } = before.vms[1] as Record<string, unknown>;
    expect(after).toEqual(known);
    expect(virtiofs0).toContain('containers');
    expect(await at.api('GET', `${vm(doc1)}/config`)).toEqual(before.vms[0]);
  });
});

describe('afterwards', () => {
  test('a second apply finds everything in place and performs nothing', async () => {
    const ran = await at.drayage('apply', '--yes', '--window', '600', '--json');
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(stepsBy(ran, 'done')).toEqual([]);
    expect(stepsBy(ran, 'failed')).toEqual([]);
    expect(lastJournal()).toEqual([]);
    expect(deedMinusPlan([], ran.received)).toEqual([]);
  });

  test('plan has nothing left to do, and status says that everything is in place', async () => {
    const ran = await at.drayage('plan', '--json', '--detailed-exitcode');
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(new Set(Object.values(JSON.parse(ran.stdout).standing))).toEqual(new Set(['in-place']));
    const status = await at.drayage('status');
    expect(status.exitCode).toBe(0);
    expect(status.stdout).not.toMatch(/^ *(to do|unknown|blocked) /m);
    expect(status.stdout).toContain('no difference');
  });

  test('verify reads both sides again and finds no difference', async () => {
    const ran = await at.drayage('verify', '--json');
    expect(ran.exitCode, ran.stderr).toBe(0);
    expect(lastRun<Report>('report.json')).toMatchObject({
      differences: 0,
      files: lastRun<Report>('report.json').moves[0]?.filesRead,
      containers: { expected: 5, running: 5, missing: [] },
      moves: [{ scope: 'full' }],
    });
    expect(deedMinusPlan([], ran.received)).toEqual([]);
  });

  // While the first phase is not proven: test/platform/cli/phases.test.ts.
  test('a phase that waited for this one runs, by itself, and this one stays as it is', async () => {
    const file = join(folder, 'two-phases.yaml');
    await at.on('doc1', 'mkdir -p /srv/media/films; for n in 1 2 3; do echo $n >/srv/media/films/$n; done');
    writeFileSync(
      file,
      `${readFileSync(lab.paths.drayageConfig, 'utf8')}  media:
    from: { guest: doc1, path: /srv/media }
    to: { share: containers, guest: doc2, as: media }
phases:
  - { name: doc2, moves: [doc1] }
  - { name: igpu2, moves: [media], after: doc2 }
`,
    );
    const status = await at.drayage('status', '--file', file);
    expect(status.stdout).toContain('Phase igpu2, doc2 is proven');
    const ran = await at.drayage('apply', '--yes', '--window', '600', '--json', '--file', file);
    expect(ran.exitCode, ran.stderr).toBe(0);
    const steps = lastRun<Plan>('plan.json').steps.filter(({ id }) => stepsBy(ran, 'done').includes(id));
    expect([...new Set(steps.map(({ phase }) => phase))]).toEqual(['igpu2']);
    expect(await at.on('doc2', 'cd /srv/media && mountpoint -q . && cat films/*')).toBe('1\n2\n3\n');
    expect(await runs()).toEqual({ doc1: [], doc2: [...workloads] });
  });

  test('the source is untouched: every name, number, time and inode is as it was before drayage came', async () => {
    expect(await sourceListing()).toEqual(before.source);
  });

  test('no secret is in anything that drayage wrote, said or sent', async () => {
    const token = readFileSync(lab.paths.token, 'utf8').trim().split('=')[1] as string;
    const files = (top: string): string[] =>
      readdirSync(top, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
    const { ssh, api } = at.received();
    const texts: Record<string, string> = {
      ...Object.fromEntries(
        files(join(folder, '.drayage')).map((file) => [file, readFileSync(file, 'latin1')]),
      ),
      'evening.plan': readFileSync(join(folder, 'evening.plan'), 'utf8'),
      'stdout and stderr': at.said.join('\n'),
      'what ssh brought': Object.values(ssh)
        .flat()
        .map(({ command }) => command)
        .join('\n'),
      'what the API got': JSON.stringify(api),
      "drayage's folder in the share": files(join(lab.nodeRoot, 'nvmeprom/containers/.drayage'))
        .map((file) => readFileSync(file, 'latin1'))
        .join('\n'),
    };
    expect(Object.keys(texts).length).toBeGreaterThan(10);
    const leaks = Object.entries(texts).filter(
      ([, text]) => text.includes(planted.secret) || text.includes(token),
    );
    expect(leaks.map(([where]) => where)).toEqual([]);
    // It came all the same to where it belongs.
    expect(await at.on('doc2', "podman container inspect --format '{{.Config.Env}}' writer")).toContain(
      planted.secret,
    );
  });

  const schemaFile =
    process.env.DRAYAGE_PVE_SCHEMA ?? resolve(import.meta.dirname, '../../../shared/reference/pve-api.json');
  test.skipIf(!existsSync(schemaFile))('every request of the evening fits the official API schema', () => {
    const schema: Schema = JSON.parse(readFileSync(schemaFile, 'utf8'));
    const { api } = at.received();
    expect(api.length).toBeGreaterThan(50);
    expect(api.flatMap((request) => checkRequestAgainstSchema(request, schema))).toEqual([]);
    expect(api.filter(({ status }) => status !== 200 && status !== 404 && status !== 500)).toEqual([]);
  });
});

describe('reboots and accidents', () => {
  let virtiofs0: string;

  test('a reboot of doc1 starts nothing there, and neither does an operator by mistake', async () => {
    const report = () =>
      at.on('doc1', 'cat /mnt/docker/housekeeping/reports/usage.log; tail -n 1 /mnt/docker/writer/log.txt');
    const written = await report();
    await at.reboot('doc1');
    // The timer would elapse five seconds after it was started.
    await sleep(12_000);
    expect(await on('doc1')).toEqual([]);
    expect(await refused('doc1', ['systemctl', 'start', 'web.service'])).toContain('Assertion failed');
    expect(await refused('doc1', ['systemctl', 'start', 'housekeeping.service'])).toContain(
      'Assertion failed',
    );
    expect(await refused('doc1', ['systemctl', 'start', 'housekeeping.timer'])).toContain('Assertion failed');
    await refused('doc1', [...asNotes, 'systemctl', '--user', 'start', 'notes.service']);
    expect(await at.on('doc1', 'podman ps -q')).toBe('');
    expect(await at.on('doc1', `${asNotes.join(' ')} podman ps -q`)).toBe('');
    expect(await report()).toBe(written);
    expect(await sourceListing()).toEqual(before.source);
  });

  test('without its share doc2 boots and answers, starts nothing, and lets nothing be written where the data was', async () => {
    ({ virtiofs0 } = (await at.api('GET', `${vm(doc2)}/config`)) as { virtiofs0: string });
    await at.stopVm(doc2);
    await at.api('PUT', `${vm(doc2)}/config`, { delete: 'virtiofs0' });
    await at.startVm('doc2', doc2);
    await sleep(10_000);
    expect(await on('doc2')).toEqual([]);
    expect(await at.on('doc2', 'podman ps -q')).toBe('');
    for (const path of ['/mnt/docker', '/mnt/containers']) {
      expect(await at.on('doc2', `ls -A ${path}`)).toBe('');
      expect(await refused('doc2', ['touch', `${path}/here`])).toContain('Operation not permitted');
    }
    expect(await refused('doc2', ['systemctl', 'start', 'web.service'])).not.toBe('');
    await refused('doc2', [...asNotes, 'systemctl', '--user', 'start', 'notes.service']);
    await refused('doc2', ['podman', 'start', 'writer']);
    await refused('doc2', ['podman', 'start', 'app']);
    expect(await on('doc2')).toEqual([]);
  });

  test('with its share back, a boot of doc2 brings every workload back by itself, and no line is lost', async () => {
    const lines = checkWriterLog(writerLog()).lines;
    // Nothing runs there: pulling the plug is enough.
    await at.task(`${vm(doc2)}/status/stop`);
    await at.api('PUT', `${vm(doc2)}/config`, { virtiofs0 });
    await at.startVm('doc2', doc2);
    // `app` has no restart policy, as on doc1: a boot does not bring it back.
    const back = workloads.filter((name) => name !== 'app');
    await until('the workloads run again', async () => (await on('doc2')).length >= back.length, 180);
    expect(await on('doc2')).toEqual(back);
    await until('the log has grown', () => checkWriterLog(writerLog()).lines > lines, 30);
    expect(checkWriterLog(writerLog())).toMatchObject({ lost: 0, doubled: 0, bad: 0 });
    await at.on('doc2', 'podman start app');
  });

  test('verify names a file whose single byte differs at equal size and time', async () => {
    const name = 'photos/library/2020/06/img_0010.jpg';
    await at.on(
      'doc1',
      `f=/mnt/docker/${name}; cp -p $f /run/kept; printf '\\377' | dd of=$f bs=1 seek=100 conv=notrunc status=none; touch -r /run/kept $f`,
    );
    const ran = await at.drayage('verify');
    expect(ran.exitCode).toBe(4);
    expect(ran.stderr).toContain(name);
    expect(lastRun<Report>('report.json')).toMatchObject({
      differences: 1,
      moves: [{ first: [{ path: name, what: 'content' }] }],
    });
    await at.on('doc1', `f=/mnt/docker/${name}; cat /run/kept > $f; touch -r /run/kept $f; rm /run/kept`);
    const mended = await at.drayage('verify');
    expect(mended.exitCode, mended.stderr).toBe(0);
  });
});

describe('letting go', () => {
  const finalize = (...more: string[]) => at.drayage('finalize', '--move', 'doc1', ...more);

  test('is refused while the soak time runs, and without the name', async () => {
    expect(await finalize('--confirm', 'doc1')).toMatchObject({ exitCode: 5 });
    appendFileSync(lab.paths.drayageConfig, 'finalize: { soakDays: 0 }\n');
    const ran = await finalize();
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain('--confirm doc1');
    expect(deedMinusPlan([], ran.received)).toEqual([]);
  });

  test('deletes the old data and nothing else', async () => {
    const others = "find / -xdev -path /mnt/docker -prune -o -type f -path '/[ehu]*' -print | sort";
    const kept = await at.on('doc1', others);
    const ran = await finalize('--confirm', 'doc1', '--json');
    expect(ran.exitCode, ran.stdout + ran.stderr).toBe(0);
    expectDeedIsPlan(ran);
    expect(await at.on('doc1', 'ls -A /mnt/docker')).toBe('');
    expect(await at.on('doc1', others)).toBe(kept);
    expect(await runs()).toEqual({ doc1: [], doc2: [...workloads] });
    expect(Number(await at.on('prom', 'find /nvmeprom/containers/doc1 -type f | wc -l'))).toBeGreaterThan(
      5000,
    );
  });
});
