import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Findings } from '../../../src/inspect/findings.ts';
import { makePlan } from '../../../src/plan/make-plan.ts';
import { openProxmox, type ProxmoxClient } from '../../../src/proxmox/client.ts';
import { mappingUpdate } from '../../../src/proxmox/mapping.ts';
import {
  missingPrivileges,
  privilegesToApply,
  privilegesToInspect,
  wantedBy,
} from '../../../src/proxmox/permissions.ts';
import { proxmoxReader } from '../../../src/proxmox/reader.ts';
import { waitForTask } from '../../../src/proxmox/task.ts';
import { type Bench, narrowSecret, secret, startBench } from '../../lab-kit/proxmox/bench.ts';
import { sampleConfig, sampleFindings } from '../../support/sample.ts';

let bench: Bench;
const open: ProxmoxClient[] = [];
beforeEach(async () => {
  bench = await startBench({}, { '/vms/104': ['VM.Audit'], '/mapping/dir/containers': ['Mapping.Use'] });
});
afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  await bench.close();
});

function client(token = `root@pam!drayage=${secret}`): ProxmoxClient {
  const opened = openProxmox({
    endpoint: bench.api.url,
    fingerprint: bench.api.fingerprint,
    authorization: () => `PVEAPIToken=${token}`,
  });
  open.push(opened);
  return opened;
}
const narrow = () => client(`mover@pve!narrow=${narrowSecret}`);

const makeMapping = (api: ProxmoxClient) =>
  api.call(
    'POST',
    '/cluster/mapping/dir',
    mappingUpdate('containers', undefined, { node: 'maint', path: '/tank/containers' }, 'Data').call.params,
  );

describe('against the emulated API', () => {
  it('a merged mapping keeps the other node, and a stale digest is a conflict', async () => {
    const api = client();
    await makeMapping(api);
    const read = async () => {
      const found = (await proxmoxReader(api).cluster()).cluster.mappings.find(
        ({ id }) => id === 'containers',
      );
      if (found === undefined) throw new Error('no mapping');
      return found;
    };
    const before = await read();
    const { call } = mappingUpdate(
      'containers',
      before,
      { node: 'prom', path: '/nvmeprom/containers' },
      'Data',
    );
    await api.call(call.method, call.path, call.params);
    expect((await read()).entries).toEqual([
      { node: 'maint', path: '/tank/containers' },
      { node: 'prom', path: '/nvmeprom/containers' },
    ]);
    await expect(api.call(call.method, call.path, call.params)).rejects.toMatchObject({
      code: 'proxmox/conflict',
      exit: 10,
    });
  });

  it('a device of a running VM is pending until its next start', async () => {
    const api = client();
    await makeMapping(api);
    const start = () => api.call('POST', '/nodes/prom/qemu/104/status/start', {});
    await waitForTask(api, String(await start()));
    await api.call('PUT', '/nodes/prom/qemu/104/config', { virtiofs0: 'dirid=containers,expose-acl=1' });
    const { vm } = await proxmoxReader(api).vm(104);
    expect(vm).toMatchObject({ vmid: 104, node: 'prom', running: true });
    expect(vm.vm.virtiofs).toEqual([
      expect.objectContaining({ key: 'virtiofs0', mapping: 'containers', exposeAcl: true, pending: true }),
    ]);
  });

  it('a failed task shows Proxmox’s own reason', async () => {
    const api = client();
    await makeMapping(api);
    await api.call('PUT', '/nodes/prom/qemu/104/config', { virtiofs0: 'dirid=containers' });
    const upid = String(await api.call('POST', '/nodes/prom/qemu/104/status/start', {}));
    await expect(waitForTask(api, upid)).rejects.toMatchObject({
      code: 'proxmox/task-failed',
      seen: expect.stringContaining('No directory mapping for node prom.'),
    });
  });

  it('what does not exist is not found', async () => {
    await expect(client().get('/cluster/mapping/dir/zzz')).rejects.toMatchObject({
      code: 'proxmox/not-found',
    });
    await expect(client().get('/nodes/prom/qemu/999/config')).rejects.toMatchObject({
      code: 'proxmox/not-found',
    });
  });

  it('an unknown parameter is refused by name', async () => {
    await expect(
      client().call('PUT', '/nodes/prom/qemu/104/config', { virtiofs: 'x' }),
    ).rejects.toMatchObject({
      code: 'proxmox/parameter',
      seen: expect.stringContaining('virtiofs: property is not defined in schema'),
    });
  });

  it('a wrong secret is unauthorized', async () => {
    await expect(client('root@pam!drayage=wrong').get('/version')).rejects.toMatchObject({
      code: 'proxmox/unauthorized',
      seen: expect.not.stringContaining('wrong'),
    });
  });

  it('a narrow token is told what it cannot see and how to grant it', async () => {
    const wanted = { vmids: [104], mappings: ['containers'] };
    const { notSeen } = await proxmoxReader(narrow(), wanted).cluster();
    expect(notSeen).toContainEqual({
      subject: 'token mover@pve!narrow',
      what: 'the quorum of the cluster',
      seen: 'Sys.Audit on / is missing',
      next: expect.stringContaining("pveum acl modify / --tokens 'mover@pve!narrow' --roles Drayage"),
    });
    expect(notSeen.map(({ what }) => what)).not.toContain('virtual machine 104 and its configuration');
    expect(await missingPrivileges(client(), privilegesToInspect(wanted))).toEqual([]);
  });

  it('a narrow token is told before the work what it could not do', async () => {
    const needs = privilegesToApply({ vmids: [104], mappings: [{ id: 'containers', exists: false }] });
    const missing = await missingPrivileges(narrow(), needs);
    expect(missing.map(({ seen }) => seen)).toEqual([
      'VM.Config.Disk on /vms/104 is missing',
      'VM.PowerMgmt on /vms/104 is missing',
      'Mapping.Modify on /mapping/dir is missing',
    ]);
    expect(await missingPrivileges(client(), needs)).toEqual([]);
    await expect(
      narrow().call('PUT', '/nodes/prom/qemu/104/config', { virtiofs0: 'dirid=containers' }),
    ).rejects.toMatchObject({ code: 'proxmox/permission', exit: 5 });
  });
});

