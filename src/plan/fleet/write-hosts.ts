import { createHash } from 'node:crypto';
import type { EditedFile } from '../../nix/edited-file.ts';
import type { Check } from '../operation.ts';
import type { Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { hasDigest } from '../steps/checks.ts';
import { differenceOf } from './difference.ts';

/** An edited file of the fleet, not written yet. */
export interface FleetFileEdit extends EditedFile {
  /** How it was proven, where that is not by a value of the file. */
  readonly how?: string;
}

const controller = 'controller';

const evaluatedWords =
  'Nix evaluated the file as it is and as it becomes: only this attribute is another value.';
const writtenWords =
  'This machine has no Nix: by what is written out in the file, only this attribute becomes another value.';

/** Writes a file of the fleet whole, with its mode and owner, and only if it is still the one that was read. Pure. */
export function writeFleetStep(edit: FleetFileEdit): Step {
  const written = holds(edit.path, edit.after, `${edit.path} is as planned`);
  const hunk = differenceOf(edit.before, edit.after);
  const changed = (hunk?.lines ?? []).filter(({ sign }) => sign !== ' ');
  const excerpt = changed.map(({ sign, text }) => `${sign}${text}`).join('\n');
  const write = (content: string, guard: Check, what: string) => ({
    kind: 'write' as const,
    host: controller,
    path: edit.path,
    content,
    mode: edit.mode,
    owner: edit.owner,
    guards: [guard],
    what,
  });
  return {
    id: `fleet ${edit.attribute}`,
    phase: 'fleet',
    stage: 'prepare',
    title: `${edit.attribute} in ${edit.path}`,
    why: edit.how ?? (edit.evaluated ? evaluatedWords : writtenWords),
    needs: [],
    probe: [written],
    operations: [
      {
        ...write(
          edit.after,
          holds(edit.path, edit.before, `${edit.path} is what it was when it was read`),
          `write ${edit.path}`,
        ),
        excerpt,
      },
    ],
    proof: [written],
    undo: [write(edit.before, written, `${edit.path} as it was`)],
  };
}

/** The plan that writes one file of the fleet. */
export function writeFleetPlan(edit: FleetFileEdit, drayage: string): Plan {
  const made = {
    format: 1 as const,
    drayage,
    phases: [{ name: 'fleet', moves: [] }],
    steps: [writeFleetStep(edit)],
    blockers: [],
    notes: [`Nothing is committed: git diff -- ${edit.path} shows the change.`],
  };
  return { ...made, id: planId(made), estimates: {} };
}

function holds(path: string, text: string, what: string): Check {
  return hasDigest(controller, path, createHash('sha256').update(text).digest('hex'), what);
}
