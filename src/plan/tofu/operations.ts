import type { Check, Operation } from '../operation.ts';
import type { Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { hasDigest } from '../steps/checks.ts';

const controller = 'controller';

/** A file as it shall be, and the SHA-256 of what is there now; absent: nothing is. */
export interface FileWrite {
  readonly path: string;
  readonly text: string;
  readonly textSha256: string;
  readonly seenSha256?: string;
}

/** Writes files that were looked at before, each only if it is still what was seen. */
export function writeFiles(files: readonly FileWrite[], title: string, drayage: string): Plan {
  return planOf(fileSteps(files, title), drayage);
}

/** A step for each of the files. */
export function fileSteps(files: readonly FileWrite[], title: string): Step[] {
  return files.map((file) => {
    const there = hasDigest(controller, file.path, file.textSha256, `${file.path} is what is written`);
    const absent: Check = {
      kind: 'run',
      host: controller,
      argv: ['test', '!', '-e', file.path],
      expect: { exitCode: 0 },
      what: `${file.path} is not there yet`,
    };
    return step(
      `write ${file.path}`,
      title,
      [
        {
          kind: 'write',
          host: controller,
          path: file.path,
          content: file.text,
          mode: '0644',
          guards: [
            file.seenSha256 === undefined
              ? absent
              : hasDigest(
                  controller,
                  file.path,
                  file.seenSha256,
                  `${file.path} is what it was when it was read`,
                ),
          ],
          what: `write ${file.path}`,
        },
      ],
      [there],
    );
  });
}

/** Operations of one step that is not a move's. */
export function operationsPlan(id: string, title: string, operations: Operation[], drayage: string): Plan {
  return planOf([step(id, title, operations)], drayage);
}

/** `init`: fetches the provider and writes the lock file. */
export function initPlan(command: string, folder: string, drayage: string): Plan {
  const argv = [command, `-chdir=${folder}`, 'init', '-input=false', '-no-color'];
  return planOf(
    [
      step('tofu init', 'Initialise the folder', [
        { kind: 'run', host: controller, argv, what: argv.join(' ') },
      ]),
    ],
    drayage,
  );
}

/** Applies one plan file, which must be the one that was judged. */
export function applyPlanFile(
  given: { command: string; folder: string; planFile: string; sha256: string; lockSeconds: number },
  drayage: string,
): Plan {
  const { command, folder, planFile, sha256, lockSeconds } = given;
  const argv = [
    command,
    `-chdir=${folder}`,
    'apply',
    '-input=false',
    '-no-color',
    `-lock-timeout=${lockSeconds}s`,
    planFile,
  ];
  return planOf(
    [
      step('tofu apply', 'Apply the plan', [
        {
          kind: 'run',
          host: controller,
          argv,
          guards: [hasDigest(controller, planFile, sha256, 'the plan file is the one that was looked at')],
          what: `${command} apply`,
        },
      ]),
    ],
    drayage,
  );
}

function step(id: string, title: string, operations: Operation[], proof: Check[] = []): Step {
  return {
    id,
    phase: 'tofu',
    stage: 'prepare',
    title,
    why: 'The files of the fleet say what the cluster has.',
    needs: [],
    probe: proof,
    operations,
    proof,
    undo: [],
  };
}

function planOf(steps: Step[], drayage: string): Plan {
  const made = {
    format: 1 as const,
    drayage,
    phases: [{ name: 'tofu', moves: [] }],
    steps,
    blockers: [],
    notes: [],
  };
  return { ...made, id: planId(made), estimates: {} };
}
