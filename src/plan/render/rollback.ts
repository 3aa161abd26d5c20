import type { Config } from '../../config/config.ts';
import type { Palette } from '../../errors/palette.ts';
import type { Plan } from '../plan.ts';
import type { Choice, Written } from '../way-back/facts.ts';
import { blockerLines, stepLines, wrapped } from './text.ts';
import { bytes, count, duration, type Standing } from './words.ts';

interface View {
  readonly config: Config;
  readonly standing: Standing;
  /** By move: those that were handed over. */
  readonly written: ReadonlyMap<string, Written | undefined>;
  readonly choice?: Choice;
  readonly palette: Palette;
}

/** The way back for a terminal: what was written since, each step, what it leaves behind, and what cannot be taken back. */
export function rollbackAsText(plan: Plan, view: View): string {
  const { config, palette, standing, written } = view;
  const lines = [palette.bold(`drayage rollback ${plan.id}`), ''];
  const moves = plan.phases.flatMap((phase) => phase.moves);
  for (const name of moves) {
    const move = config.moves[name];
    if (move === undefined) continue;
    const what = !written.has(name)
      ? `was not handed over: what drayage made for it is taken back`
      : `goes back to ${move.from.guest}; what ${move.to.guest} wrote is ${view.choice === 'carry-back' ? 'carried back' : 'discarded, and kept in a snapshot'}`;
    lines.push(
      `  ${palette.bold(name)} ${what}`,
      ...writtenLines(written.get(name)).map((line) => `    ${line}`),
    );
  }
  lines.push('');
  for (const [index, step] of plan.steps.entries())
    lines.push(...stepLines(step, index + 1, standing.get(step.id) ?? 'unknown', config, palette), '');
  lines.push(
    ...plan.notes.flatMap((note) => wrapped('Left behind: ', note)),
    ...(plan.notes.length > 0 ? [''] : []),
  );
  for (const blocker of plan.blockers) lines.push(...blockerLines(blocker, palette), '');
  lines.push(summary(plan, palette));
  return `${lines.join('\n')}\n`;
}

/** `Since the hand-over: 3 entries added, 1 changed, none gone`, and the first names. */
export function writtenLines(written: Written | undefined): string[] {
  if (written === undefined) return [];
  const { added, changed, gone, more, first } = written;
  const number = (entries: number) => (entries === 0 ? 'none' : entries.toLocaleString('en-US'));
  return [
    `Since the hand-over${more ? ', at least' : ''}: ${added === 0 ? 'no entry' : count(added, 'entry', 'entries')} added, ${number(changed)} changed, ${number(gone)} gone`,
    ...first.map((name) => `  ${name}`),
  ];
}

function summary(plan: Plan, palette: Palette): string {
  if (plan.blockers.length > 0)
    return palette.bad(
      `Rollback ${plan.id}: ${count(plan.blockers.length, 'blocker')}. Nothing can be done.`,
    );
  if (plan.steps.length === 0) return palette.good(`Rollback ${plan.id}: nothing to take back.`);
  const sizes = Object.values(plan.estimates);
  const window = sizes.reduce((sum, size) => sum + size.windowSeconds, 0);
  const data = sizes.reduce((sum, size) => sum + size.bytes, 0);
  const down = plan.steps.some(({ stage }) => stage === 'cutover');
  return `Rollback ${plan.id}: ${count(plan.steps.length, 'step')}.${down ? ` Downtime likely about ${duration(window)}, for ${bytes(data)}.` : ' No downtime.'}`;
}
