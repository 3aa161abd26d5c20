import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProxmox } from '../../src/proxmox/client.ts';
import { privilegesForTargets, wantedBy } from '../../src/proxmox/permissions.ts';
import { proxmoxReader } from '../../src/proxmox/reader.ts';
import { sampleConfig } from '../support/sample.ts';
import { json, type StandIn, startStandIn } from './stand-in.ts';

let answers: Record<string, unknown>;
let atOnce: number;
let most: number;
let server: StandIn;
const closes: (() => unknown)[] = [];

const row = (vmid: number, more: object = {}) => ({
  vmid,
  type: 'qemu',
  name: `vm${vmid}`,
  node: 'prom',
  status: 'running',
  ...more,
});

beforeEach(async () => {
  atOnce = 0;
  most = 0;
  answers = {
    '/version': { version: '9.1.4' },
    '/nodes': [
      { node: 'prom', status: 'online' },
      { node: 'away', status: 'offline' },
    ],
    '/cluster/status': [],
    '/cluster/mapping/dir': [],
  };
  server = await startStandIn((request, response) => {
    const path = request.url.replace('/api2/json', '');
    atOnce += 1;
    most = Math.max(most, atOnce);
    setTimeout(() => {
      atOnce -= 1;
      const known = answers[path];
      if (known !== undefined) json(response, { data: known });
      else json(response, { data: null, message: 'Permission check failed (/vms/1, VM.Audit)\n' }, 403);
    }, 5);
  });
});
afterEach(async () => {
  for (const close of closes.splice(0)) close();
  await server.close();
});

async function vms() {
  const client = openProxmox({
    endpoint: server.endpoint,
    fingerprint: server.fingerprint,
    authorization: () => 'PVEAPIToken=ops@pve!drayage=none',
  });
  closes.push(client.close);
  return (await proxmoxReader(client).cluster()).cluster.vms;
}

const asked = () => server.requests.map(({ url }) => url.replace('/api2/json', ''));

describe('the machines of the cluster', () => {
  it('are told with their virtiofs devices, and whether QEMU has them already', async () => {
    answers['/cluster/resources?type=vm'] = [row(105), row(106), row(107, { status: 'stopped' })];
    answers['/nodes/prom/qemu/105/config'] = { digest: 'a', virtiofs1: 'containers' };
    answers['/nodes/prom/qemu/105/config?current=1'] = { digest: 'a' };
    answers['/nodes/prom/qemu/106/config'] = { digest: 'b' };
    answers['/nodes/prom/qemu/107/config'] = { digest: 'c', virtiofs0: 'dirid=media' };
    expect((await vms()).map(({ vmid, virtiofs }) => [vmid, virtiofs])).toEqual([
      [105, [expect.objectContaining({ key: 'virtiofs1', mapping: 'containers', pending: true })]],
      [106, []],
      [107, [expect.objectContaining({ mapping: 'media', pending: false })]],
    ]);
    expect(asked()).not.toContain('/nodes/prom/qemu/106/config?current=1');
  });

  it('are told without their devices where the token may not read the configuration', async () => {
    answers['/cluster/resources?type=vm'] = [row(105)];
    expect(await vms()).toEqual([{ vmid: 105, name: 'vm105', node: 'prom', running: true }]);
  });

  it('on a node that is off are not asked for, and containers have no devices', async () => {
    answers['/cluster/resources?type=vm'] = [row(105, { node: 'away' }), row(200, { type: 'lxc' })];
    expect((await vms()).map(({ virtiofs }) => virtiofs)).toEqual([undefined, undefined]);
    expect(asked().filter((path) => path.includes('/config'))).toEqual([]);
  });

  it('are asked for a few at a time', async () => {
    const many = Array.from({ length: 20 }, (_, index) => 100 + index);
    answers['/cluster/resources?type=vm'] = many.map((vmid) => row(vmid));
    for (const vmid of many) answers[`/nodes/prom/qemu/${vmid}/config`] = { digest: 'x' };
    expect((await vms()).map(({ vmid }) => vmid)).toEqual(many);
    expect(most).toBeLessThanOrEqual(3);
  });
});

describe('what a configuration asks of the API', () => {
  const wanted = wantedBy(sampleConfig());
  const cluster = (path: string, node = 'prom') => ({
    mappings: [{ id: 'containers', entries: [{ node, path }], digest: '' }],
    vms: [{ vmid: 114, name: 'doc2', node: 'prom', running: true }],
  });
  const needs = (world: Parameters<typeof privilegesForTargets>[1]) =>
    privilegesForTargets(wanted.targets ?? [], world).map(({ path, anyOf }) => `${anyOf[0]} ${path}`);

  it('is to see both guests, and to change the target and the mapping', () => {
    expect(wanted).toEqual({
      vmids: [104, 114],
      mappings: ['containers'],
      targets: [{ vmid: 114, mapping: 'containers', path: '/nvmeprom/containers' }],
    });
  });

  it('is Mapping.Modify where the mapping is made or changed, and not where it is in place', () => {
    const always = [
      'VM.Config.Disk /vms/114',
      'VM.PowerMgmt /vms/114',
      'Mapping.Use /mapping/dir/containers',
    ];
    expect(needs({ mappings: [], vms: [] }).toSorted()).toEqual(
      [...always, 'Mapping.Modify /mapping/dir'].toSorted(),
    );
    expect(needs(cluster('/nvmeprom/containers', 'maint'))).toContain(
      'Mapping.Modify /mapping/dir/containers',
    );
    expect(needs(cluster('/nvmeprom/containers'))).toEqual(always);
  });
});
