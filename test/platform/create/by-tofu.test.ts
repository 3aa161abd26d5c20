/** A guest that OpenTofu makes: real edits of real files, the emulated API, and a stand-in for OpenTofu that clones there. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { secret } from '../../lab-kit/proxmox/bench.ts';
import { planWith, vmChange } from '../../plan/tofu/plan-json.ts';
import { type StandIn, standInTofu } from '../../support/stand-in-tofu.ts';
import { filesBelow } from '../cli/world.ts';
import { type CreateWorld, startCreateWorld } from './world.ts';

let world: CreateWorld;
let tofu: StandIn;

const hosts = [
  '# My machines.',
  '{',
  '  _proxmox = { host = "192.0.2.1"; node = "prom"; templateVmid = 9000; };',
  '',
  '  # The old one.',
  '  doc1 = { hostname = "doc1"; proxmox = { vmid = 104; cores = 1; memory = 1024; disk = "8G"; readonly = true; }; };',
  '}',
  '',
].join('\n');

const address = 'proxmox_virtual_environment_vm.doc2';
const creates = (vmid: number, ...more: object[]) =>
  planWith([
    {
      ...vmChange(['create'], { before: null, after: { vm_id: vmid, name: 'doc2', started: false } }),
      address,
    },
    ...more,
  ]);
const other = {
  ...vmChange(['update'], { before: { vm_id: 104, name: 'a' }, after: { vm_id: 104, name: 'b' } }),
  address: 'proxmox_virtual_environment_vm.doc1',
};

/** What the provider asks of the API, in short: a clone, and its configuration. */
const clones = (vmid: number) => `
call() { curl -sSfk -H "Authorization: PVEAPIToken=$PROXMOX_VE_API_TOKEN" "$@"; }
nodes=${world.bench.api.url}/api2/json/nodes/prom/qemu
call -X POST $nodes/9000/clone -d newid=${vmid} -d name=doc2 -d full=1
for try in 1 2 3 4 5 6 7 8 9; do call $nodes/${vmid}/config | grep -q '"lock"' || break; sleep 0.2; done
call -X PUT $nodes/${vmid}/config -d cores=2 -d memory=2048 -d onboot=1 --data-urlencode 'description=Managed by OpenTofu - doc2'
`;

beforeEach(async () => {
  world = await startCreateWorld();
  mkdirSync(join(world.cwd, 'tofu'));
  tofu = standInTofu(join(world.cwd, '../stand-in'));
  configure(hosts);
});
afterEach(() => world.close());

function configure(text: string | undefined): void {
  world.write(' {}');
  const more = ['tofu: { folder: tofu }', ...(text === undefined ? [] : ['hosts: { file: hosts.nix }']), ''];
  writeFileSync(join(world.cwd, 'drayage.yaml'), world.yaml() + more.join('\n'));
  if (text !== undefined) writeFileSync(join(world.cwd, 'hosts.nix'), text);
}

const file = (name: string) => readFileSync(join(world.cwd, name), 'utf8');
const files = () =>
  Object.fromEntries(Object.entries(filesBelow(world.cwd)).filter(([path]) => !path.includes('/.drayage/')));
const run = (...args: string[]) => world.run(args, { env: { PATH: `${tofu.bin}:${process.env.PATH}` } });
const options = ['--cores', '2', '--memory', '2048', '--disk', '2G', '--tag', 'drayage'];
const create = ['guest', 'new', 'doc2', ...options, '--yes'];
const generated = async () => {
  tofu.set({ plan: planWith([]) });
  expect((await run('tofu', 'generate')).exitCode).toBe(0);
};

