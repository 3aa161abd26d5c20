import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, startBench } from './bench.ts';

const base = '/cluster/mapping/dir';
const prom = 'node=prom,path=/nvmeprom/containers';
const maint = 'node=maint,path=/tank/elsewhere';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench({}, { '/mapping/dir/mine': ['Mapping.Use', 'Mapping.Modify'] });
});
afterEach(() => bench.close());

const create = (map: string | string[] = [prom, maint], id = 'containers') =>
  bench.call('POST', base, { form: { id, map, description: 'a dataset' } });
const digest = async (id = 'containers') =>
  ((await bench.call('GET', `${base}/${id}`)).json.data as { digest: string }).digest;

describe('create and read', () => {
  test('is written in the format of directory.cfg, with the digest of the whole file', async () => {
    expect((await create()).json).toEqual({ data: null });
    expect(bench.mappings()).toBe(`containers\n\tmap ${prom}\n\tmap ${maint}\n\tdescription a dataset\n`);
    const sha = createHash('sha1').update(bench.mappings()).digest('hex');
    expect((await bench.call('GET', `${base}/containers`)).json.data).toEqual({
      type: 'dir',
      map: [prom, maint],
      description: 'a dataset',
      digest: sha,
    });
    expect((await bench.call('GET', base)).json.data).toEqual([
      { id: 'containers', type: 'dir', map: [prom, maint], description: 'a dataset', digest: sha },
    ]);
  });

  test('takes JSON arrays as well', async () => {
    expect((await bench.call('POST', base, { json: { id: 'containers', map: [prom] } })).status).toBe(200);
  });

  test('only the own node is looked at on disk', async () => {
    const missing = await create('node=prom,path=/nope');
    expect([missing.status, missing.reason]).toEqual([500, 'Path /nope does not exist']);
    expect((await create('node=prom,path=/etc/passwd')).reason).toBe(
      'Path /etc/passwd exists, but is not a directory',
    );
    expect((await create([prom, 'node=maint,path=/nope'])).status).toBe(200);
  });

  test('an id exists once, a node stands in a mapping once', async () => {
    await create();
    expect((await create()).reason).toBe(
      "create directory mapping failed: dir ID 'containers' already defined",
    );
    expect((await create([prom, prom], 'twice')).reason).toBe("Node 'prom' is specified 2 times.");
  });

  test('ids and paths are checked with the documented texts', async () => {
    expect((await create(prom, '1abc')).json.errors).toEqual({
      id: "invalid format - invalid configuration ID '1abc'",
    });
    expect((await create('node=prom,path=relative')).json.errors).toEqual({
      'map[0]':
        'invalid format - format error\nmap[0].path: invalid format - Value does not look like a valid absolute path. These symbols are currently not allowed in path: ;,=()\n',
    });
    expect((await create('node=prom,path=/')).status).toBe(400);
    expect((await create('node=prom,path=/a,submounts=1')).json.errors?.['map[0]']).toContain(
      'map[0].submounts: property is not defined',
    );
    expect((await create('node=maint,path=/a(b)')).status).toBe(200);
  });

  test('an unescaped = leaves half an entry', async () => {
    const reply = await bench.call('POST', base, { body: `id=containers&map=${prom}` });
    expect(reply.json.errors).toEqual({
      'map[0]': 'invalid format - value without key, but schema does not define a default key',
    });
  });

  test('map[]= does not work', async () => {
    const reply = await bench.call('POST', base, { form: { id: 'containers', 'map[]': prom } });
    expect(Object.keys(reply.json.errors ?? {})).toEqual(['map[]', 'map']);
  });

  test('an unknown id is not found', async () => {
    expect((await bench.call('GET', `${base}/zzz`)).reason).toBe("mapping 'zzz' not found");
  });
});

