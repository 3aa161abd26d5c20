import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { secret } from '../../lab-kit/proxmox/bench.ts';
import { type CreateWorld, startCreateWorld } from './world.ts';

let world: CreateWorld;
const open = async (narrow?: Record<string, string[]>) => {
  world = await startCreateWorld(narrow);
};
afterEach(() => world.close());

const options = [
  '--template',
  '9000',
  '--cores',
  '2',
  '--memory',
  '2048',
  '--disk',
  '2G',
  '--tag',
  'drayage',
];
const create = ['guest', 'new', 'doc2', ...options, '--yes'];

it('a guest is cloned, configured before its first start, and entered; the second time nothing is done', async () => {
  await open();
  const before = world.yaml();
  const asked = await world.run(create.slice(0, -1));
  expect(asked.exitCode).toBe(2);
  expect(asked.stderr).toContain(`-> drayage guest new doc2 ${options.join(' ')} --yes`);
  expect(world.writes()).toEqual([]);

  const ended = await world.run(create);
  expect(ended.stderr).toContain('Clone template 9000 (trixie) as doc2');
  expect(ended.stderr).toContain('(the next free number)');
  expect(ended.stderr).toContain('/nodes/prom/qemu/(known after create-guest doc2)/config');
  expect(ended.exitCode).toBe(0);
  const writes = [
    'POST /nodes/prom/qemu/9000/clone',
    'PUT /nodes/prom/qemu/100/resize',
    'PUT /nodes/prom/qemu/100/config',
    'POST /nodes/prom/qemu/100/status/start',
  ];
  expect(world.writes()).toEqual(writes);
  const conf = world.bench.readConf(100);
  expect(conf).toContain('#Made by drayage for the guest doc2, from template 9000.');
  expect(conf).toContain('memory: 2048\n');
  expect(conf).toContain('hotplug: network,disk\n');
  expect(conf).toContain('virtio0: local:100/vm-100-disk-0.qcow2,size=2G\n');
  expect(conf).not.toMatch(/^(virtiofs|template|lock)/m);
  const [started] = world.bench.machines.started;
  expect(started).toMatchObject({ vmid: 100, memoryMiB: 2048, cores: 2, virtiofs: [] });

  const yaml = world.yaml();
  const entry = yaml.slice(before.indexOf('guests:'), yaml.indexOf('# The share.'));
  expect(entry).toMatch(/doc2.*template: 9000.*vmid: 100/s);
  expect(yaml.replace(entry, '')).toBe(before.replace('guests: {}\n', ''));

  // What the operator changes later stays.
  await world.bench.call('PUT', '/nodes/prom/qemu/100/config', { form: { description: 'Mine.' } });
  const mine = world.writes();
  for (const again of [create, ['guest', 'new', 'doc2']]) {
    const second = await world.run(again);
    expect(second.stderr).toContain('Nothing to do.');
    expect(second.exitCode).toBe(0);
  }
  expect(world.writes()).toEqual(mine);
  expect(world.yaml()).toBe(yaml);
  expect(`${ended.stdout}${ended.stderr}`).not.toContain(secret);
});

it('what cannot be done is told before anything is', async () => {
  await open();
  const told = async (args: readonly string[], code: number, ...texts: string[]) => {
    const ended = await world.run(args);
    for (const text of texts) expect(ended.stderr.replace(/\s+/g, ' ')).toContain(text);
    expect(ended.exitCode).toBe(code);
  };
  await told([...create, '--vmid', '104'], 5, 'guest/vmid-taken', 'VM 104 (doc1, on prom)');
  await told(['guest', 'new', 'doc2', '--template', '9000', '--memory', '4G'], 2, 'Write a whole number');
  world.write('\n  doc2:\n    create: { template: 9000, memory: "4096" }');
  await told(['guest', 'new', 'doc2'], 2, 'drayage.yaml:9:39: guests.doc2.create.memory is "4096"');
  expect(world.writes()).toEqual([]);
});

it('privileges that the token lacks are named, each with the command that grants it', async () => {
  await open({ '/vms/9000': ['VM.Audit'], '/vms': ['VM.Audit'] });
  const ended = await world.run(create, { as: 'narrow' });
  expect(ended.exitCode).toBe(5);
  for (const need of [
    'VM.Clone on /vms/9000',
    'VM.Allocate on /vms/100',
    'Datastore.AllocateSpace on /storage/local',
    'SDN.Use on /sdn/zones/localnetwork/vmbr0',
    'Mapping.Use on /mapping/dir/leftover',
    'VM.Config.Memory on /vms/100',
    'VM.PowerMgmt on /vms/100',
    'VM.GuestAgent.Audit or VM.GuestAgent.Unrestricted on /vms/100',
  ])
    expect(ended.stderr).toContain(need);
  expect(ended.stderr).toContain("pveum acl modify /vms/9000 --tokens 'mover@pve!narrow' --roles Drayage");
  expect(ended.stderr).toContain('pveum role modify Drayage --append 1 --privs VM.Clone');
  expect(world.writes()).toEqual([]);
});

describe('killed at any moment and run again', () => {
  const cli = join(import.meta.dirname, '../../../src/cli/main.ts');

  /** Runs drayage until the API has got so many changes, and kills it. */
  const killedAfter = async (changes: number) => {
    const env = { PATH: process.env.PATH, PROXMOX_VE_API_TOKEN: `root@pam!drayage=${secret}` };
    const child = spawn(process.execPath, [cli, ...create], { cwd: world.cwd, env, stdio: 'ignore' });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    while (child.exitCode === null && world.writes().length < changes) await sleep(2);
    child.kill('SIGKILL');
    await gone;
  };

  it.each([1, 2, 3, 4])('after %i changes there is one guest, as wanted', async (changes) => {
    await open();
    await killedAfter(changes);
    const ended = await world.run(create);
    expect(ended.stderr).toContain('Done.');
    expect(ended.exitCode).toBe(0);
    expect(await world.machines()).toEqual(['doc2', 'doc1']);
    expect(world.writes().filter((write) => write.endsWith('/clone'))).toHaveLength(1);
    expect(world.bench.readConf(100)).toMatch(/#Made by drayage.*memory: 2048.*size=2G/s);
    expect(world.yaml()).toContain('vmid: 100');
  });
});
