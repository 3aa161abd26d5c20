import type { Config } from '../../config/config.ts';
import type { Palette } from '../../errors/palette.ts';
import type { Plan } from '../plan.ts';
import { blockerLines, stepLines, wrapped } from './text.ts';
import { count, type Standing } from './words.ts';

/** The plan of `drayage guest new` and `guest integrate` for a terminal. */
export function guestAsText(
  plan: Plan,
  view: {
    readonly config: Config;
    readonly command: string;
    readonly standing: Standing;
    readonly palette: Palette;
  },
): string {
  const { config, command, standing, palette } = view;
  const lines = [palette.bold(`${command}: plan ${plan.id}`), ''];
  for (const [index, step] of plan.steps.entries())
    lines.push(...stepLines(step, index + 1, standing.get(step.id) ?? 'unknown', config, palette), '');
  lines.push(
    ...plan.notes.flatMap((note) =>
      note.includes('\n') ? note.trimEnd().split('\n') : wrapped('Note: ', note),
    ),
    ...(plan.notes.length > 0 ? [''] : []),
  );
  for (const blocker of plan.blockers) lines.push(...blockerLines(blocker, palette), '');
  const open = plan.steps.filter((step) => standing.get(step.id) !== 'in-place').length;
  const head = `Plan ${plan.id}: ${count(open, 'step')} to do, ${plan.steps.length - open} in place`;
  if (plan.blockers.length > 0)
    lines.push(palette.bad(`${head}, ${count(plan.blockers.length, 'blocker')}. Nothing can be done.`));
  else lines.push(open === 0 ? palette.good(`${head}. Nothing to do.`) : `${head}.`);
  return `${lines.join('\n')}\n`;
}
