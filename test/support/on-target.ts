import type { Findings, UnitFindings } from '../../src/inspect/findings.ts';
import { notedIn, parseRescue } from '../../src/plan/rescue.ts';
import { sampleFindings } from './sample.ts';

/** The sample's world, where the target has these units, and an earlier run has left this note. */
export function onTarget(units: readonly UnitFindings[], note?: string): Findings {
  const found = sampleFindings();
  const doc2 = found.guests.doc2!;
  const noted = note === undefined ? {} : { noted: notedIn(parseRescue(note, 'docker')!) };
  return {
    ...found,
    guests: { ...found.guests, doc2: { ...doc2, system: { ...doc2.system!, units } } },
    moves: { docker: { ...found.moves.docker!, ...noted } },
  };
}
