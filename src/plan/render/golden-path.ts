import type { Config } from '../../config/config.ts';
import type { Palette } from '../../errors/palette.ts';
import type { Journey } from '../golden-path/facts.ts';
import { phaseOf } from '../golden-path/names.ts';
import { type Plan, stages } from '../plan.ts';
import { blockerLines, stepLines, wrapped } from './text.ts';
import { bytes, count, duration, type Standing, stageTitles } from './words.ts';

/** The plan of a maintenance for a terminal: each step with its commands, what is downtime, what is left behind. */
export function maintenanceAsText(
  plan: Plan,
  journey: Journey,
  config: Config,
  standing: Standing,
  palette: Palette,
): string {
  const lines = [palette.bold(`drayage ${phaseOf(journey)}: plan ${plan.id}`), ''];
  for (const [key, { entries, bytes: size }] of Object.entries(plan.estimates))
    lines.push(`  ${key.replace('@', '  ->  ')}   ${count(entries, 'entry', 'entries')}, ${bytes(size)}`);
  lines.push('');
  let number = 0;
  for (const stage of stages) {
    const steps = plan.steps.filter((step) => step.stage === stage);
    if (steps.length === 0) continue;
    lines.push(`${palette.bold(stageTitles[stage])}${remark(plan, stage, palette)}`, '');
    for (const step of steps) {
      number += 1;
      lines.push(...stepLines(step, number, standing.get(step.id) ?? 'unknown', config, palette), '');
    }
  }
  lines.push(
    ...plan.notes.flatMap((note) => wrapped('Note: ', note)),
    ...(plan.notes.length > 0 ? [''] : []),
  );
  for (const blocker of plan.blockers) lines.push(...blockerLines(blocker, palette), '');
  return `${[...lines, summary(plan, standing, palette)].join('\n')}\n`;
}

function sum(plan: Plan, pick: (size: Plan['estimates'][string]) => number): number {
  return Object.values(plan.estimates).reduce((total, size) => total + pick(size), 0);
}

function remark(plan: Plan, stage: string, palette: Palette): string {
  if (stage === 'seed') return `, likely about ${duration(sum(plan, ({ seedSeconds }) => seedSeconds))}`;
  if (stage !== 'cutover') return '';
  const seconds = sum(plan, ({ windowSeconds }) => windowSeconds);
  return palette.warn(`: the downtime, likely about ${duration(seconds)}`);
}

function summary(plan: Plan, standing: Standing, palette: Palette): string {
  const todo = plan.steps.filter(({ id }) => standing.get(id) !== 'in-place').length;
  const head = `Plan ${plan.id}: ${todo} to do, ${plan.steps.length - todo} in place`;
  if (plan.blockers.length > 0)
    return palette.bad(`${head}, ${count(plan.blockers.length, 'blocker')}. Nothing can be done.`);
  return todo === 0 ? palette.good(`${head}. Nothing to do.`) : `${head}.`;
}