it('it is entered in every file, OpenTofu makes it, and drayage starts it; the second time nothing is done', async () => {
  await generated();
  tofu.set({
    plan: creates(100),
    applyRuns: clones(100),
    resources: { [address]: { vm_id: 100, clone: [{}] } },
  });
  const ended = await run(...create);
  expect(ended.stderr).toContain('drayage guest new doc2');
  expect(ended.exitCode).toBe(0);
  expect(ended.stdout).toContain(`+ ${address}`);

  // hosts.nix: one host more, and nothing else.
  const added = file('hosts.nix').replace(hosts.slice(0, -2), '');
  expect(added).toBe(
    [
      '',
      '  doc2 = {',
      '    hostname = "doc2";',
      '    sshAlias = "doc2";',
      '    proxmox = {',
      '      vmid = 100;',
      '      cores = 2;',
      '      memory = 2048;',
      '      disk = "2G";',
      '      storage = "local";',
      '      tags = [ "drayage" ];',
      '    };',
      '  };',
      '}',
      '',
    ].join('\n'),
  );
  expect(file('drayage.yaml')).toMatch(/doc2.*template: 9000.*vmid: 100/s);
  const { doc2 } = JSON.parse(file('tofu/drayage.tf.json')).resource.proxmox_virtual_environment_vm;
  expect(doc2).toMatchObject({
    ...{ vm_id: 100, node_name: 'prom', clone: { vm_id: 9000, full: true }, started: false },
    ...{ cpu: { cores: 2 }, memory: { dedicated: 2048 } },
  });
  expect(tofu.verbs().filter((verb) => verb === 'apply')).toHaveLength(1);
  // What the provider leaves of the template is gone before the first start.
  expect(world.writes()).toEqual([
    'POST /nodes/prom/qemu/9000/clone',
    'PUT /nodes/prom/qemu/100/config',
    'PUT /nodes/prom/qemu/100/resize',
    'PUT /nodes/prom/qemu/100/config',
    'POST /nodes/prom/qemu/100/status/start',
  ]);
  const conf = world.bench.readConf(100);
  expect(conf).toContain('hotplug: network,disk\n');
  expect(conf).not.toMatch(/^(virtiofs|lock)/m);
  expect(world.bench.machines.started).toMatchObject([{ vmid: 100, memoryMiB: 2048, virtiofs: [] }]);

  tofu.set({ plan: planWith([]), resources: { [address]: { vm_id: 100, clone: [{}] } } });
  const [before, writes] = [files(), world.writes()];
  const again = await run(...create);
  expect(again.stderr).toContain('Nothing to do.');
  expect(again.exitCode).toBe(0);
  expect([files(), world.writes()]).toEqual([before, writes]);
  expect(await run('tofu', 'generate', '--check')).toMatchObject({ exitCode: 0 });
});

it('without hosts.nix, drayage.yaml alone has it', async () => {
  configure(undefined);
  await generated();
  tofu.set({
    plan: creates(100),
    applyRuns: clones(100),
    resources: { [address]: { vm_id: 100, clone: [{}] } },
  });
  const ended = await run('guest', 'new', 'doc2', '--template', '9000', '--memory', '2048', '--yes');
  expect(ended.exitCode).toBe(0);
  expect(file('drayage.yaml')).toMatch(/doc2.*template: 9000.*vmid: 100/s);
  expect(JSON.parse(file('tofu/drayage.tf.json')).resource.proxmox_virtual_environment_vm.doc2.vm_id).toBe(
    100,
  );
  expect(world.bench.readConf(100)).not.toMatch(/^virtiofs/m);
});

it('a host that hosts.nix has already is made as it stands there', async () => {
  const described = hosts.replace(
    '# The old one.',
    'stack2 = { sshAlias = "doc2"; proxmox = { vmid = 130; name = "doc2"; cores = 2; memory = 2048; disk = "2G"; storage = "local"; }; };',
  );
  configure(described);
  tofu.set({ plan: planWith([]) });
  const own = 'proxmox_virtual_environment_vm.stack2';
  tofu.set({
    plan: creates(130).replace(address, own),
    applyRuns: clones(130),
    resources: { [own]: { vm_id: 130, clone: [{}] } },
  });
  expect((await run('tofu', 'generate')).exitCode).toBe(0);
  const ended = await run('guest', 'new', 'doc2', '--yes');
  expect(ended.exitCode).toBe(0);
  expect(file('hosts.nix')).toBe(described);
  expect(await world.machines()).toContain('doc2');
  expect(world.bench.readConf(130)).not.toMatch(/^virtiofs/m);
});

it('what else the plan would do is not done by the way; the command goes on after it', async () => {
  await generated();
  tofu.set({
    plan: creates(100, other),
    applyRuns: clones(100),
    resources: { [address]: { vm_id: 100, clone: [{}] } },
  });
  const ended = await run(...create);
  expect(ended.exitCode).toBe(6);
  expect(ended.stderr).toContain('beside doc2: proxmox_virtual_environment_vm.doc1  [tofu/other-changes]');
  expect(ended.stderr).toContain('The files have doc2; OpenTofu has not made it');
  expect(ended.stderr).toContain('-> drayage tofu apply   # all of it, doc2 too');
  expect(tofu.verbs()).not.toContain('apply');
  expect(await world.machines()).toEqual(['doc1']);
  // As it says.
  expect((await run('tofu', 'apply', '--yes')).stderr).toContain('not started yet: VM 100');
  tofu.set({ plan: planWith([]), resources: { [address]: { vm_id: 100, clone: [{}] } } });
  const goneOn = await run('guest', 'new', 'doc2', '--yes');
  expect(goneOn.exitCode).toBe(0);
  expect(world.bench.readConf(100)).not.toMatch(/^virtiofs/m);
  expect(world.bench.machines.started).toHaveLength(1);
});

