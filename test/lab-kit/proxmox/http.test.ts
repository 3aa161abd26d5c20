import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeForm } from '../../../lab/proxmox/body.ts';
import { clearFaults, heldRequests, injectFault, tellHeld } from '../../../lab/proxmox/fault-injection.ts';
import { type Bench, narrowSecret, secret, startBench } from './bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({}, { '/vms/104': ['VM.Audit'], '/nodes': ['Sys.Audit'] });
});
afterAll(() => bench.close());

describe('authentication', () => {
  test('a token without ticket or CSRF header is let in', async () => {
    expect((await bench.call('GET', '/version')).json.data).toMatchObject({
      version: '9.1.4',
      release: '9.1',
    });
  });

  test('the older form with a space is a token too', async () => {
    const headers = { authorization: `PVEAPIToken root@pam!drayage=${secret}` };
    expect((await bench.call('GET', '/version', { as: 'nobody', headers })).status).toBe(200);
  });

  test.each([
    ['no credentials', {}, 'No ticket'],
    ['a wrong secret', { authorization: 'PVEAPIToken=root@pam!drayage=wrong' }, 'Authentication failed!'],
    [
      'a cookie, even beside a good token',
      { authorization: `PVEAPIToken=root@pam!drayage=${secret}`, cookie: 'PVEAuthCookie=PVE%3Ax' },
      'permission denied - invalid PVE ticket',
    ],
  ])('%s is refused with 401 and no body', async (_, headers, reason) => {
    const reply = await bench.call('GET', '/version', { as: 'nobody', headers });
    expect([reply.status, reply.reason, reply.text]).toEqual([401, reason, '']);
    expect(reply.headers.connection).toBe('close');
  });

  test('a 401 is delayed', async () => {
    const slow = await startBench({ unauthorizedDelayMs: 150 });
    const before = performance.now();
    await slow.call('GET', '/version', { as: 'nobody' });
    expect(performance.now() - before).toBeGreaterThan(140);
    await slow.close();
  });

  test('a ticket cannot be had', async () => {
    const reply = await bench.call('POST', '/access/ticket', {
      as: 'nobody',
      form: { username: 'root@pam', password: 'guess' },
    });
    expect([reply.status, reply.reason]).toEqual([401, 'authentication failure']);
  });
});

