import type { Palette } from '../../src/errors/palette.ts';
import { type Plan, stages } from '../../src/plan/plan.ts';
import { duration, stageTitles } from '../../src/plan/render/words.ts';

/** A plan in short: its steps by stage, without their commands. */
export function planOutline(plan: Plan, palette: Palette): string {
  const window = Object.values(plan.estimates).reduce((sum, size) => sum + size.windowSeconds, 0);
  const lines: string[] = [];
  for (const stage of stages) {
    const steps = plan.steps.filter((step) => step.stage === stage);
    if (steps.length === 0) continue;
    const remark =
      stage === 'cutover' ? palette.warn(`: the downtime, likely about ${duration(window)}`) : '';
    lines.push(`  ${palette.bold(stageTitles[stage])}${remark}`);
    for (const step of steps) {
      const number = String(plan.steps.indexOf(step) + 1).padStart(2);
      lines.push(`    ${palette.good(number)}  ${step.title}`);
    }
  }
  return lines.join('\n');
}

/**
 * Everything that a printed plan says of one step; undefined when the plan has no such step.
 * @param plain the plan without colour, in which the step is found
 * @param shown the same plan as it is to be returned
 */
export function stepInFull(plain: string, number: number, shown = plain): string | undefined {
  const lines = plain.split('\n');
  const from = lines.findIndex((line) => new RegExp(`^  [+=?] +${number}  `).test(line));
  if (from < 0) return undefined;
  const length = lines.slice(from).indexOf('');
  return shown
    .split('\n')
    .slice(from, length < 0 ? undefined : from + length)
    .join('\n');
}
