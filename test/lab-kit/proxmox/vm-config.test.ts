import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatVmConf, parseVmConf } from '../../../lab/proxmox/vm-conf-file.ts';
import { type Bench, startBench } from './bench.ts';

const config = '/nodes/prom/qemu/104/config';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench(
    {},
    { '/vms': ['VM.Config.Disk', 'VM.Audit'], '/mapping/dir/mine': ['Mapping.Use'] },
  );
});
afterEach(() => bench.close());

const read = async (query = '') =>
  (await bench.call('GET', `${config}${query}`)).json.data as Record<string, unknown>;
const put = (form: Record<string, string>, as: 'drayage' | 'narrow' = 'drayage') =>
  bench.call('PUT', config, { form, as });

test('a configuration is read with numbers where the schema says so, and text elsewhere', async () => {
  expect(await read()).toEqual({
    agent: '1',
    cores: 1,
    memory: '1024',
    name: 'doc1',
    net0: 'virtio=BC:24:11:00:01:04,bridge=vmbr0',
    onboot: 1,
    virtio0: 'local:104/vm-104-disk-0.qcow2,size=4G',
    digest: expect.stringMatching(/^[0-9a-f]{40}$/),
  });
});

test('a VM of another node, or of none, is a missing file', async () => {
  bench.writeConf(105, 'name: other\n', 'maint');
  expect((await bench.call('GET', '/nodes/prom/qemu/105/config')).reason).toBe(
    "Configuration file 'nodes/prom/qemu-server/105.conf' does not exist",
  );
  expect((await bench.call('GET', '/nodes/maint/qemu/105/config')).status).toBe(200);
});

describe('a VM that is stopped', () => {
  test('changes at once', async () => {
    expect((await put({ virtiofs0: 'containers,expose-acl=1' })).json).toEqual({ data: null });
    expect(bench.readConf(104)).toContain('virtiofs0: containers,expose-acl=1\n');
    await put({ delete: 'virtiofs0,onboot' });
    expect(bench.readConf(104)).not.toMatch(/virtiofs0|onboot|PENDING/);
  });

  test('takes a mapping that does not exist: only the start will tell', async () => {
    expect((await put({ virtiofs3: 'dirid=nosuch' })).status).toBe(200);
  });
});

describe('a VM that runs', () => {
  beforeEach(() => bench.machines.up.add(104));

  test('keeps virtiofs pending until its next start', async () => {
    await put({ virtiofs0: 'containers', name: 'renamed' });
    expect(bench.readConf(104)).toMatch(/\n\[PENDING\]\nvirtiofs0: containers\n$/);
    expect(await read('?current=1')).not.toHaveProperty('virtiofs0');
    expect(await read()).toMatchObject({ virtiofs0: 'containers', name: 'renamed' });
    const rows = (await bench.call('GET', '/nodes/prom/qemu/104/pending')).json.data as { key: string }[];
    expect(rows.find(({ key }) => key === 'virtiofs0')).toEqual({ key: 'virtiofs0', pending: 'containers' });
    expect(rows.find(({ key }) => key === 'name')).toEqual({ key: 'name', value: 'renamed' });
  });

  test('a pending change is reverted, a pending deletion is shown', async () => {
    await put({ virtiofs0: 'containers' });
    await put({ revert: 'virtiofs0' });
    expect(bench.readConf(104)).not.toContain('PENDING');
    await put({ delete: 'net0' });
    const rows = (await bench.call('GET', '/nodes/prom/qemu/104/pending')).json.data as { key: string }[];
    expect(rows.find(({ key }) => key === 'net0')).toMatchObject({ delete: 1 });
    expect(await read()).not.toHaveProperty('net0');
    expect(await read('?current=1')).toHaveProperty('net0');
  });

  test('setting the current value again leaves nothing pending', async () => {
    await put({ memory: '2048' });
    await put({ memory: '1024' });
    expect(bench.readConf(104)).not.toContain('PENDING');
  });
});