describe('permissions', () => {
  test('a missing privilege is 403 with path and privilege', async () => {
    const reply = await bench.call('PUT', '/nodes/prom/qemu/104/config', {
      as: 'narrow',
      form: { name: 'x' },
    });
    expect(reply.status).toBe(403);
    expect(reply.reason).toMatch(
      /^Permission check failed \(\/vms\/104, VM\.Config\.Disk\|VM\.Config\.CDROM\|/,
    );
    const start = await bench.call('POST', '/nodes/prom/qemu/104/status/start', { as: 'narrow' });
    expect(start.json.message).toBe('Permission check failed (/vms/104, VM.PowerMgmt)\n');
  });

  test('several alternatives that all fail name none', async () => {
    const reply = await bench.call('GET', '/cluster/mapping/dir/containers', { as: 'narrow' });
    expect([reply.status, reply.reason]).toEqual([403, 'Permission check failed']);
  });

  test('privileges are inherited from the longest path above', async () => {
    expect((await bench.call('GET', '/nodes/prom/status', { as: 'narrow' })).status).toBe(200);
    expect((await bench.call('GET', '/cluster/status', { as: 'narrow' })).reason).toBe(
      'Permission check failed (/, Sys.Audit)',
    );
  });

  test('the permission is checked before the parameters', async () => {
    const reply = await bench.call('POST', '/nodes/prom/qemu/104/status/start', {
      as: 'narrow',
      form: { nonsense: '1' },
    });
    expect(reply.status).toBe(403);
  });

  test('a token asks what it may do', async () => {
    expect((await bench.call('GET', '/access/permissions', { as: 'narrow' })).json.data).toEqual({
      '/vms/104': { 'VM.Audit': 1 },
      '/nodes': { 'Sys.Audit': 1 },
    });
    const root = (await bench.call('GET', '/access/permissions')).json.data as Record<
      string,
      Record<string, number>
    >;
    expect(root['/mapping']?.['Mapping.Modify']).toBe(1);
  });
});

describe('parameters', () => {
  test('unknown, missing and mistyped ones are named together', async () => {
    const reply = await bench.call('POST', '/nodes/prom/qemu/104/clone', {
      form: { newid: 'x', foo: '1', full: 'maybe' },
    });
    expect(reply.status).toBe(400);
    expect(reply.reason).toBe('Parameter verification failed.');
    expect(reply.json).toEqual({
      data: null,
      message: 'Parameter verification failed.\n',
      errors: {
        newid: "type check ('integer') failed - got 'x'",
        foo: 'property is not defined in schema and the schema does not allow additional properties',
        full: "type check ('boolean') failed - got 'maybe'",
      },
    });
    const empty = await bench.call('POST', '/nodes/prom/qemu/104/clone');
    expect(empty.json.errors).toEqual({ newid: 'property is missing and it is not optional' });
  });

  test('a path parameter again with another value is refused', async () => {
    const reply = await bench.call('PUT', '/nodes/prom/qemu/104/config', {
      form: { vmid: '105', name: 'x' },
    });
    expect(reply.json.errors).toEqual({
      vmid: 'duplicate parameter (already defined in URI) with conflicting values!',
    });
  });

  test('numbers have limits', async () => {
    expect((await bench.call('GET', '/cluster/nextid?vmid=99')).json.errors).toEqual({
      vmid: 'value must have a minimum value of 100',
    });
  });

  test('the form decoder splits on & and ; and cuts at the second =', () => {
    expect(decodeForm('map=node=prom,path=/t;a=1&b=x+y%3Dz&b=2')).toEqual({
      map: 'node',
      a: '1',
      b: ['x y=z', '2'],
    });
  });

  test('a body of DELETE is refused: its parameters belong into the query', async () => {
    const reply = await bench.call('DELETE', '/cluster/mapping/dir/containers', { body: 'a=b' });
    expect([reply.status, reply.reason]).toEqual([501, "Unexpected content for method 'DELETE'"]);
  });

  test('a chunked body is ignored', async () => {
    const reply = await bench.call('PUT', '/nodes/prom/qemu/104/config', {
      body: 'name=other',
      chunked: true,
    });
    expect(reply.reason).toBe('no options specified');
  });

  test('too much data and another content type are refused', async () => {
    const large = await bench.call('PUT', '/nodes/prom/qemu/104/config', {
      body: 'a'.repeat(512 * 1024 + 1),
    });
    expect([large.status, large.reason]).toEqual([501, 'for data too large']);
    const xml = await bench.call('PUT', '/nodes/prom/qemu/104/config', {
      body: '<a/>',
      headers: { 'content-type': 'text/xml' },
    });
    expect(xml.status).toBe(506);
  });
});

describe('where a request goes', () => {
  test('an unknown method or path is 501', async () => {
    const reply = await bench.call('PUT', '/nonsense');
    expect([reply.status, reply.reason]).toEqual([501, "Method 'PUT /nonsense' not implemented"]);
  });

  test('a node that is down gives 595, one that does not exist 500', async () => {
    expect((await bench.call('GET', '/nodes/spare/status')).status).toBe(595);
    expect((await bench.call('GET', '/nodes/nowhere/status')).reason).toContain(
      "hostname lookup 'nowhere' failed",
    );
  });
});

describe('faults', () => {
  test('596 after the work: the change happened all the same', async () => {
    injectFault(bench.state, {
      method: 'PUT',
      path: '/nodes/prom/qemu/104/config',
      when: 'after',
      answer: { status: 596, message: 'Connection timed out' },
    });
    const reply = await bench.call('PUT', '/nodes/prom/qemu/104/config', { form: { tags: 'moved' } });
    expect([reply.status, reply.reason]).toEqual([596, 'Connection timed out']);
    expect(bench.readConf(104)).toContain('tags: moved');
    expect((await bench.call('PUT', '/nodes/prom/qemu/104/config', { form: { tags: 'again' } })).status).toBe(
      200,
    );
  });

  test('a connection closed before the work: nothing happened', async () => {
    injectFault(bench.state, { method: 'PUT', path: '/nodes/.*', when: 'before', answer: 'reset', times: 5 });
    await expect(
      bench.call('PUT', '/nodes/prom/qemu/104/config', { form: { tags: 'lost' } }),
    ).rejects.toThrow();
    clearFaults(bench.state);
    expect(bench.readConf(104)).not.toContain('lost');
  });

  const path = '/nodes/prom/qemu/104/config';
  async function held(): Promise<string> {
    for (;;) {
      const [request] = heldRequests(bench.state);
      if (request !== undefined) return request.id;
      await sleep(5);
    }
  }

  test('a request that is held before the work waits, and is then done or dropped', async () => {
    injectFault(bench.state, { method: 'PUT', path, when: 'before', answer: 'hold', times: 2 });
    const first = bench.call('PUT', path, { form: { tags: 'waited' } });
    const id = await held();
    expect(bench.readConf(104)).not.toContain('waited');
    tellHeld(bench.state, id, 'go');
    expect((await first).status).toBe(200);
    expect(bench.readConf(104)).toContain('tags: waited');
    const second = bench.call('PUT', path, { form: { tags: 'dropped' } });
    tellHeld(bench.state, await held(), 'drop');
    expect((await second).status).toBe(500);
    expect(bench.readConf(104)).toContain('tags: waited');
    expect(heldRequests(bench.state)).toEqual([]);
  });

  test('one that is held after the work is done while its answer waits', async () => {
    injectFault(bench.state, { method: 'PUT', path, when: 'after', answer: 'hold' });
    const asked = bench.call('PUT', path, { form: { tags: 'done' } });
    const id = await held();
    expect(bench.readConf(104)).toContain('tags: done');
    expect(heldRequests(bench.state)).toMatchObject([{ id, method: 'PUT', path, performed: true }]);
    tellHeld(bench.state, id, 'drop');
    await expect(asked).rejects.toThrow();
  });
});

test('every request is recorded, and no secret', async () => {
  await bench.call('PUT', '/nodes/prom/qemu/104/config', { form: { cipassword: 'hunter2', ciuser: 'me' } });
  expect(bench.records().at(-1)).toMatchObject({
    method: 'PUT',
    path: '/nodes/prom/qemu/104/config',
    params: { cipassword: '(hidden)', ciuser: 'me' },
    tokenid: 'root@pam!drayage',
    status: 200,
  });
  const all = readFileSync(join(bench.folder, 'record/api.jsonl'), 'utf8');
  for (const word of [secret, narrowSecret, 'hunter2', 'guess', 'wrong']) expect(all).not.toContain(word);
});

test('the fingerprint is the same in the list of nodes, in the certificates and for the starter', async () => {
  const nodes = (await bench.call('GET', '/nodes')).json.data as {
    node: string;
    ssl_fingerprint?: string;
    status: string;
  }[];
  const info = (await bench.call('GET', '/nodes/prom/certificates/info')).json.data as {
    fingerprint: string;
  }[];
  expect(bench.api.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  expect(nodes[0]?.ssl_fingerprint).toBe(bench.api.fingerprint);
  expect(info[0]?.fingerprint).toBe(bench.api.fingerprint);
  expect(nodes.map(({ node, status }) => [node, status])).toEqual([
    ['prom', 'online'],
    ['maint', 'online'],
    ['spare', 'offline'],
  ]);
});
