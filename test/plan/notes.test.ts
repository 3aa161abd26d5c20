import { expect, it } from 'vitest';
import type { Findings, VmSummary } from '../../src/inspect/findings.ts';
import { planNotes } from '../../src/plan/notes.ts';
import { sampleConfig, sampleFindings } from '../support/sample.ts';

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
