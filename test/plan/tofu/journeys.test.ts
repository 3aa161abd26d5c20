import { describe, expect, it } from 'vitest';
import type { ClusterFindings } from '../../../src/inspect/findings.ts';
import { inTheWay, openJourneys } from '../../../src/plan/tofu/journeys.ts';
import { judge } from '../../../src/plan/tofu/judge.ts';
import { parsePlanJson } from '../../../src/tofu/plan-json.ts';
import { sampleConfig } from '../../support/sample.ts';
import {
  mappingAddress,
  mappingChange,
  mappingValues,
  planWith,
  vmAddress,
  vmChange,
  vmValues,
} from './plan-json.ts';

const config = sampleConfig(`
nodes: { alder: { ssh: root@alder }, birch: { ssh: root@birch } }
guests:
  stack1: { vmid: 104, ssh: root@stack1 }
  stack2: { vmid: 114, ssh: root@stack2 }
  other: { vmid: 120, ssh: root@other }
  stays: { vmid: 121, ssh: root@stays }
shares:
  containers:
    node: alder
    dataset: tank/containers
    owner: "1000:100"
    maintenance: { birch: { dataset: spare/containers, without: [stays] } }
moves:
  docker: { from: { guest: stack1, path: /mnt/docker }, to: { share: containers, guest: stack2 } }
`);

const device = {
  ...{ key: 'virtiofs0', raw: 'dirid=containers', pending: false, cache: 'auto' as const },
  ...{ directIo: false, exposeAcl: false, exposeXattr: false },
};
const vm = (vmid: number, node: string, mapping?: string) => ({
  vmid,
  name: `vm${vmid}`,
  node,
  running: true,
  virtiofs: mapping === undefined ? [] : [{ ...device, mapping }],
});
const cluster = (...vms: ReturnType<typeof vm>[]): ClusterFindings => ({ nodes: [], mappings: [], vms });
const atHome = cluster(vm(104, 'alder'), vm(114, 'alder', 'containers'), vm(120, 'alder'));
const window = (phase: string) => ({ phase, openedAt: '2026-11-27T18:00:00Z' });
const machine = (vmid: number, kind = 'update') =>
  vmChange([kind], { before: { ...vmValues, vm_id: vmid }, after: { ...vmValues, vm_id: vmid, name: 'x' } });
const found = (change: object, open: ReturnType<typeof openJourneys>) =>
  inTheWay(judge(parsePlanJson(planWith([change]), 'tofu')), open).map(({ address }) => address);

describe('a window that is open', () => {
  const open = openJourneys(config, atHome, window('docker'));

  it('keeps OpenTofu from the source, the target and the mapping, and from nothing else', () => {
    for (const vmid of [104, 114]) expect(found(machine(vmid), open)).toEqual([vmAddress]);
    expect(found(mappingChange(['update'], mappingValues), open)).toEqual([mappingAddress]);
    expect(found(machine(120), open)).toEqual([]);
    expect(found(machine(114, 'no-op'), open)).toEqual([]);
  });

  it('is ended by apply, or taken back', () => {
    expect(open[0]?.what).toContain('the window of phase docker is open since 2026-11-27T18:00:00Z');
    expect(open[0]?.next.join('\n')).toMatch(/drayage apply.*\n.*drayage rollback --phase docker/);
  });

  it('is about every move where its phase is not in drayage.yaml any more', () => {
    expect(found(machine(104), openJourneys(config, atHome, window('gone')))).toEqual([vmAddress]);
  });

  it('of a maintenance keeps OpenTofu from those who mount the share', () => {
    const entering = openJourneys(config, atHome, window('maintenance enter birch'));
    expect(found(machine(114), entering)).toEqual([vmAddress]);
    expect(found(machine(104), entering)).toEqual([]);
    expect(entering[0]?.next).toEqual(['drayage maintenance enter birch   # goes on with it']);
  });
});

describe('a maintenance that was entered', () => {
  it('is seen by a guest of the share that is on the other node', () => {
    const away = openJourneys(config, cluster(vm(114, 'birch', 'containers')), undefined);
    expect(away[0]?.next).toEqual(['drayage maintenance leave birch']);
    expect(found(machine(114), away)).toEqual([vmAddress]);
    expect(found(machine(120), away)).toEqual([]);
  });

  it('is not, while only a guest is there that is never carried, or nobody', () => {
    expect(openJourneys(config, atHome, undefined)).toEqual([]);
    expect(openJourneys(config, cluster(vm(121, 'birch', 'containers')), undefined)).toEqual([]);
  });
});