describe('refusals', () => {
  test('a stale digest', async () => {
    const { digest } = await read();
    await put({ name: 'a' });
    expect((await put({ name: 'b', digest: String(digest) })).reason).toBe(
      'checksum mismatch (file change by other user?)',
    );
    expect((await put({ name: 'b', digest: String((await read()).digest) })).status).toBe(200);
  });

  test('nothing asked for', async () => {
    expect((await put({})).reason).toBe('no options specified');
  });

  test('setting and deleting, an unknown option, force without delete', async () => {
    expect((await put({ name: 'a', delete: 'name' })).json.errors).toHaveProperty('delete');
    expect((await put({ delete: 'nonsense' })).json.errors).toEqual({ delete: "unknown option 'nonsense'" });
    expect((await put({ force: '1', name: 'a' })).json.errors).toEqual({
      delete: "missing property - 'force' requires this property",
    });
  });

  test('bad property strings', async () => {
    expect((await put({ virtiofs0: 'containers,cache=none' })).json.errors).toEqual({
      virtiofs0:
        "invalid format - format error\nvirtiofs0.cache: value 'none' does not have a value in the enumeration 'auto, always, metadata, never'\n",
    });
    expect((await put({ virtiofs10: 'containers' })).json.errors?.virtiofs10).toContain(
      'not defined in schema',
    );
    expect((await put({ memory: 'much' })).json.errors?.memory).toContain(
      "memory.current: type check ('integer') failed - got 'much'",
    );
  });

  test('what only root itself may set, even to a token of root', async () => {
    expect((await put({ hookscript: 'local:snippets/a.sh' })).reason).toBe(
      "only root can set 'hookscript' config",
    );
    expect((await put({ args: '-s' })).status).toBe(500);
    expect((await put({ name: 'a', skiplock: '1' })).json.errors).toHaveProperty('skiplock');
  });

  test('a VM that is locked', async () => {
    bench.writeConf(104, 'lock: backup\nname: doc1\n');
    expect((await put({ name: 'a' })).reason).toBe('VM is locked (backup)');
  });

  test('Mapping.Use is needed for the new mapping and for the old one', async () => {
    expect((await put({ virtiofs0: 'other' }, 'narrow')).reason).toBe(
      'Permission check failed (/mapping/dir/other, Mapping.Use)',
    );
    expect((await put({ virtiofs0: 'mine' }, 'narrow')).status).toBe(200);
    await put({ virtiofs0: 'other' });
    expect((await put({ virtiofs0: 'mine' }, 'narrow')).status).toBe(403);
    expect((await put({ delete: 'virtiofs0' }, 'narrow')).status).toBe(403);
    expect((await put({ name: 'a' }, 'narrow')).reason).toBe(
      'Permission check failed (/vms/104, VM.Config.Options)',
    );
  });
});

test('POST is a task, and null when it ends within background_delay', async () => {
  const done = await bench.task('POST', config, { form: { tags: 'a' } });
  expect(done.exitstatus).toBe('OK');
  expect(done.upid).toMatch(/^UPID:prom:[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:qmconfig:104:root@pam!drayage:$/);
  const waited = await bench.call('POST', config, { form: { tags: 'b', background_delay: '5' } });
  expect(waited.json.data).toBeNull();
  expect(bench.readConf(104)).toContain('tags: b');
});

test('a configuration file survives reading and writing', () => {
  const text =
    '#first line\n#50%25 of ä\nname: doc1\nvirtiofs0: a\n\n[PENDING]\nmemory: 2048\ndelete: virtiofs0\n\n[before]\n#note\nname: doc1\nsnaptime: 1700000000\n'.replace(
      'ä',
      '%C3%A4',
    );
  const conf = parseVmConf(text);
  expect(conf.description).toBe('first line\n50% of ä\n');
  expect(conf.pendingDelete).toEqual(['virtiofs0']);
  expect(formatVmConf(conf)).toBe(text);
});
