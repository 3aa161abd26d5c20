import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { DrayageError } from '../../src/errors/error.ts';
import { openProxmox, type ProxmoxClient } from '../../src/proxmox/client.ts';
import type { Access, Patience } from '../../src/proxmox/connection.ts';
import { json, type StandIn, startStandIn } from './stand-in.ts';

const secret = '7b1c0d5e-not-a-real-secret';
const authorization = () => `PVEAPIToken=ops@pve!drayage=${secret}`;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function standIn(...args: Parameters<typeof startStandIn>): Promise<StandIn> {
  const server = await startStandIn(...args);
  ends.push(server.close);
  return server;
}

function client(access: Omit<Access, 'authorization'>, patience?: Patience): ProxmoxClient {
  const open = openProxmox({ ...access, authorization }, patience);
  ends.push(() => open.close());
  return open;
}

const pinned = ({ endpoint, fingerprint }: StandIn, patience?: Patience) =>
  client({ endpoint, fingerprint }, patience);

/** The error of a call that must fail; whatever it shows, the secret is not in it. */
async function failure(work: Promise<unknown>): Promise<DrayageError> {
  const error = await work.then(
    () => {
      throw new Error('it went well, and should not have');
    },
    (caught: DrayageError) => caught,
  );
  expect(inspect(error, { depth: 8, showHidden: true })).not.toContain(secret);
  return error;
}

const version = { version: '9.1.4', release: '9.1', repoid: '0123456789abcdef' };

describe('the certificate', () => {
  it('is accepted by its fingerprint alone, whatever its name and authority', async () => {
    const server = await standIn((_, response) => json(response, { data: version }), ['192.0.2.1']);
    expect(await pinned(server).get('/version')).toEqual(version);
    expect(server.requests[0]).toMatchObject({
      method: 'GET',
      url: '/api2/json/version',
      headers: { authorization: authorization() },
    });
  });

  it('is accepted in small letters too', async () => {
    const server = await standIn((_, response) => json(response, { data: version }));
    const open = client({ endpoint: server.endpoint, fingerprint: server.fingerprint.toLowerCase() });
    expect(await open.get('/version')).toEqual(version);
  });

  it('is accepted when the named authority has signed it', async () => {
    const server = await standIn((_, response) => json(response, { data: version }));
    expect(await client({ endpoint: server.endpoint, ca: server.caFile }).get('/version')).toEqual(version);
  });

  it('with another fingerprint never sees the token, nor any request', async () => {
    const server = await standIn((_, response) => json(response, { data: version }));
    const expected = server.fingerprint.replace(/^../, (pair) => (pair === '00' ? '01' : '00'));
    const open = client({ endpoint: server.endpoint, fingerprint: expected });
    const stop = () => open.call('POST', '/nodes/prom/qemu/101/status/stop', {});
    for (const ask of [() => open.get('/version'), stop]) {
      const error = await failure(ask());
      expect(error.code).toBe('proxmox/certificate');
      expect(error.exit).toBe(5);
      expect(error.seen).toBe(
        `${server.endpoint} shows the fingerprint ${server.fingerprint}; expected is ${expected}`,
      );
      expect(error.next[0]).toContain(
        'openssl x509 -fingerprint -sha256 -noout -in /etc/pve/local/pve-ssl.pem',
      );
    }
    expect(server.requests).toEqual([]);
  });

  it('that nobody vouches for is shown with its fingerprint, and gets nothing', async () => {
    const server = await standIn((_, response) => json(response, { data: version }));
    const error = await failure(client({ endpoint: server.endpoint }).get('/version'));
    expect(error.code).toBe('proxmox/certificate');
    expect(error.seen).toContain(`its fingerprint is ${server.fingerprint}`);
    expect(error.next[1]).toBe(
      `only if it shows the same: write cluster.fingerprint: "${server.fingerprint}" in drayage.yaml`,
    );
    expect(server.requests).toEqual([]);
  });

  it('for another name gets nothing, though its authority is known', async () => {
    const server = await standIn((_, response) => json(response, { data: version }), ['192.0.2.1']);
    const error = await failure(client({ endpoint: server.endpoint, ca: server.caFile }).get('/version'));
    expect(error.code).toBe('proxmox/certificate');
    expect(server.requests).toEqual([]);
  });

  it('cannot be checked with an authority file that is not there', () => {
    expect(() => client({ endpoint: 'https://127.0.0.1:9', ca: '/no/such/ca.pem' })).toThrow(
      expect.objectContaining({ code: 'proxmox/authority' }),
    );
  });
});

