import type { Palette } from '../../errors/palette.ts';
import type { ChangedAttribute } from './changed.ts';
import type { Judged, Judgement } from './judge.ts';

const signs: Readonly<Record<Judged['kind'], string>> = {
  create: '+',
  update: '~',
  delete: '-',
  replace: '-/+',
  forget: '.',
  read: '<=',
  none: ' ',
  unknown: '?',
};

/** What a plan would do, for people: names of attributes, and values only where they are harmless. */
export function judgementAsText(judgement: Judgement, allow: readonly string[], palette: Palette): string[] {
  const lines: string[] = [];
  for (const { address, what } of judgement.drift)
    lines.push(palette.warn(`  ! ${address} ${what}, outside of OpenTofu`));
  for (const judged of judgement.changes) lines.push(...changeLines(judged, allow, palette));
  if (judgement.outputs.length > 0) lines.push(`  ~ outputs: ${judgement.outputs.join(', ')}`);
  for (const why of judgement.refused) lines.push(palette.bad(`  refused: ${why}`));
  if (judgement.empty && judgement.refused.length === 0)
    lines.push('OpenTofu has nothing to do: files, state and cluster agree.');
  return lines;
}

function changeLines(judged: Judged, allow: readonly string[], palette: Palette): string[] {
  const { address, kind, importing, movedFrom, changed, refused, restarts, pending } = judged;
  const about = [
    ...(importing === undefined ? [] : [`import ${importing}`]),
    ...(movedFrom === undefined ? [] : [`moved from ${movedFrom}`]),
  ];
  const word = about.length === 0 ? '' : `   (${about.join(', ')})`;
  return [
    `  ${signs[kind]} ${palette.bold(address)}${word}`,
    ...changed.map((one) => `      ${attribute(one)}`),
    ...(restarts.length === 0
      ? []
      : [
          palette.warn(
            `      restarts the machine: ${restarts.join(', ')} (reboot_after_update; without a guest agent a hard power-off)`,
          ),
        ]),
    ...(pending.length === 0
      ? []
      : [palette.dim(`      takes effect when the machine is stopped and started: ${pending.join(', ')}`)]),
    ...refused.map((why) =>
      allow.includes(address) ? palette.warn(`      allowed: ${why}`) : palette.bad(`      refused: ${why}`),
    ),
  ];
}

function attribute({ path, before, after }: ChangedAttribute): string {
  if (before === undefined && after === undefined) return `${path}: changes (its value is not shown)`;
  return `${path}: ${before ?? '(not shown)'} -> ${after ?? '(not shown)'}`;
}
