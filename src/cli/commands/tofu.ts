import { exitCode } from '../../errors/exit-code.ts';
import { writeFiles } from '../../plan/tofu/operations.ts';
import { tofuOf } from '../../stack/files.ts';
import { journeyInTheWay } from '../../stack/journeys.ts';
import { withPlanFolder } from '../../stack/plan.ts';
import { tofuError } from '../../tofu/errors.ts';
import type { Action } from '../program.ts';
import { applyLooked, lookAndPlan, type PlanOptions, stackLook } from '../tofu-run.ts';
import { withTofu } from '../tofu-session.ts';

export const tofuGenerate: Action = (globals, options) =>
  withTofu(globals, async (session) => {
    const { config, terminal } = session;
    tofuOf(config);
    const offline = options.offline === true;
    const look = await stackLook(session, offline ? undefined : await session.cluster());
    for (const note of look.notes) session.say(`Note: ${note}.`);
    const names = look.stale.map(({ path }) => path);
    if (options.check === true && names.length > 0)
      throw tofuError('tofu/stale', { seen: names.join(', '), next: ['drayage tofu generate'] });
    if (names.length > 0)
      await session.perform(writeFiles(look.stale, 'Write the files of OpenTofu', session.drayage));
    if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'generated', written: names })}\n`);
    else if (names.length === 0) terminal.out.write('The generated files are fresh.\n');
    else terminal.out.write(names.map((name) => `Wrote ${name}\n`).join(''));
    return exitCode.done;
  });

interface VerbOptions extends PlanOptions {
  readonly detailedExitcode?: boolean;
}

export const tofuPlan: Action = (globals, given) =>
  withTofu(globals, (session) => {
    const options = given as VerbOptions;
    return withPlanFolder(session.config.file, async (folder) => {
      const { made, cluster } = await lookAndPlan(session, folder, options, 'plan');
      const open = await journeyInTheWay(session.config, cluster, made.judgement);
      if (open !== undefined) session.say(`Note: an apply would be refused: ${open.seen}`);
      return options.detailedExitcode === true && !made.judgement.empty
        ? exitCode.changesPending
        : exitCode.done;
    });
  });

export const tofuApply: Action = (globals, given) =>
  withTofu(globals, (session) => {
    const options = given as PlanOptions;
    return withPlanFolder(session.config.file, async (folder) => {
      const looked = await lookAndPlan(session, folder, options, 'apply');
      const applied = await applyLooked(session, looked, options, 'drayage tofu apply');
      if (applied === 'done') {
        const made = looked.made.judgement.changes.filter(({ kind, vmid }) => kind === 'create' && vmid);
        if (made.length > 0)
          session.say(
            `Note: not started yet: ${made.map(({ vmid }) => `VM ${vmid}`).join(', ')}. drayage guest new NAME takes away the virtiofs devices of the template, and starts it.`,
          );
        const { terminal } = session;
        terminal.out.write(terminal.json ? `${JSON.stringify({ type: 'applied' })}\n` : 'Applied.\n');
      }
      return applied === 'interrupted' ? exitCode.interrupted : exitCode.done;
    });
  });