describe('a request', () => {
  it('sends a list as a repeated key, escaped, with its length', async () => {
    const server = await standIn((_, response) => json(response, { data: null }));
    const map = ['node=prom,path=/nvmeprom/containers', 'node=maint,path=/tank/ä'];
    expect(
      await pinned(server).call('PUT', '/cluster/mapping/dir/containers', { map, digest: 'a;b&c' }),
    ).toBe(null);
    const [sent] = server.requests;
    expect(sent?.body).toBe(
      'map=node%3Dprom%2Cpath%3D%2Fnvmeprom%2Fcontainers&map=node%3Dmaint%2Cpath%3D%2Ftank%2F%C3%A4&digest=a%3Bb%26c',
    );
    expect(sent?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(sent?.body.length),
    });
  });

  it('sends the parameters of DELETE in the query and no body', async () => {
    const server = await standIn((_, response) => json(response, { data: null }));
    await pinned(server).call('DELETE', '/nodes/prom/qemu/101', { purge: 1 });
    expect(server.requests[0]).toMatchObject({ url: '/api2/json/nodes/prom/qemu/101?purge=1', body: '' });
    expect(server.requests[0]?.headers['content-type']).toBeUndefined();
  });

  it('never sends an empty list: it would poison the mapping file', async () => {
    const server = await standIn((_, response) => json(response, { data: null }));
    await expect(pinned(server).call('POST', '/cluster/mapping/dir', { id: 'x', map: [] })).rejects.toThrow(
      'map: an empty list',
    );
    expect(server.requests).toEqual([]);
  });

  it('that reads goes over one kept connection, one that changes something over its own', async () => {
    const server = await standIn((_, response) => json(response, { data: null }));
    const open = pinned(server);
    await open.get('/version');
    await open.get('/nodes');
    expect(server.handshakes()).toBe(1);
    await open.call('POST', '/nodes/prom/qemu/101/status/start', {});
    expect(server.handshakes()).toBe(2);
  });
});

describe('a connection that the server ends', () => {
  const reset = (response: ServerResponse) => response.socket?.destroy();

  it('is opened again for a read', async () => {
    let answers = 0;
    const server = await standIn((_, response) => {
      if (++answers === 2) reset(response);
      else json(response, { data: answers });
    });
    const open = pinned(server);
    expect(await open.get('/version')).toBe(1);
    expect(await open.get('/version')).toBe(3);
  });

  it('twice is an error', async () => {
    const server = await standIn((_, response) => reset(response));
    expect((await failure(pinned(server).get('/version'))).code).toBe('proxmox/unreachable');
    expect(server.requests).toHaveLength(2);
  });

  it('leaves the outcome of a change unknown, and does not send it again', async () => {
    const server = await standIn((_, response) => reset(response));
    const error = await failure(pinned(server).call('POST', '/nodes/prom/qemu/101/status/start', {}));
    expect(error.code).toBe('proxmox/outcome-unknown');
    expect(error.exit).toBe(6);
    expect(error.next[0]).toBe('drayage status');
    expect(server.requests).toHaveLength(1);
  });

  it('in the middle of an answer is not taken for a whole one', async () => {
    const server = await standIn((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"data":');
      setTimeout(() => reset(response), 50);
    });
    expect((await failure(pinned(server).get('/version'))).code).toBe('proxmox/unreachable');
  });
});

