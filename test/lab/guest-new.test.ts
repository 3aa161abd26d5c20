import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../lab/index.ts';
import { labTemplate } from '../../lab/room/template.ts';
import { readPlan } from '../../src/apply/recorded-plans.ts';
import type { Operation } from '../../src/plan/operation.ts';
import { deedMinusPlan } from '../support/lab-deed.ts';
import { evening } from '../support/lab-evening.ts';

let folder: string;
let lab: Lab;
let at: ReturnType<typeof evening>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-new-'));
  lab = await startLab({ folder, guests: [], services: false, template: true });
  // Nobody has asked any machine anything yet.
  for (const name of ['api', 'ssh-prom', 'ssh-doc1', 'ssh-doc2'])
    appendFileSync(join(lab.paths.record, `${name}.jsonl`), '');
  // What is known of machines that do not exist yet.
  const { knownHosts, drayageConfig } = lab.paths;
  const lines = readFileSync(knownHosts, 'utf8').split('\n');
  writeFileSync(knownHosts, lines.filter((line) => line.startsWith('prom,')).join('\n'));
  const config = readFileSync(drayageConfig, 'utf8');
  writeFileSync(
    drayageConfig,
    config
      .replace(/\nguests:\n[\s\S]*?\n\n/, '\nguests: {} # none yet\n\n')
      .replace(/\nmoves:\n[\s\S]*$/, '\nmoves: {}\nhosts: { file: hosts.nix }\n'),
  );
  writeFileSync(
    join(dirname(drayageConfig), 'hosts.nix'),
    '{\n  _proxmox = { host = "10.77.0.1"; node = "prom"; defaultStorage = "local"; };\n}\n',
  );
  at = evening(lab);
});
afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true });
});

const yaml = () => readFileSync(lab.paths.drayageConfig, 'utf8');
const hosts = () => readFileSync(join(dirname(lab.paths.drayageConfig), 'hosts.nix'), 'utf8');
const changes = (ran: { received: { api: readonly { method: string; path: string }[] } }) =>
  ran.received.api.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);

/** What the last run's plan asks of the API and of the node. */
async function planned(): Promise<Operation[]> {
  const runs = join(lab.paths.drayageState, 'runs');
  const plan = await readPlan(join(runs, readdirSync(runs).sort().at(-1) ?? '', 'plan.json'));
  return plan.steps
    .flatMap(({ operations }) => operations)
    .filter((operation) => !('host' in operation) || operation.host === 'prom');
}

test('a guest is made from a template, starts, and its agent answers', async () => {
  const ran = await at.drayage(
    ...['guest', 'new', 'doc2', '--template', String(labTemplate.vmid)],
    ...['--memory', '1024', '--disk', '5G', '--yes'],
  );
  expect(ran.stderr).toContain('Done.');
  expect(ran.exitCode).toBe(0);
  const resolved = JSON.parse(
    JSON.stringify(await planned()).replaceAll('(known after create-guest doc2)', '100'),
  ) as Operation[];
  expect(deedMinusPlan(resolved, ran.received)).toEqual([]);
  const config = (await at.api('GET', '/nodes/prom/qemu/100/config')) as Record<string, string>;
  expect(config).toMatchObject({ name: 'doc2', memory: '1024', hotplug: 'network,disk' });
  expect(config.virtio0).toBe('local:100/vm-100-disk-0.qcow2,size=5G');
  expect(Object.keys(config).filter((key) => key.startsWith('virtiofs'))).toEqual([]);
  expect(yaml()).toContain('# none yet');
});

test('the second time, nothing is changed', async () => {
  const before = yaml();
  const ran = await at.drayage('guest', 'new', 'doc2', '--yes');
  expect(ran.stderr).toContain('Nothing to do.');
  expect([ran.exitCode, changes(ran), yaml()]).toEqual([0, [], before]);
});

test('it is fitted in: its own host key is known, it is reached by ssh, and the share is mounted', async () => {
  const ran = await at.drayage('guest', 'integrate', 'doc2', '--share', 'containers', '--yes');
  expect(ran.stderr).toContain('Done.');
  expect(ran.exitCode).toBe(0);
  expect(
    deedMinusPlan(await planned(), { ...ran.received, ssh: { prom: ran.received.ssh.prom ?? [] } }),
  ).toEqual([]);
  expect(yaml()).toContain('ssh: root@10.77.0.12');
  const known = readFileSync(lab.paths.knownHosts, 'utf8').split('\n');
  expect(known.filter((line) => line.startsWith('10.77.0.12 ssh-ed25519 '))).toHaveLength(1);
  // hosts.nix has it as the cluster and the guest do.
  const [, type, key] = known.find((line) => line.startsWith('10.77.0.12 ssh-ed25519 '))?.split(' ') ?? [];
  for (const line of [
    '  doc2 = {',
    '    localIp = "10.77.0.12";',
    `    publicKey = "${type} ${key}";`,
    '      vmid = 100;',
    '      memory = 1024;',
    '      disk = "5G";',
    '      virtiofs = {\n        mapping = "containers";\n      };',
  ])
    expect(hosts()).toContain(`${line}\n`);
  // As any other program on this machine: with what drayage.yaml and known_hosts have now.
  const ssh = ['ssh', '-F', lab.paths.sshConfig, 'root@10.77.0.12'];
  const guest = async (line: string) => (await lab.exec([...ssh, line])).stdout.toString();
  expect(await guest('cat /mnt/containers/.drayage/share.json')).toContain('"share":"containers"');
  expect(await guest('findmnt -no FSTYPE,SOURCE /mnt/containers')).toMatch(/^virtiofs\s+containers/);
  expect(await guest('systemctl is-enabled mnt-containers.mount')).toBe('enabled\n');
  expect(await guest('lsblk -bno SIZE /dev/vda')).toBe(`${5 * 1024 ** 3}\n`);
  await at.on(
    'prom',
    'test -z "$(ls -A /nvmeprom/containers)" && exit 1; touch /nvmeprom/containers/from-prom',
  );
  expect(await guest('ls /mnt/containers')).toContain('from-prom');
});

test('the second time, nothing is changed either', async () => {
  const before = yaml();
  const [known, fleet] = [readFileSync(lab.paths.knownHosts, 'utf8'), hosts()];
  const ran = await at.drayage('guest', 'integrate', 'doc2', '--share', 'containers', '--yes');
  expect(ran.stderr).toContain('Nothing to do.');
  expect([ran.exitCode, changes(ran)]).toEqual([0, []]);
  expect([yaml(), readFileSync(lab.paths.knownHosts, 'utf8'), hosts()]).toEqual([before, known, fleet]);
  expect(deedMinusPlan([], { ...ran.received, ssh: { prom: ran.received.ssh.prom ?? [] } })).toEqual([]);
});