describe('a token that may only look', () => {
  const wanted = wantedBy(sampleConfig());
  const blockersFor = (cluster: Findings['cluster']) =>
    makePlan(sampleConfig(), { ...sampleFindings(), cluster }, '0.1.0').blockers;
  const audit = { '/': ['Sys.Audit', 'VM.Audit', 'Mapping.Audit'] };

  it('sees everything, and the plan names each privilege that it lacks', async () => {
    await bench.close();
    bench = await startBench({}, audit);
    const { cluster, notSeen } = await proxmoxReader(narrow(), wanted).cluster();
    expect(notSeen).toEqual([]);
    expect(cluster).toMatchObject({ version: '9.1.4', quorate: true, vms: [{ vmid: 104, virtiofs: [] }] });
    const blockers = blockersFor(cluster);
    expect(blockers.map(({ code, seen }) => `${code} ${seen}`)).toEqual([
      'plan/missing-privilege token mover@pve!narrow: VM.Config.Disk on /vms/114 is missing (for giving virtual machine 114 a virtiofs device)',
      'plan/missing-privilege token mover@pve!narrow: VM.PowerMgmt on /vms/114 is missing (for stopping and starting virtual machine 114)',
      'plan/missing-privilege token mover@pve!narrow: Mapping.Modify on /mapping/dir is missing (for making the directory mapping containers)',
      'plan/missing-privilege token mover@pve!narrow: Mapping.Use on /mapping/dir/containers is missing (for letting a virtual machine use the directory mapping containers)',
    ]);
    expect(blockers[0]?.next).toEqual([
      expect.stringContaining("pveum acl modify /vms/114 --tokens 'mover@pve!narrow' --roles Drayage"),
      expect.stringContaining('pveum role modify Drayage --append 1 --privs VM.Config.Disk'),
    ]);
  });

  it('and one that may not even look is told what it cannot see, and inspection goes on', async () => {
    await bench.close();
    bench = await startBench({}, {});
    const { cluster, notSeen } = await proxmoxReader(narrow(), wanted).cluster();
    expect(cluster).toMatchObject({ version: '9.1.4', vms: [], mappings: [] });
    expect(notSeen.map(({ seen }) => seen)).toEqual(
      expect.arrayContaining([
        'Sys.Audit on / is missing',
        'VM.Audit on /vms/104 is missing',
        'VM.Audit on /vms/114 is missing',
        'Mapping.Audit or Mapping.Use or Mapping.Modify on /mapping/dir/containers is missing',
      ]),
    );
    expect(blockersFor(cluster)).toHaveLength(4);
  });

  it('is nothing to a token with all privileges', async () => {
    const { cluster, notSeen } = await proxmoxReader(client(), wanted).cluster();
    expect(notSeen).toEqual([]);
    expect(cluster.missingPrivileges).toEqual([]);
    expect(blockersFor(cluster)).toEqual([]);
  });
});
