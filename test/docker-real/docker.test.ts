import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootDockerGuest } from '../../lab/docker-guest/index.ts';
import type { SingleGuest } from '../../lab/single-guest/boot.ts';
import { holds } from '../../src/apply/check.ts';
import type { World } from '../../src/apply/world.ts';
import { writeFile } from '../../src/apply/write.ts';
import { readSystem } from '../../src/guest/system.ts';
import type { Findings, GuestSystem } from '../../src/inspect/findings.ts';
import { readWorkloads } from '../../src/inspect/guest-workloads.ts';
import { moveContext } from '../../src/plan/context.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Check, Operation } from '../../src/plan/operation.ts';
import type { Step } from '../../src/plan/plan.ts';
import { cannotStart, stopOnTarget } from '../../src/plan/way-back/target.ts';
import { type SshHost, sshHost } from '../../src/ssh/ssh.ts';
import { sampleConfig, sampleFindings, sampleYaml } from '../support/sample.ts';

let guest: SingleGuest;
let folder: string;
let host: SshHost;
/** Of the guest as it ran before anything was done to it. */
let findings: Findings;

const connect = () =>
  sshHost({ name: 'doc1', destination: 'doc1', configFile: guest.sshConfig, controlFolder: folder });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-'));
  guest = await bootDockerGuest('doc1', (line) => process.stderr.write(`${line}\n`));
  host = connect();
  const script = readFileSync(join(import.meta.dirname, 'setup.sh'), 'utf8');
  const made = await host.run(['bash', '-s'], { stdin: script, timeoutSeconds: 120 });
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  findings = await inspected();
});
afterAll(async () => {
  await host?.close();
  await guest?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The sample's world, with what this guest really has as doc1, and as an empty doc2. */
async function inspected(): Promise<Findings> {
  const facts = await readSystem(host);
  const { notSeen, ...found } = await readWorkloads(host, facts, {
    movedPaths: ['/mnt/docker'],
    alsoUnits: [],
    isSource: true,
  });
  expect(notSeen).toEqual([]);
  const { rootStore: _, users, ...rest } = facts;
  const system: GuestSystem = { ...rest, users, ...found };
  const sample = sampleFindings();
  const empty = { ...system, containers: [], units: [], images: [], startsContainers: [] };
  return {
    ...sample,
    guests: {
      doc1: { ...sample.guests.doc1!, system },
      doc2: { ...sample.guests.doc2!, system: empty },
    },
  };
}

const carry = `${sampleYaml}    workloads: { ignore: [plain] }\n`;
const present = `${sampleYaml}    definitions: present\n`;
const plan = (yaml: string) => makePlan(sampleConfig(yaml), findings, '0.1.0');
const step = (id: string, yaml = present): Step => {
  const found = plan(yaml).steps.find((each) => each.id === `${id} docker`);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
};

/** Both guests of the plan are this one. */
const world = () =>
  ({
    hosts: () => host,
    stop: new AbortController().signal,
    now: Date.now,
    sleep: (ms: number) => sleep(ms),
  }) as unknown as World;

async function perform(operations: readonly Operation[]): Promise<void> {
  for (const operation of operations) {
    if (operation.kind === 'write') await writeFile(operation, world());
    else if (operation.kind === 'run') {
      const result = await host.run(operation.argv, { timeoutSeconds: 120 });
      expect(`${operation.what}: ${result.exitCode} ${result.stderr}`).toMatch(/: 0 /);
    } else throw new Error(`no ${operation.kind} here`);
  }
}

async function expectHolds(checks: readonly Check[]): Promise<void> {
  for (const check of checks) {
    const answer = await holds(check, world(), 'test');
    expect(`${check.what}: ${answer.holds ? 'holds' : answer.seen}`).toBe(`${check.what}: holds`);
  }
}

const text = async (...argv: string[]) => {
  const { exitCode, stdout, stderr } = await host.run(argv, { timeoutSeconds: 120 });
  expect(`${exitCode} ${stderr}`).toBe('0 ');
  return stdout.toString().trim();
};
const runningNames = async () =>
  (await text('docker', 'ps', '--format', '{{.Names}}')).split('\n').filter(Boolean).sort();
const policies = async () =>
  (
    await text(
      'sh',
      '-c',
      'docker ps --all --quiet | xargs docker inspect --format "{{.Name}} {{.HostConfig.RestartPolicy.Name}}"',
    )
  )
    .split('\n')
    .sort();

async function reboot(): Promise<void> {
  const before = await text('cat', '/proc/sys/kernel/random/boot_id');
  await host.run(['systemctl', 'reboot']).catch(() => undefined);
  await host.close();
  for (const end = Date.now() + 180_000; ; await sleep(1000)) {
    if (Date.now() > end) throw new Error('the guest did not come back');
    host = connect();
    const answer = await host
      .run(['sh', '-c', 'docker version >/dev/null && cat /proc/sys/kernel/random/boot_id'])
      .catch(() => undefined);
    if (answer?.exitCode === 0 && answer.stdout.toString().trim() !== before) break;
    await host.close();
  }
  // Everything that a boot starts has been started.
  await host.run(['systemctl', 'is-system-running', '--wait'], { timeoutSeconds: 120 });
}

const all = ['media-db-1', 'media-web-1', 'other', 'plain', 'stack-app-1'];
const asMade = [
  '/media-db-1 always',
  '/media-web-1 unless-stopped',
  '/other always',
  '/plain unless-stopped',
  '/stack-app-1 always',
];

describe('docker as it is', () => {
  test('is found: containers, projects, what needs what, and the unit that runs one', () => {
    const { containers, units, dockerVersion, composeVersion } = findings.guests.doc1!.system!;
    const by = (name: string) => containers.find((each) => each.name === name);
    expect(dockerVersion).toMatch(/^\d/);
    expect(composeVersion).toMatch(/^\d/);
    expect(by('media-web-1')).toMatchObject({
      needs: ['media-db-1'],
      compose: { project: 'media', service: 'web', files: ['/mnt/docker/media/compose.yaml'] },
    });
    expect(by('media-db-1')).toMatchObject({ stopTimeoutSeconds: 20, bindSources: ['/mnt/docker/media/db'] });
    expect(by('stack-app-1')).toMatchObject({ composeUnit: 'stack.service' });
    expect(units.map(({ name }) => name)).toEqual(['stack.service']);
    expect(plan(carry).blockers).toEqual([]);
    expect(plan(sampleYaml).blockers.map(({ seen }) => seen)).toEqual([
      'docker container plain: docker does not tell how it was made',
    ]);
  });
});

describe('the source', () => {
  test('is fenced and stopped, what needs others first, and is quiet', async () => {
    await perform(step('fence').operations);
    await perform(step('stop').operations);
    await expectHolds([...step('fence').proof, ...step('stop').proof]);
    expect(await runningNames()).toEqual(['other']);
    const ended = (name: string) => text('docker', 'inspect', '--format', '{{.State.FinishedAt}}', name);
    expect((await ended('media-web-1')) < (await ended('media-db-1'))).toBe(true);
  });

  test('starts nothing of the move after a reboot, and all others', async () => {
    await reboot();
    expect(await runningNames()).toEqual(['other']);
    await expectHolds([...step('fence').proof, ...step('stop').proof]);
    const started = await host.run(['systemctl', 'start', 'stack.service']);
    expect(started.exitCode).not.toBe(0);
    expect(await runningNames()).toEqual(['other']);
  });

  test('is given back as it was: policies, the unit, and what ran', async () => {
    await perform(step('fence').undo);
    await perform(step('stop').undo);
    expect(await runningNames()).toEqual(all);
    expect(await policies()).toEqual(asMade);
    await reboot();
    expect(await runningNames()).toEqual(all);
  });
});

describe('the target', () => {
  const archive = '/mnt/containers/.drayage/images/docker-docker.tar';

  test('gets the images, the projects are made again from their files, and nothing starts', async () => {
    await perform(step('fence', carry).operations);
    await perform(step('stop', carry).operations);
    const [fetch, load] = step('images', carry).operations as Extract<Operation, { kind: 'run' }>[];
    await text('sh', '-c', `mkdir -p ${archive.replace(/\/[^/]*$/, '')}; ${fetch!.argv.at(-2)} > ${archive}`);
    // From here on this guest is doc2: an empty docker, the data at its place.
    await text('sh', '-c', 'docker ps --all --quiet | xargs docker rm --force >/dev/null');
    await text('sh', '-c', 'docker image rm lab/base:1 >/dev/null');
    await text('sh', '-c', 'rm -r /etc/systemd/system/stack.service.d; systemctl daemon-reload');
    await perform([load!]);
    await expectHolds(step('images', carry).proof);
    const made = step('definitions', carry).operations.filter(
      (operation) => operation.kind === 'run' && operation.argv[0] === 'docker',
    );
    expect(made).toHaveLength(3);
    await perform(made);
    await expectHolds(step('definitions', carry).proof);
    expect(await runningNames()).toEqual([]);
  });

  test('starts in order what ran, with the policies that it had', async () => {
    await perform(step('start', carry).operations);
    await expectHolds(step('start', carry).proof);
    await perform(step('restart-policy', carry).operations);
    await expectHolds(step('restart-policy', carry).proof);
    expect(await policies()).toEqual([
      '/media-db-1 always',
      '/media-web-1 unless-stopped',
      '/stack-app-1 always',
    ]);
  });

  test('is stopped by a rollback so that it stays stopped, a reboot included', async () => {
    const config = sampleConfig(carry);
    const context = moveContext(config, findings, config.moves.docker!)!;
    const stop = stopOnTarget(context, plan(carry));
    await perform(stop.operations);
    const own = cannotStart(context, { ...plan(carry), steps: [] }).filter(
      ({ what }) => !/asserts/.test(what),
    );
    await expectHolds(own);
    await text('systemctl', 'disable', 'stack.service').catch(() => undefined);
    await reboot();
    await expectHolds(own);
    expect(await runningNames()).toEqual([]);
  });
});
