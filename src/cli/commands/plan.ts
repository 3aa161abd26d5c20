import { writeFile } from 'node:fs/promises';
import { observe } from '../../apply/observe.ts';
import { exitCode } from '../../errors/exit-code.ts';
import type { Plan } from '../../plan/plan.ts';
import { planAsMarkdown } from '../../plan/render/markdown.ts';
import { planAsText } from '../../plan/render/text.ts';
import type { Standing } from '../../plan/render/words.ts';
import type { Action } from '../program.ts';
import { withSession } from '../session.ts';

export const plan: Action = (globals, options) =>
  withSession(globals, async (session) => {
    const { config, terminal } = session;
    const made = await session.plan(await session.inspect());
    session.say('Looking which steps are in place ...');
    const standing = await observe(made, await session.looking(made));
    const pending = made.steps.some((step) => standing.get(step.id) !== 'in-place');
    const format = globals.json ? 'json' : String(options.format);
    terminal.out.write(printed(made, standing, format, { config, pending, palette: terminal.palette }));
    if (typeof options.out === 'string') {
      await writeFile(options.out, `${JSON.stringify(made, undefined, 2)}\n`, { mode: 0o600 });
      terminal.err.write(`Wrote ${options.out}. To do exactly this: drayage apply ${options.out}\n`);
    }
    if (made.blockers.length > 0) return exitCode.refused;
    return pending && options.detailedExitcode === true ? exitCode.changesPending : exitCode.done;
  });

type View = {
  config: Parameters<typeof planAsText>[1];
  pending: boolean;
  palette: Parameters<typeof planAsText>[3];
};

function printed(made: Plan, standing: Standing, format: string, view: View): string {
  if (format === 'json') {
    return `${JSON.stringify({ type: 'plan', changes: view.pending, standing: Object.fromEntries(standing), plan: made })}\n`;
  }
  if (format === 'markdown') return planAsMarkdown(made, view.config, standing);
  return planAsText(made, view.config, standing, view.palette);
}