it('an apply that fails is told with what is left, and the next run makes one guest', async () => {
  await generated();
  tofu.set({ plan: creates(100), applyFails: 'Error: the storage is full' });
  const failed = await run(...create);
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toContain('Error: the storage is full');
  expect(failed.stderr).toMatch(/-> drayage guest new doc2$/m);
  tofu.set({
    plan: creates(100),
    applyRuns: clones(100),
    resources: { [address]: { vm_id: 100, clone: [{}] } },
  });
  const before = [file('hosts.nix'), file('drayage.yaml')];
  expect((await run('guest', 'new', 'doc2', '--yes')).exitCode).toBe(0);
  expect([file('hosts.nix'), file('drayage.yaml')]).toEqual(before);
  expect(await world.machines()).toEqual(['doc2', 'doc1']);
});

it('an apply that dies when the machine is there leaves no second one: it is imported, and finished', async () => {
  await generated();
  tofu.set({ plan: creates(100), applyRuns: `${clones(100)}\necho 'Error: connection reset' >&2; exit 1` });
  const failed = await run(...create);
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toContain('Error: connection reset');
  expect(world.bench.machines.started).toEqual([]);
  const values = { vm_id: 100, name: 'doc2', reboot_after_update: false };
  const imported = { before: values, after: { ...values, tags: ['drayage'] }, importing: { id: 'prom/100' } };
  tofu.set({
    plan: planWith([{ ...vmChange(['update'], imported), address }]),
    resources: { [address]: { vm_id: 100 } },
  });
  const ended = await run('guest', 'new', 'doc2', '--yes');
  expect(ended.stdout).toContain(`~ ${address}   (import prom/100)`);
  expect(ended.exitCode).toBe(0);
  const stack = JSON.parse(file('tofu/drayage.tf.json'));
  expect(stack.import).toContainEqual({ to: address, id: 'prom/100' });
  expect(stack.resource.proxmox_virtual_environment_vm.doc2).not.toHaveProperty('clone');
  expect(stack.resource.proxmox_virtual_environment_vm.doc2).not.toHaveProperty('virtiofs');
  expect(await world.machines()).toEqual(['doc2', 'doc1']);
  expect(world.bench.readConf(100)).not.toMatch(/^virtiofs/m);
  expect(world.bench.machines.started).toHaveLength(1);
});

it('one that was begun through the API goes on so, and is entered', async () => {
  await generated();
  const cli = join(import.meta.dirname, '../../../src/cli/main.ts');
  const env = { PATH: process.env.PATH, PROXMOX_VE_API_TOKEN: `root@pam!drayage=${secret}` };
  const child = spawn(process.execPath, [cli, ...create, '--api'], { cwd: world.cwd, env, stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  while (child.exitCode === null && world.writes().length === 0) await sleep(2);
  child.kill('SIGKILL');
  await gone;
  const ended = await run(...create);
  expect(ended.exitCode).toBe(0);
  expect(tofu.verbs()).not.toContain('plan');
  expect(await world.machines()).toEqual(['doc2', 'doc1']);
  expect(file('drayage.yaml')).toMatch(/doc2.*template: 9000.*vmid: 100/s);
});

it('what cannot be done is told before anything is written', async () => {
  await generated();
  const told = async (args: readonly string[], code: number, ...texts: string[]) => {
    const before = files();
    const ended = await run(...args);
    for (const text of texts) expect(ended.stderr.replace(/\s+/g, ' ')).toContain(text);
    expect(ended.exitCode).toBe(code);
    expect([files(), world.writes()]).toEqual([before, []]);
  };
  await told([...create, '--vmid', '104'], 2, 'nix/taken', 'vmid 104 is that of doc1');
  await told([...create, '--template', '9001'], 5, 'guest/no-template');
  await told(
    create.slice(0, -1),
    2,
    '-> drayage guest new doc2 --cores 2 --memory 2048 --disk 2G --tag drayage --yes',
  );
  configure(
    'let hosts = { doc1 = { }; }; in hosts // { _proxmox = { host = "h"; node = "prom"; templateVmid = 9000; }; }\n',
  );
  await told(create, 2, 'nix/not-editable', 'hosts.nix:1:', 'doc2 = {', 'vmid = 100;');
  configure(hosts.replace('templateVmid = 9000', 'templateVmid = 9003'));
  await told([...create, '--template', '9000'], 5, 'guest/other-template', 'OpenTofu clone VM 9003');
  configure(hosts.replace('node = "prom"', 'node = "elm"'));
  writeFileSync(join(world.cwd, 'tofu/drayage.tf.json'), '{"mine": 1}\n');
  await told(create, 5, 'tofu/foreign-file');
  await world.run(create, { env: { PATH: '/usr/bin:/bin' } }).then((ended) => {
    expect(ended.stderr).toContain('drayage guest new doc2 --api');
  });
});
