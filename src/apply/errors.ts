import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const applyErrors = {
  'apply/guard': {
    meaning: 'What must hold before this operation does not hold. The operation was not performed.',
    exit: exitCode.refused,
  },
  'apply/unguarded-delete': {
    meaning:
      'A pass that deletes needs guards that look at the mount and the marker of the share. Nothing was copied.',
    exit: exitCode.refused,
  },
  'apply/needs': {
    meaning: 'A step that this one stands on is not in place.',
    exit: exitCode.refused,
  },
  'apply/by-hand': {
    meaning: "This step is the operator's: drayage does not change what another system owns.",
    exit: exitCode.partial,
  },
  'apply/blocked': {
    meaning: 'A plan with blockers is not applied.',
    exit: exitCode.refused,
  },
  'apply/no-note': {
    meaning:
      'The note in the share that tells how the workloads of the move ran could not be read. Without it, what ran before the window is not known.',
    exit: exitCode.refused,
  },
  'apply/command-failed': {
    meaning: 'The command ended with an exit code that does not count as done.',
    exit: exitCode.failed,
  },
  'apply/not-known': {
    meaning:
      'The operation needs a value that an earlier step finds out, and that step was not done in this run.',
    exit: exitCode.partial,
  },
  'apply/changed-meanwhile': {
    meaning: 'The file is not the one that the plan was made from.',
    exit: exitCode.drifted,
  },
  'apply/no-secret': {
    meaning: 'The value that the operation needs could not be read. The operation was not performed.',
    exit: exitCode.failed,
  },
  'apply/not-proven': {
    meaning: 'The operations were performed, and what must hold after them does not hold.',
    exit: exitCode.failed,
  },
  'apply/difference': {
    meaning: 'Source and target are not the same.',
    exit: exitCode.differenceFound,
  },
  'apply/unreadable-output': {
    meaning: 'A tool answered in a shape that is not known. Nothing is concluded from it.',
    exit: exitCode.failed,
  },
  'apply/not-a-plan': {
    exit: exitCode.usage,
    meaning: 'The file is not a plan that `drayage plan --out`, or a run, has written.',
  },
  'apply/released': {
    exit: exitCode.refused,
    meaning:
      'The move is released: its target may write. Its source is no longer as it was left, stopped and fenced; two writers must not be. Nothing was changed.',
  },
  'apply/locked': {
    meaning: 'Only one run at a time may change what this configuration describes.',
    exit: exitCode.locked,
  },
  'apply/journal-unreadable': {
    meaning:
      'A line of the journal, other than a torn last one, is not what drayage writes: the file was changed or damaged.',
    exit: exitCode.failed,
  },
  'apply/state-unreadable': {
    meaning: 'The file is not what drayage writes: it was changed or damaged.',
    exit: exitCode.failed,
  },
  'apply/interrupted': {
    meaning:
      'The run was stopped on request; what was done stays done, and the next run looks again and goes on.',
    exit: exitCode.interrupted,
  },
} satisfies ErrorCatalogue;

export const applyError = errorsOf(applyErrors);
