import type { MaintainedGuest, MaintenanceFacts, PlaceFacts } from '../../src/plan/golden-path/facts.ts';
import { notesUnit, sampleFindings, sampleYaml, web, writer } from './sample.ts';

/** The sample with a place for the share on a second node. */
export const maintenanceYaml = sampleYaml
  .replace('nodes:', 'nodes:\n  maint: { ssh: root@192.168.1.13 }')
  .replace(
    '    owner: "1000:100"',
    '    owner: "1000:100"\n    maintenance:\n      maint: { path: /srv/containers, mounted: true }',
  );

export const marker =
  '{"share":"containers","uuid":"11111111-1111-8111-9111-111111111111","dataset":"nvmeprom/containers"}';

export const ownPlace: PlaceFacts = {
  hostname: 'prom',
  state: 'directory',
  mounted: true,
  inside: ['docker'],
  fsType: 'zfs',
  source: 'nvmeprom/containers',
  fsid: 'a1',
  submounts: [],
  marker,
  markerInode: '7',
  dataset: { mounted: true, mountpoint: '/nvmeprom/containers' },
  availableBytes: 500e9,
  sealed: false,
  sealable: true,
  amount: { entries: 6000, bytes: 118e6, allocatedBytes: 120e6 },
  missingTools: [],
};

export const emptyPlace: PlaceFacts = {
  hostname: 'maint',
  state: 'directory',
  mounted: true,
  inside: [],
  fsType: 'ext4',
  source: '/dev/sdb1',
  fsid: 'b2',
  submounts: [],
  availableBytes: 500e9,
  sealed: false,
  sealable: true,
  missingTools: [],
};

/** doc2 with the share's device and two units, and what it runs. */
export function maintainedGuest(more: Partial<MaintainedGuest> = {}): MaintainedGuest {
  const found = sampleFindings().guests.doc2!;
  return {
    ...found,
    running: true,
    system: { ...found.system!, containers: [writer], units: [web, notesUnit] },
    vm: {
      ...found.vm,
      virtiofs: [
        {
          key: 'virtiofs0',
          mapping: 'containers',
          cache: 'auto',
          directIo: false,
          exposeXattr: false,
          exposeAcl: true,
          raw: 'dirid=containers,expose-acl=1',
          pending: false,
        },
      ],
    },
    bootSeconds: 20,
    localDisks: [],
    unguarded: [],
    haManaged: false,
    ...more,
  };
}

/** The share on prom, an empty place on maint, and doc2 on prom. */
export function maintenanceFacts(more: Partial<MaintenanceFacts> = {}): MaintenanceFacts {
  const { cluster } = sampleFindings();
  return {
    format: 1,
    inspectedAt: '2026-01-01T00:00:00.000Z',
    cluster: {
      ...cluster,
      nodes: [
        { name: 'prom', online: true },
        { name: 'maint', online: true },
      ],
      mappings: [
        {
          id: 'containers',
          entries: [
            { node: 'other', path: '/tank/theirs' },
            { node: 'prom', path: '/nvmeprom/containers' },
          ],
          digest: 'd1',
        },
      ],
      vms: [
        { vmid: 114, name: 'doc2', node: 'prom', running: true, virtiofs: maintainedGuest().vm.virtiofs },
      ],
    },
    shares: { containers: { own: ownPlace, other: emptyPlace } },
    guests: { doc2: maintainedGuest() },
    notSeen: [],
    ...more,
  };
}

/** The same after `enter`: maint has the marker, prom is sealed, doc2 is on maint. */
export function awayFacts(): MaintenanceFacts {
  const { marker: _marker, amount, ...own } = ownPlace;
  const facts = maintenanceFacts();
  const [mapping] = facts.cluster.mappings;
  return {
    ...facts,
    cluster: {
      ...facts.cluster,
      mappings: [{ ...mapping!, entries: [...mapping!.entries, { node: 'maint', path: '/srv/containers' }] }],
    },
    shares: {
      containers: {
        own: { ...own, sealed: true, standby: 'of maint' },
        other: { ...emptyPlace, inside: ['docker'], marker, amount: amount! },
      },
    },
    guests: { doc2: maintainedGuest({ node: 'maint' }) },
  };
}
