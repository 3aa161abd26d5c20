import type { Config } from '../../config/config.ts';
import type { Palette } from '../../errors/palette.ts';
import type { Blocker, Plan, Step } from '../plan.ts';
import { stages } from '../plan.ts';
import { bytes, count, duration, type Standing, stageTitles, typed, wrap } from './words.ts';

const signs = { 'in-place': '=', 'to-do': '+', unknown: '?' } as const;

/**
 * The plan for a terminal: what, where, the exact command or call, why, what is downtime, what cannot be taken back.
 * @param options `next: false` where the plan is about to be applied anyway
 */
export function planAsText(
  plan: Plan,
  config: Config,
  standing: Standing,
  palette: Palette,
  options: { readonly next?: boolean } = {},
): string {
  const lines: string[] = [palette.bold(`drayage plan ${plan.id}`), ''];
  for (const move of Object.values(config.moves)) {
    const size = plan.estimates[move.name];
    const amount =
      size === undefined ? '' : `   ${count(size.entries, 'entry', 'entries')}, ${bytes(size.bytes)}`;
    lines.push(
      `  ${move.from.guest}:${move.from.path}  ->  ${move.to.path}  ->  ${move.to.guest}:${move.from.path}${amount}`,
    );
  }
  lines.push('');
  let number = 0;
  for (const phase of plan.phases) {
    if (plan.phases.length > 1 || phase.after !== undefined) {
      const waits = phase.after === undefined ? '' : `, deferred until ${phase.after} is proven`;
      lines.push(palette.bold(`Phase ${phase.name}${waits}`), '');
    }
    for (const stage of stages) {
      const steps = plan.steps.filter((step) => step.phase === phase.name && step.stage === stage);
      if (steps.length === 0) continue;
      lines.push(palette.bold(stageTitles[stage]) + stageRemark(plan, phase.moves, stage, palette), '');
      for (const step of steps) {
        number += 1;
        lines.push(...stepLines(step, number, standing.get(step.id) ?? 'unknown', config, palette), '');
      }
    }
  }
  lines.push(
    ...plan.notes.flatMap((note) => wrapped('Note: ', note)),
    ...(plan.notes.length > 0 ? [''] : []),
  );
  for (const blocker of plan.blockers) lines.push(...blockerLines(blocker, palette), '');
  lines.push(...summary(plan, standing, palette, options.next ?? true));
  return `${lines.join('\n')}\n`;
}

function stageRemark(plan: Plan, moves: readonly string[], stage: Step['stage'], palette: Palette): string {
  const sum = (pick: (size: Plan['estimates'][string]) => number) =>
    moves.reduce(
      (total, move) => total + (plan.estimates[move] === undefined ? 0 : pick(plan.estimates[move])),
      0,
    );
  if (stage === 'seed') return `, likely about ${duration(sum((size) => size.seedSeconds))}`;
  if (stage !== 'cutover') return '';
  return palette.warn(`: the downtime, likely about ${duration(sum((size) => size.windowSeconds))}`);
}

export function stepLines(
  step: Step,
  number: number,
  standing: keyof typeof signs,
  config: Config,
  palette: Palette,
): string[] {
  const paint = standing === 'in-place' ? palette.dim : standing === 'to-do' ? palette.good : palette.warn;
  const lines = [
    `  ${paint(signs[standing])} ${String(number).padStart(2)}  ${paint(step.title)}${standing === 'in-place' ? palette.dim('  (in place)') : ''}`,
  ];
  if (standing === 'in-place') return lines;
  lines.push(...wrap(step.why, 92).map((line) => `        ${palette.dim(line)}`));
  for (const operation of step.operations) {
    const shown = typed(operation, apiHost(config, step));
    const [first = '', ...more] = shown.command.split('\n');
    lines.push(`          ${palette.dim(`${shown.host}$`)} ${first}`);
    lines.push(...more.map((line) => `              ${palette.dim('|')} ${line}`));
    if (shown.file !== undefined)
      lines.push(
        ...shown.file
          .trimEnd()
          .split('\n')
          .map((line) => `              ${palette.dim('|')} ${line}`),
      );
  }
  if (step.byHand !== undefined) {
    lines.push(
      '        By hand:',
      ...step.byHand
        .trimEnd()
        .split('\n')
        .map((line) => `              ${palette.dim('|')} ${line}`),
    );
  }
  const guards = new Set(
    step.operations.flatMap((operation) => (operation.guards ?? []).map((guard) => guard.what)),
  );
  for (const guard of guards) lines.push(`          ${palette.dim(`only while ${guard}`)}`);
  for (const check of step.proof) lines.push(`          ${palette.dim('then')} ${check.what}`);
  if (step.irreversible !== undefined)
    lines.push(`        ${palette.warn('No way back:')} ${step.irreversible}`);
  return lines;
}

/** The node that an operator would type pvesh on. */
export function apiHost(config: Config, step: Step): string {
  const move = step.move === undefined ? undefined : config.moves[step.move];
  const share =
    move === undefined ? config.shares[step.id.split(' ').slice(1).join(' ')] : config.shares[move.to.share];
  return share?.node ?? Object.keys(config.nodes)[0] ?? 'node';
}

export function blockerLines(blocker: Blocker, palette: Palette): string[] {
  return [
    `${palette.bad('Blocked:')} ${blocker.seen}  ${palette.dim(`[${blocker.code}]`)}`,
    ...wrap(blocker.meaning, 96).map((line) => `  ${line}`),
    ...blocker.next.map((next) => `    ${palette.bold('->')} ${next}`),
  ];
}

export function wrapped(head: string, text: string): string[] {
  return wrap(text, 96).map((line, index) => (index === 0 ? head + line : ' '.repeat(head.length) + line));
}

function summary(plan: Plan, standing: Standing, palette: Palette, next: boolean): string[] {
  const tally = (state: string) =>
    plan.steps.filter((step) => (standing.get(step.id) ?? 'unknown') === state).length;
  const todo = tally('to-do') + tally('unknown');
  const window = Object.values(plan.estimates).reduce((sum, size) => sum + size.windowSeconds, 0);
  const head = `Plan ${plan.id}: ${todo} to do, ${tally('in-place')} in place`;
  if (plan.blockers.length > 0)
    return [palette.bad(`${head}, ${count(plan.blockers.length, 'blocker')}. Nothing can be applied.`)];
  if (todo === 0) return [palette.good(`${head}. Nothing to do.`)];
  const open = plan.steps.some((step) => step.stage === 'cutover' && standing.get(step.id) !== 'in-place');
  return [
    `${head}.${open ? ` Downtime likely about ${duration(window)}.` : ''}`,
    ...(next ? [`Next: ${palette.bold('drayage apply')}`] : []),
  ];
}
