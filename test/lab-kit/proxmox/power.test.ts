import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, startBench } from './bench.ts';

const vm = '/nodes/prom/qemu/104';
const doc1 =
  'memory: 1024\nname: doc1\nnet0: virtio=BC:24:11:00:01:04,bridge=vmbr0\nvirtio0: local:104/vm-104-disk-0.qcow2,size=4G\n';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
  await bench.call('POST', '/cluster/mapping/dir', {
    form: { id: 'containers', map: 'node=prom,path=/nvmeprom/containers' },
  });
});
afterEach(() => bench.close());

const power = (verb: string, form: Record<string, string> = {}) =>
  bench.task('POST', `${vm}/status/${verb}`, { form });
const status = async () =>
  ((await bench.call('GET', `${vm}/status/current`)).json.data as { status: string }).status;

test('a start applies what is pending and hands everything to QEMU', async () => {
  bench.machines.up.add(104);
  await bench.call('PUT', `${vm}/config`, { form: { virtiofs0: 'containers,expose-acl=1,cache=always' } });
  expect((await power('stop')).exitstatus).toBe('OK');
  expect((await power('start')).exitstatus).toBe('OK');
  expect(bench.machines.started).toEqual([
    {
      vmid: 104,
      name: 'doc1',
      memoryMiB: 1024,
      cores: 1,
      disks: [join(bench.folder, 'images/104/vm-104-disk-0.qcow2')],
      nics: [{ mac: 'BC:24:11:00:01:04', bridge: 'vmbr0' }],
      virtiofs: [
        {
          index: 0,
          tag: 'containers',
          sharedDirectory: '/nvmeprom/containers',
          xattr: false,
          posixAcl: true,
          directIo: false,
          cache: 'always',
        },
      ],
      agent: true,
    },
  ]);
  expect(bench.readConf(104)).not.toContain('PENDING');
  expect(await status()).toBe('running');
});

describe('a start that fails says why in the result of its task', () => {
  test.each([
    ['a mapping that does not exist', 'virtiofs0: nosuch\n', 'Directory ID nosuch does not exist.'],
    ['no entry for this node', 'virtiofs0: faraway\n', 'No directory mapping for node prom.'],
    ['a directory that is gone', 'virtiofs0: gone\n', 'directory mapping invalid: Path /gone does not exist'],
    [
      'hot-pluggable memory',
      'virtiofs0: containers\nhotplug: disk,memory\n',
      'Memory hotplug does not work in combination with virtio-fs.',
    ],
    [
      'memory as a property string',
      'virtiofs0: containers\nmemory: current=1024\n',
      'start failed: QEMU exited with code 1',
    ],
    [
      'Windows with ACLs',
      'virtiofs0: containers,expose-acl=1\nostype: win11\n',
      'Please disable ACLs for virtiofs on Windows VMs, otherwise the virtiofs shared directory cannot be mounted.',
    ],
    ['a lock', 'lock: backup\n', 'VM is locked (backup)'],
  ])('%s', async (_, lines, exitstatus) => {
    mkdirSync(join(bench.folder, 'root/gone'));
    await bench.call('POST', '/cluster/mapping/dir', { form: { id: 'gone', map: 'node=prom,path=/gone' } });
    await bench.call('POST', '/cluster/mapping/dir', { form: { id: 'faraway', map: 'node=maint,path=/x' } });
    rmSync(join(bench.folder, 'root/gone'), { recursive: true });
    bench.writeConf(104, doc1 + lines);
    const ended = await power('start');
    expect(ended.exitstatus).toBe(exitstatus);
    expect(ended.log.at(-1)).toBe(`TASK ERROR: ${exitstatus}`);
    expect(bench.machines.started).toEqual([]);
  });

  test('memory that is not set', async () => {
    bench.writeConf(104, `${doc1.replace('memory: 1024\n', '')}virtiofs0: containers\n`);
    expect((await power('start')).exitstatus).toBe('start failed: QEMU exited with code 1');
  });

  test('a VM that runs already', async () => {
    await power('start');
    expect((await power('start')).exitstatus).toBe('VM 104 already running');
  });

  test('what QEMU says', async () => {
    bench.machines.start = () => Promise.reject(new Error('start failed: QEMU exited with code 1'));
    expect((await power('start')).exitstatus).toBe('start failed: QEMU exited with code 1');
  });
});

