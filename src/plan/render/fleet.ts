import type { Palette } from '../../errors/palette.ts';
import { differenceOf } from '../fleet/difference.ts';
import type { FleetFileEdit } from '../fleet/write-hosts.ts';
import type { Plan } from '../plan.ts';

/** The change of a file as a difference, and how it was proven. */
export function fleetAsText(plan: Plan, edit: FleetFileEdit, palette: Palette): string {
  const hunk = differenceOf(edit.before, edit.after);
  const lines = [palette.bold(`${edit.path}: ${edit.attribute}`), ''];
  if (hunk !== undefined) {
    lines.push(palette.dim(`@@ line ${hunk.from} @@`));
    for (const { sign, text } of hunk.lines) {
      const line = `${sign}${text}`;
      lines.push(sign === '+' ? palette.good(line) : sign === '-' ? palette.bad(line) : line);
    }
    lines.push('');
  }
  for (const step of plan.steps) lines.push(step.why);
  lines.push(...plan.notes, '');
  return lines.join('\n');
}
