import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, startBench } from './bench.ts';

const vm = '/nodes/prom/qemu/104';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
  await bench.call('POST', '/cluster/mapping/dir', {
    form: { id: 'containers', map: 'node=prom,path=/nvmeprom/containers' },
  });
});
afterEach(() => bench.close());

const addEntry = () =>
  bench.call('PUT', '/cluster/mapping/dir/containers', {
    form: { map: ['node=prom,path=/nvmeprom/containers', 'node=maint,path=/nvmeprom/containers'] },
  });
const useVirtiofs = () => bench.call('PUT', `${vm}/config`, { form: { virtiofs0: 'containers' } });

describe('clone', () => {
  test('copies the disk and virtiofsN word for word, and makes new identities', async () => {
    await useVirtiofs();
    expect(
      (await bench.task('POST', `${vm}/clone`, { form: { newid: '114', name: 'doc2', full: '1' } }))
        .exitstatus,
    ).toBe('OK');
    const conf = bench.readConf(114);
    expect(conf).toContain('virtiofs0: containers\n');
    expect(conf).toContain('name: doc2\n');
    expect(conf).toContain('virtio0: local:114/vm-114-disk-0.qcow2,size=4G\n');
    expect(conf).toMatch(/net0: virtio=BC:24:11:(?!00:01:04)/);
    expect(readFileSync(join(bench.folder, 'images/114/vm-114-disk-0.qcow2'), 'utf8')).toBe('disk of doc1');
  });

  test('discards what is pending', async () => {
    bench.machines.up.add(104);
    await useVirtiofs();
    bench.machines.up.clear();
    await bench.task('POST', `${vm}/clone`, { form: { newid: '114' } });
    expect(bench.readConf(114)).not.toMatch(/virtiofs0|PENDING/);
    expect(bench.readConf(114)).toContain('name: Copy-of-VM-doc1');
  });

  test('refuses an id that is taken, and a linked clone of what is no template', async () => {
    expect((await bench.call('POST', `${vm}/clone`, { form: { newid: '104' } })).reason).toBe(
      "unable to create VM 104: VM 104 already exists on node 'prom'",
    );
    expect((await bench.call('POST', `${vm}/clone`, { form: { newid: '114', full: '0' } })).reason).toBe(
      "Linked clone feature for 'virtio0' is not available",
    );
  });

  test('leaves nothing when a disk cannot be copied', async () => {
    bench.writeConf(120, 'name: broken\nvirtio0: local:120/vm-120-disk-0.qcow2\n');
    const ended = await bench.task('POST', '/nodes/prom/qemu/120/clone', { form: { newid: '121' } });
    expect(ended.exitstatus).toMatch(/^clone failed: ENOENT/);
    expect((await bench.call('GET', '/nodes/prom/qemu/121/config')).status).toBe(500);
  });
});

describe('ids', () => {
  test('nextid is the lowest that is free, and says which is taken', async () => {
    expect((await bench.call('GET', '/cluster/nextid')).json.data).toBe('100');
    bench.writeConf(100, 'name: a\n', 'maint');
    expect((await bench.call('GET', '/cluster/nextid')).json.data).toBe('101');
    expect((await bench.call('GET', '/cluster/nextid?vmid=104')).json.errors).toEqual({
      vmid: 'VM 104 already exists',
    });
  });
});

describe('destroy', () => {
  test('removes the configuration and the own disks', async () => {
    expect((await bench.task('DELETE', `${vm}?purge=1`)).exitstatus).toBe('OK');
    expect(existsSync(join(bench.folder, 'images/104'))).toBe(false);
    expect((await bench.call('GET', `${vm}/config`)).status).toBe(500);
  });

  test('refuses a VM that runs, is protected or locked', async () => {
    bench.machines.up.add(104);
    expect((await bench.call('DELETE', vm)).reason).toBe('VM 104 is running - destroy failed');
    bench.writeConf(104, 'protection: 1\n');
    expect((await bench.call('DELETE', vm)).reason).toBe("can't remove VM 104 - protection mode enabled");
  });
});

describe('the precondition of a migration', () => {
  const precondition = async () => (await bench.call('GET', `${vm}/migrate`)).json.data;

  test('of a stopped VM names nodes without the mapping', async () => {
    await useVirtiofs();
    expect(await precondition()).toMatchObject({
      running: 0,
      local_resources: ['virtiofs0'],
      'mapped-resources': ['virtiofs0'],
      'mapped-resource-info': { virtiofs0: { name: 'containers' } },
      allowed_nodes: [],
      not_allowed_nodes: { maint: { 'unavailable-resources': ['virtiofs0'] } },
    });
    await addEntry();
    expect(await precondition()).toMatchObject({ allowed_nodes: ['maint'], not_allowed_nodes: {} });
  });

  test('of a running VM has virtiofs itself as a blocker', async () => {
    await useVirtiofs();
    bench.machines.up.add(104);
    expect(await precondition()).toMatchObject({
      running: 1,
      local_resources: ['virtiofs', 'virtiofs0'],
      'mapped-resources': ['virtiofs0'],
    });
  });

  test('dies when the mapping is gone', async () => {
    await useVirtiofs();
    await bench.call('DELETE', '/cluster/mapping/dir/containers');
    expect((await bench.call('GET', `${vm}/migrate`)).reason).toMatch(
      /^Can't use an undefined value as an ARRAY reference at .*Helpers\.pm line 63\.$/,
    );
  });
});

describe('a migration', () => {
  const migrate = (form: Record<string, string> = {}) =>
    bench.task('POST', `${vm}/migrate`, { form: { target: 'maint', ...form } });

  test('of a stopped VM moves it when the target has the mapping, and not otherwise', async () => {
    await useVirtiofs();
    const refused = await migrate();
    expect(refused.exitstatus).toBe('migration aborted');
    expect(refused.log.join('\n')).toContain("can't migrate to 'maint': missing mapped devices virtiofs0");
    await addEntry();
    const moved = await migrate();
    expect(moved.exitstatus).toBe('OK');
    expect(moved.log.join('\n')).toContain('migrating VM which uses mapped local devices');
    expect(bench.readConf(104, 'maint')).toContain('virtiofs0: containers');
    expect((await bench.call('GET', `${vm}/config`)).status).toBe(500);
    expect((await bench.task('POST', '/nodes/maint/qemu/104/status/start')).exitstatus).toBe('OK');
  });

  test('of a running VM needs online, and with virtiofs fails with the reason in the log only', async () => {
    await useVirtiofs();
    bench.machines.up.add(104);
    expect((await bench.call('POST', `${vm}/migrate`, { form: { target: 'maint' } })).reason).toBe(
      "can't migrate running VM without --online",
    );
    const ended = await migrate({ online: '1' });
    expect(ended.exitstatus).toBe('migration aborted');
    expect(ended.log.join('\n')).toContain("can't migrate VM which uses local devices: virtiofs");
  });

  test('refuses the own node and unknown ones', async () => {
    expect((await bench.call('POST', `${vm}/migrate`, { form: { target: 'prom' } })).json.errors).toEqual({
      target: 'target is local node.',
    });
    expect((await bench.call('POST', `${vm}/migrate`, { form: { target: 'nowhere' } })).reason).toBe(
      "no such cluster node 'nowhere'",
    );
    expect((await migrate({ target: 'spare' })).exitstatus).toBe('migration aborted');
  });
});

test('HA manages nothing here', async () => {
  expect((await bench.call('GET', '/cluster/ha/resources/vm:104')).reason).toBe("no such resource 'vm:104'");
});
