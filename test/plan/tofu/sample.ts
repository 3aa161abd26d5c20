import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VmSummary } from '../../../src/inspect/findings.ts';

/** The sample fleet: eight hosts, five of them virtual machines that OpenTofu keeps, two of which exist already. */
export const sampleFolder = join(import.meta.dirname, 'sample');

/** A copy with an empty folder for OpenTofu. */
export function copyOfSample(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-tofu-'));
  for (const name of ['hosts.nix', 'drayage.yaml']) cpSync(join(sampleFolder, name), join(folder, name));
  mkdirSync(join(folder, 'tofu'));
  return folder;
}

const device = (key: string, mapping: string) => ({
  key,
  raw: `dirid=${mapping}`,
  mapping,
  cache: 'auto' as const,
  directIo: false,
  exposeXattr: false,
  exposeAcl: false,
  pending: false,
});

const vm = (vmid: number, name: string, virtiofs: VmSummary['virtiofs'] = []): VmSummary => ({
  vmid,
  name,
  node: 'alder',
  running: true,
  ...(virtiofs === undefined ? {} : { virtiofs }),
});

/** What the cluster of the sample has: the two old machines, a template, and a mapping with the entries of two nodes. */
export const sampleCluster = {
  nodes: [
    { name: 'alder', online: true },
    { name: 'birch', online: true },
  ],
  vms: [
    vm(104, 'Stack1'),
    vm(109, 'Render', [device('virtiofs0', 'media')]),
    vm(103, 'attic'),
    vm(9003, 'base'),
  ],
  mappings: [
    {
      id: 'media',
      entries: [
        { node: 'birch', path: '/tank/media' },
        { node: 'alder', path: '/tank/media' },
      ],
      description: 'Films',
      digest: 'aa',
    },
  ],
};