describe('shutdown', () => {
  beforeEach(() => bench.machines.up.add(104));

  test('ends when the guest is down', async () => {
    expect((await power('shutdown')).exitstatus).toBe('OK');
    expect(await status()).toBe('stopped');
  });

  test('gives up in time, or stops the guest hard with a warning', async () => {
    bench.machines.deaf = true;
    expect((await power('shutdown', { timeout: '0' })).exitstatus).toBe(
      'VM quit/powerdown failed - got timeout',
    );
    const forced = await power('shutdown', { timeout: '0', forceStop: '1' });
    expect(forced).toMatchObject({
      exitstatus: 'OK',
      log: expect.arrayContaining(['VM still running - terminating now with SIGTERM']),
    });
    expect(await status()).toBe('stopped');
  });

  test('asks the agent that answers, and does not press the power button', async () => {
    bench.machines.agentAnswers = { 'guest-ping': {}, 'guest-shutdown': {} };
    expect((await power('shutdown')).exitstatus).toBe('OK');
    expect(bench.machines.agentCalls.map(({ command }) => command)).toEqual(['guest-ping', 'guest-shutdown']);
    expect(bench.machines.powerdowns).toEqual([]);
    expect(await status()).toBe('stopped');
  });

  test('presses the power button when the agent does not answer, and says so', async () => {
    const { exitstatus, log } = await power('shutdown');
    expect(exitstatus).toBe('OK');
    expect(log).toContain(
      "QEMU Guest Agent is not running - VM 104 qga command 'guest-ping' failed - got timeout",
    );
    expect(bench.machines.powerdowns).toEqual([104]);
  });

  test('does not look for an agent that the configuration does not name', async () => {
    bench.writeConf(104, `${doc1}agent: 0\n`);
    bench.machines.agentAnswers = { 'guest-ping': {}, 'guest-shutdown': {} };
    expect((await power('shutdown')).exitstatus).toBe('OK');
    expect(bench.machines.agentCalls).toEqual([]);
    expect(bench.machines.powerdowns).toEqual([104]);
  });

  test('fails with an agent that refuses: there is no ACPI after it', async () => {
    bench.machines.agentAnswers = { 'guest-ping': {}, 'guest-shutdown': new Error('disabled') };
    expect((await power('shutdown')).exitstatus).toBe('VM quit/powerdown failed');
    expect(bench.machines.powerdowns).toEqual([]);
    expect(await status()).toBe('running');
    const forced = await power('shutdown', { forceStop: '1' });
    expect(forced).toMatchObject({
      exitstatus: 'OK',
      log: expect.arrayContaining(['VM quit/powerdown failed - terminating now with SIGTERM']),
    });
    expect(await status()).toBe('stopped');
  });

  test('of a VM that is stopped is no error', async () => {
    bench.machines.up.clear();
    expect((await power('shutdown')).exitstatus).toBe('OK');
    expect((await power('stop')).exitstatus).toBe('OK');
  });

  test('holds the lock: a stop waits in vain, unless it overrules', async () => {
    bench.machines.deaf = true;
    const upid = String((await bench.call('POST', `${vm}/status/shutdown`)).json.data);
    expect((await power('stop')).exitstatus).toBe(
      "can't lock file '/var/lock/qemu-server/lock-104.conf' - got timeout",
    );
    expect((await power('stop', { 'overrule-shutdown': '1' })).exitstatus).toBe('OK');
    expect((await bench.taskEnd(upid)).exitstatus).toBe('received interrupt');
    expect(await status()).toBe('stopped');
  });
});

describe('reboot', () => {
  test('is over when the VM has stopped; another task of root starts it', async () => {
    await power('start');
    const { exitstatus } = await power('reboot');
    expect(exitstatus).toBe('OK');
    for (let turn = 0; turn < 100 && bench.machines.started.length < 2; turn += 1) await sleep(5);
    expect(bench.machines.started).toHaveLength(2);
    const tasks = (await bench.call('GET', '/nodes/prom/tasks?vmid=104&source=all')).json.data as {
      type: string;
      user: string;
    }[];
    expect(tasks.map(({ type, user }) => `${type} ${user}`)).toContain('qmstart root@pam');
  });

  test('its OK is no proof: the start behind it may fail', async () => {
    await power('start');
    bench.writeConf(104, `${doc1}virtiofs0: nosuch\n`);
    expect((await power('reboot')).exitstatus).toBe('OK');
    await sleep(50);
    expect(await status()).toBe('stopped');
    const [last] = (await bench.call('GET', '/nodes/prom/tasks?typefilter=qmstart&errors=1')).json.data as {
      status: string;
    }[];
    expect(last?.status).toBe('Directory ID nosuch does not exist.');
  });

  test('and reset need a VM that runs', async () => {
    expect((await bench.call('POST', `${vm}/status/reboot`)).reason).toBe('VM 104 not running');
    expect((await bench.call('POST', `${vm}/status/reset`)).reason).toBe('VM 104 not running');
  });
});

test('reset keeps QEMU', async () => {
  await power('start');
  expect((await power('reset')).exitstatus).toBe('OK');
  expect(bench.machines.resets).toEqual([104]);
  expect(bench.machines.started).toHaveLength(1);
});

test('parameters that belong to root alone are refused', async () => {
  expect((await bench.call('POST', `${vm}/status/start`, { form: { skiplock: '1' } })).json.errors).toEqual({
    skiplock: 'Only root may use this option.',
  });
});

test('lists show the power state', async () => {
  await power('start');
  const all = (await bench.call('GET', '/cluster/resources?type=vm')).json.data;
  expect(all).toEqual([
    expect.objectContaining({
      id: 'qemu/104',
      vmid: 104,
      node: 'prom',
      name: 'doc1',
      status: 'running',
      template: 0,
    }),
  ]);
  expect((await bench.call('GET', '/nodes/prom/qemu')).json.data).toEqual([
    expect.objectContaining({ vmid: 104, status: 'running', pid: 4242 }),
  ]);
});