describe('PUT', () => {
  test('replaces the whole list: entries of other nodes are lost', async () => {
    await create();
    expect((await bench.call('PUT', `${base}/containers`, { form: { map: maint } })).status).toBe(200);
    expect(bench.mappings()).toBe(`containers\n\tmap ${maint}\n\tdescription a dataset\n`);
  });

  test('needs the map, although the schema says optional', async () => {
    await create();
    const reply = await bench.call('PUT', `${base}/containers`, { form: { description: 'new' } });
    expect(reply.reason).toBe("update directory mapping failed: missing value for required option 'map'");
  });

  test('a digest is of the whole file: a change of another mapping makes it stale', async () => {
    await create();
    const stale = await digest();
    await create(prom, 'other');
    const reply = await bench.call('PUT', `${base}/containers`, { form: { map: prom, digest: stale } });
    expect(reply.reason).toBe(
      'update directory mapping failed: detected modified configuration - file changed by other user? Try again.',
    );
    expect(
      (await bench.call('PUT', `${base}/containers`, { form: { map: prom, digest: await digest() } })).status,
    ).toBe(200);
  });

  test('checks the id and the path', async () => {
    expect((await bench.call('PUT', `${base}/nosuch`, { form: { map: prom } })).reason).toBe(
      "update directory mapping failed: dir ID 'nosuch' does not exist",
    );
    await create();
    expect(
      (await bench.call('PUT', `${base}/containers`, { form: { map: 'node=prom,path=/nope' } })).reason,
    ).toBe('update directory mapping failed: Path /nope does not exist');
  });

  test('only the description can be deleted', async () => {
    await create();
    const put = (form: Record<string, string>) =>
      bench.call('PUT', `${base}/containers`, { form: { map: prom, ...form } });
    expect((await put({ delete: 'map' })).reason).toBe(
      "update directory mapping failed: unable to delete required option 'map'",
    );
    expect((await put({ delete: 'description', description: 'x' })).reason).toBe(
      "update directory mapping failed: cannot set and delete property 'description' at the same time!",
    );
    expect((await put({ delete: 'description' })).status).toBe(200);
    expect(bench.mappings()).toBe(`containers\n\tmap ${prom}\n`);
  });
});

test('an empty map is accepted and poisons every later write, until a hand repairs the file', async () => {
  await create();
  expect((await bench.call('POST', base, { json: { id: 'poison', map: [] } })).status).toBe(200);
  expect(bench.mappings()).toContain('\npoison\n');
  expect((await bench.call('PUT', `${base}/containers`, { form: { map: prom } })).reason).toBe(
    "update directory mapping failed: unknown section type ''",
  );
  expect((await create(prom, 'third')).reason).toBe(
    "create directory mapping failed: unknown section type ''",
  );
  writeFileSync(join(bench.state, 'mapping/directory.cfg'), `containers\n\tmap ${prom}\n`);
  expect((await create(prom, 'third')).status).toBe(200);
});

test('DELETE of what is not there is no error', async () => {
  await create();
  expect((await bench.call('DELETE', `${base}/nosuch`)).json).toEqual({ data: null });
  expect((await bench.call('DELETE', `${base}/containers`)).status).toBe(200);
  expect(bench.mappings()).toBe('');
});

test('check-node tells of a missing entry and of a missing directory', async () => {
  await create(prom);
  const checks = async (node: string) =>
    ((await bench.call('GET', `${base}?check-node=${node}`)).json.data as { checks: unknown }[])[0]?.checks;
  expect(await checks('prom')).toEqual([]);
  expect(await checks('maint')).toEqual([{ severity: 'warning', message: 'No mapping for node maint.' }]);
  rmSync(join(bench.folder, 'root/nvmeprom'), { recursive: true });
  expect(await checks('prom')).toEqual([
    { severity: 'error', message: 'Invalid configuration: Path /nvmeprom/containers does not exist\n' },
  ]);
  mkdirSync(join(bench.folder, 'root/nvmeprom/containers'), { recursive: true });
  expect((await bench.call('GET', `${base}?check-node=spare`)).status).toBe(595);
});

test('creating and deleting need the privilege on all mappings, changing only on one', async () => {
  await create(prom, 'mine');
  await create(prom, 'other');
  const narrow = { as: 'narrow' as const };
  expect((await bench.call('POST', base, { ...narrow, form: { id: 'new', map: prom } })).reason).toBe(
    'Permission check failed (/mapping/dir, Mapping.Modify)',
  );
  expect((await bench.call('DELETE', `${base}/mine`, narrow)).status).toBe(403);
  expect((await bench.call('PUT', `${base}/mine`, { ...narrow, form: { map: prom } })).status).toBe(200);
  expect(((await bench.call('GET', base, narrow)).json.data as { id: string }[]).map(({ id }) => id)).toEqual(
    ['mine'],
  );
});
