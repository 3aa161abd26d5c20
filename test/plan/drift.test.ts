import { describe, expect, it } from 'vitest';
import { type DriftInput, driftOf, type SeenVm } from '../../src/plan/drift.ts';
import type { TofuVm } from '../../src/plan/tofu/fleet.ts';

const vm: TofuVm = {
  host: 'stack2',
  from: 'hosts.nix',
  name: 'stack2',
  vmid: 114,
  node: 'alder',
  cores: 8,
  memory: 16384,
  defaults: { description: '', tags: [] },
  ignoreInit: false,
  ignore: [],
  virtiofs: [{ mapping: 'containers' }],
  holdsData: false,
};
const seen: SeenVm = {
  vmid: 114,
  name: 'stack2',
  node: 'alder',
  cores: 8,
  memory: '16384',
  virtiofs: [{ mapping: 'containers', pending: false }],
};
const mapping = { id: 'containers', entries: [{ node: 'alder', path: '/tank/containers' }] };
const drift = (given: Partial<DriftInput>) =>
  driftOf({ vms: [vm], mappings: [mapping], seen: [seen], seenMappings: [mapping], ...given });

describe('files, state and cluster', () => {
  it('agree', () => {
    expect(drift({ addresses: { files: ['a.b'], state: ['a.b', 'local_file.own'] } })).toEqual([]);
  });

  it('differ in what a machine is', () => {
    const other = { ...seen, name: 'Stack2', node: 'birch', cores: 4, memory: '8192' };
    expect(drift({ seen: [other] })).toEqual([
      'stack2 (VM 114): the name is Stack2 in the cluster, and stack2 in hosts.nix',
      'stack2 (VM 114): the node is birch in the cluster, and alder in hosts.nix',
      'stack2 (VM 114): the number of cores is 4 in the cluster, and 8 in hosts.nix',
      'stack2 (VM 114): the memory is 8192 in the cluster, and 16384 in hosts.nix',
    ]);
    expect(drift({ seen: [] })).toEqual(['stack2 (VM 114) is not in the cluster']);
  });

  it('differ in a share that is not attached, or not yet', () => {
    expect(drift({ seen: [{ ...seen, virtiofs: [] }] })[0]).toContain(
      'no virtiofs device with the mapping containers',
    );
    const pending = [{ mapping: 'containers', pending: true }];
    expect(drift({ seen: [{ ...seen, virtiofs: pending }] })[0]).toContain(
      'waits for the next stop and start',
    );
    const { virtiofs: _, ...hidden } = seen;
    expect(drift({ seen: [hidden] })).toEqual([]);
  });

  it('differ in a mapping', () => {
    expect(drift({ seenMappings: [] })).toEqual(['the directory mapping containers is not in the cluster']);
    const moved = { ...mapping, entries: [{ node: 'alder', path: '/old' }] };
    expect(drift({ seenMappings: [moved] })[0]).toContain(
      'has /old on alder; the files say /tank/containers',
    );
    expect(drift({ seenMappings: [{ ...mapping, entries: [] }] })[0]).toContain(
      'no entry for the node alder',
    );
  });

  it('differ in what the state knows', () => {
    const state = ['proxmox_virtual_environment_vm.gone'];
    expect(drift({ addresses: { files: ['proxmox_virtual_environment_vm.new'], state } })).toEqual([
      'the state does not have proxmox_virtual_environment_vm.new: drayage tofu apply',
      'the state has proxmox_virtual_environment_vm.gone, and the files have not',
    ]);
  });
});
