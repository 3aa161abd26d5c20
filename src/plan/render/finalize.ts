import type { Config } from '../../config/config.ts';
import type { Palette } from '../../errors/palette.ts';
import type { Findings } from '../../inspect/findings.ts';
import type { FinalizeFacts } from '../finalize/facts.ts';
import type { Plan } from '../plan.ts';
import { blockerLines, stepLines, wrapped } from './text.ts';
import { bytes, count, type Standing } from './words.ts';

interface View {
  readonly config: Config;
  readonly findings: Findings;
  readonly facts: FinalizeFacts;
  readonly move: string;
  readonly standing: Standing;
  readonly palette: Palette;
}

const atimes: Record<string, string> = {
  noatime: 'its file system keeps no access times (noatime)',
  relatime: 'by access times that are kept once a day (relatime); the proof read it too',
  strictatime: 'by exact access times; the proof read it too',
};

/** What would be deleted, how much it is, when it was last used, and each command. */
export function finalizeAsText(plan: Plan, view: View): string {
  const { config, facts, findings, palette, standing } = view;
  const move = config.moves[view.move];
  const source = findings.moves[view.move]?.source;
  const lines = [palette.bold(`drayage finalize ${plan.id}`), ''];
  if (move !== undefined && source?.state === 'directory')
    lines.push(
      `  ${palette.bold(`${move.from.guest}:${move.from.path}`)}   ${count(source.entries, 'entry', 'entries')}, ${bytes(source.allocatedBytes)}`,
    );
  if (facts.provenAt !== undefined) lines.push(`    proven         ${facts.provenAt}`);
  if (facts.source !== undefined) {
    const { newest, atime } = facts.source;
    if (newest === undefined) lines.push('    nothing but directories is left');
    else
      lines.push(
        `    last written   ${newest.written}, last changed ${newest.changed}`,
        `    last read      ${newest.read}, ${atimes[atime ?? ''] ?? 'how its file system keeps access times is not known'}`,
      );
  }
  lines.push('');
  for (const [index, step] of plan.steps.entries())
    lines.push(...stepLines(step, index + 1, standing.get(step.id) ?? 'unknown', config, palette), '');
  lines.push(
    ...plan.notes.flatMap((note) => wrapped('Note: ', note)),
    ...(plan.notes.length > 0 ? [''] : []),
  );
  for (const blocker of plan.blockers) lines.push(...blockerLines(blocker, palette), '');
  if (plan.blockers.length > 0)
    lines.push(
      palette.bad(`Finalize ${plan.id}: ${count(plan.blockers.length, 'blocker')}. Nothing is deleted.`),
    );
  return `${lines.join('\n')}\n`;
}