describe('a server that does not answer', () => {
  const impatient = { connect: 0.3, answer: 0.3 };

  it('to a read is unreachable', async () => {
    const server = await standIn(() => {});
    const error = await failure(pinned(server, impatient).get('/version'));
    expect(error.code).toBe('proxmox/unreachable');
    expect(error.seen).toBe(`GET /version: ${server.endpoint}: no answer for 0.3 s`);
  });

  it('to a change leaves its outcome unknown', async () => {
    const server = await standIn(() => {});
    const error = await failure(
      pinned(server, impatient).call('PUT', '/nodes/prom/qemu/101/config', { agent: 1 }),
    );
    expect(error.code).toBe('proxmox/outcome-unknown');
  });

  it('to the handshake was certainly not asked to change anything', async () => {
    const sockets: { destroy(): void }[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    ends.push(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as { port: number };
    const open = client({ endpoint: `https://127.0.0.1:${port}` }, impatient);
    const error = await failure(open.call('POST', '/nodes/prom/qemu/101/status/start', {}));
    expect(error.code).toBe('proxmox/unreachable');
  });

  it('because nothing listens there is named with what to try', async () => {
    const server = await standIn(() => {});
    const open = client({ endpoint: server.endpoint });
    await ends.pop()?.();
    await server.close().catch(() => {});
    ends.length = 0;
    const error = await failure(open.call('POST', '/nodes/prom/qemu/101/status/start', {}));
    expect(error.code).toBe('proxmox/unreachable');
    expect(error.seen).toContain('ECONNREFUSED');
    expect(error.next).toEqual([
      `curl --insecure --head ${server.endpoint}`,
      'on the node: systemctl status pveproxy',
    ]);
  });

  it('because its name has no address is named with the key to correct', async () => {
    const error = await failure(client({ endpoint: 'https://prom.invalid:8006' }).get('/version'));
    expect(error.code).toBe('proxmox/unreachable');
    expect(error.next).toContain('correct cluster.endpoint in drayage.yaml, or PROXMOX_VE_ENDPOINT');
  });
});

describe('an answer that is an error', () => {
  const refusal = async (status: number, reason: string, body: unknown, method: 'GET' | 'POST' = 'GET') => {
    const server = await standIn((_, response) => {
      response.writeHead(status, reason, { 'content-type': 'application/json' });
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
    const open = pinned(server);
    const path = '/nodes/prom/qemu/101/config';
    return failure(method === 'GET' ? open.get(path) : open.call(method, path, { agent: 1 }));
  };
  const message = (text: string) => ({ data: null, message: `${text}\n` });

  it('401 names the token, not its secret, also without a body', async () => {
    const error = await refusal(401, 'Authentication failed!', undefined);
    expect(error.code).toBe('proxmox/unauthorized');
    expect(error.seen).toContain('401 Authentication failed! (token ops@pve!drayage)');
    expect(error.next[0]).toContain('pveum user token list ops@pve');
  });

  it('403 names the commands that grant what is missing', async () => {
    const text = 'Permission check failed (/vms/101, VM.Config.Disk)';
    const error = await refusal(403, text, message(text));
    expect(error.code).toBe('proxmox/permission');
    expect(error.next[0]).toContain("pveum acl modify /vms/101 --tokens 'ops@pve!drayage' --roles Drayage");
    expect(error.next[1]).toContain('pveum role modify Drayage --append 1 --privs VM.Config.Disk');
  });

  it('403 with several privileges asks for the first: one is enough', async () => {
    const text = 'Permission check failed (/vms/101, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)';
    expect((await refusal(403, text, message(text))).next[1]).toMatch(/--privs VM\.GuestAgent\.Audit {3}#/);
  });

  it('403 that only root@pam passes says so', async () => {
    const text = 'Permission check failed (user != root@pam)';
    expect((await refusal(403, text, message(text))).next[1]).toContain('root@pam alone');
  });

  it('400 lists every parameter that was refused', async () => {
    const error = await refusal(400, 'Parameter verification failed.', {
      ...message('Parameter verification failed.'),
      errors: { foo: 'property is not defined in schema', 'map[0]': 'invalid format - format error\n' },
    });
    expect(error.code).toBe('proxmox/parameter');
    expect(error.seen.split('\n').slice(1)).toEqual([
      'foo: property is not defined in schema',
      'map[0]: invalid format - format error',
    ]);
  });

  it.each([
    ['detected modified configuration - file changed by other user? Try again.', 'proxmox/conflict'],
    ['checksum mismatch (file change by other user?)', 'proxmox/conflict'],
    ["mapping 'zzz' not found", 'proxmox/not-found'],
    ["update directory mapping failed: dir ID 'nosuch' does not exist", 'proxmox/not-found'],
    ["Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist", 'proxmox/not-found'],
    ["no such resource 'vm:101'", 'proxmox/not-found'],
    ["create directory mapping failed: dir ID 'containers' already defined", 'proxmox/exists'],
    ['VM is locked (backup)', 'proxmox/locked'],
    ["can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout", 'proxmox/locked'],
    [
      "update directory mapping failed: cfs-lock 'file-mapping_directory_cfg' error: got lock request timeout",
      'proxmox/locked',
    ],
    ['cluster not ready - no quorum?', 'proxmox/no-quorum'],
    ['update directory mapping failed: Path /nope does not exist', 'proxmox/unexpected'],
    ['something new', 'proxmox/unexpected'],
  ])('500 "%s" is %s', async (text, code) => {
    const error = await refusal(500, text, message(text));
    expect(error.code).toBe(code);
    expect(error.seen).toBe(`GET /nodes/prom/qemu/101/config: 500 ${text}`);
  });

  it('500 of an older server is read from the reason phrase', async () => {
    expect((await refusal(500, "mapping 'zzz' not found", { data: null })).code).toBe('proxmox/not-found');
  });

  it.each([595, 596, 597, 599])('%i leaves the outcome of a change unknown', async (status) => {
    expect((await refusal(status, 'Connection timed out', undefined, 'POST')).code).toBe(
      'proxmox/outcome-unknown',
    );
    expect((await refusal(status, 'Connection timed out', undefined)).code).toBe('proxmox/unreachable');
  });

  it('501 says that this version does not have the call', async () => {
    const error = await refusal(501, "Method 'PUT /x' not implemented", undefined);
    expect(error.meaning).toContain('8.4');
    expect(error.next).toEqual(['on the node: pveversion']);
  });

  it('200 that is not the API is not believed', async () => {
    const server = await standIn((_, response) => response.end('<html>router</html>'));
    const error = await failure(pinned(server).get('/version'));
    expect(error.code).toBe('proxmox/unexpected');
    expect(error.seen).toContain('<html>router</html>');
  });
});
