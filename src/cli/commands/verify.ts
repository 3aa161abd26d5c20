import { proveAgain } from '../../apply/prove-again.ts';
import { openRun } from '../../apply/run-folder.ts';
import { type ExitCode, exitCode } from '../../errors/exit-code.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { writeReport } from '../report.ts';
import { withSession } from '../session.ts';

export const verify: Action = (globals, options) =>
  withSession(globals, async (session) => {
    const { config, terminal } = session;
    const moves = Object.keys(config.moves);
    const only = options.move as string | undefined;
    if (only !== undefined && !moves.includes(only)) {
      throw usageError('usage/unknown-move', {
        seen: `--move ${only}; there is ${moves.join(', ')}`,
        next: moves.map((move) => `drayage verify --move ${move}`),
      });
    }
    const findings = await session.inspect();
    const plan = await session.plan(findings);
    const proofs = plan.steps.filter(
      (step) => step.id.startsWith('prove ') && (only === undefined || step.move === only),
    );
    const waiting = proofs.filter((step) => findings.moves[step.move as string]?.target?.released !== true);
    if (proofs.length === 0 || waiting.length > 0) {
      throw usageError('verify/not-moved', {
        seen:
          waiting.length > 0
            ? `not moved yet: ${waiting.map((step) => step.move).join(', ')}`
            : 'no move can be seen as a whole',
        next: ['drayage status', 'drayage apply'],
      });
    }
    const run = await openRun(config.file, plan, findings);
    try {
      const { world, compared } = session.world(run, plan);
      world.sink({ type: 'run-started', run: world.runName, plan: plan.id, steps: proofs.length });
      let code: ExitCode = exitCode.failed;
      try {
        const sample = options.sample as number | undefined;
        const failed = await proveAgain(proofs, sample === undefined ? world : { ...world, sample });
        const report = await writeReport({ session, plan, run, world, compared });
        if (failed === undefined) code = exitCode.done;
        else {
          terminal.err.write(`${failed}\n`);
          if ((report?.differences ?? 0) > 0) code = exitCode.differenceFound;
        }
      } finally {
        world.sink({ type: 'run-finished', exitCode: code });
      }
      return code;
    } finally {
      await run.close();
    }
  });
