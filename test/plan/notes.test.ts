import { expect, it } from 'vitest';
import type { Findings, MoveFindings, SourceDirectory, VmSummary } from '../../src/inspect/findings.ts';
import { planNotes } from '../../src/plan/notes.ts';
import { sampleConfig, sampleFindings, sampleSource } from '../support/sample.ts';

const device = (mapping: string) => ({
  key: 'virtiofs0',
  mapping,
  cache: 'auto' as const,
  directIo: false,
  exposeXattr: false,
  exposeAcl: false,
  raw: `dirid=${mapping}`,
  pending: false,
});

const vm = (vmid: number, name: string, mapping?: string): VmSummary => ({
  vmid,
  name,
  node: 'prom',
  running: true,
  ...(mapping === undefined ? {} : { virtiofs: [device(mapping)] }),
});

const notes = (...vms: VmSummary[]) => {
  const found = sampleFindings();
  const findings: Findings = { ...found, cluster: { ...found.cluster, vms } };
  return planNotes(sampleConfig(), findings).filter((note) => note.includes('has mapping'));
};

it('names every other machine that has the share', () => {
  expect(notes(vm(114, 'doc2', 'containers'), vm(105, 'old', 'containers'))).toEqual([
    'VM 105 (old) has mapping containers too: it sees everything in the share.',
  ]);
});

it('says what it means when the source guest has the share itself', () => {
  expect(notes(vm(104, 'doc1', 'containers'))).toEqual([
    'doc1 (VM 104) has mapping containers itself: what runs there sees, and can write, the copy as well as the original.',
  ]);
});

it('says nothing of machines with other mappings, with none, or that may not be looked into', () => {
  expect(notes(vm(105, 'media', 'media'), { ...vm(106, 'plain'), virtiofs: [] }, vm(107, 'closed'))).toEqual(
    [],
  );
});

const notesOf = (source: Partial<SourceDirectory>, more: Partial<MoveFindings> = {}, handles = false) => {
  const found = sampleFindings();
  const docker: MoveFindings = {
    ...found.moves.docker!,
    ...more,
    source: { state: 'directory', ...sampleSource, ...source },
  };
  const prom = { ...found.nodes.prom!, ...(handles ? { virtiofsdFileHandles: true } : {}) };
  return planNotes(sampleConfig(), { ...found, nodes: { prom }, moves: { docker } }).join('\n');
};

it('warns from half a million inodes on, with the cure, and no more where it is in place', () => {
  expect(notesOf({ inodes: 500_000 })).not.toContain('virtiofsd');
  expect(notesOf({ inodes: 500_001 })).toMatch(/holds one open file.*prom: docs\/recovery\.md.*wrapper/);
  expect(notesOf({ inodes: 500_001 }, {}, true)).not.toContain('virtiofsd');
});

it('names owners that mean somebody on the source and nobody on the target, in the order of their numbers', () => {
  const unknownOwners = [
    { kind: 'uid' as const, id: 1002, entries: 9, knownOnSource: true },
    { kind: 'uid' as const, id: 999, entries: 8, knownOnSource: false },
    { kind: 'uid' as const, id: 1001, entries: 1, knownOnSource: true },
  ];
  expect(notesOf({}, { unknownOwners })).toContain('that doc1 knows and doc2 does not: uid 1001, uid 1002.');
  expect(notesOf({}, { unknownOwners: unknownOwners.slice(1, 2) })).not.toContain('Owners in');
});

it('says what becomes of sockets and device nodes', () => {
  const special = { fifos: 0, sockets: 2, devices: 1, first: [] };
  expect(notesOf({ special })).toMatch(/sockets in \/mnt\/docker: they are not copied[\s\S]*device nodes/);
  expect(notesOf({})).not.toMatch(/sockets|device nodes/);
});
