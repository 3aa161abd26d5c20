import type { Config } from '../../config/config.ts';
import type { Operation } from '../operation.ts';
import type { Plan, Step } from '../plan.ts';
import { stages } from '../plan.ts';
import { apiHost } from './text.ts';
import { bytes, count, duration, type Standing, stageTitles, typed } from './words.ts';

/** The plan as a runbook: to review, to commit, and to follow by hand where drayage itself is gone. */
export function planAsMarkdown(plan: Plan, config: Config, standing: Standing): string {
  const lines: string[] = [`# Migration plan \`${plan.id}\``, ''];
  lines.push(
    'Nothing in this document has been done by writing it. Each command names the host on which it runs.',
    '',
  );
  lines.push('## Goals', '');
  for (const move of Object.values(config.moves)) {
    const share = config.shares[move.to.share];
    const size = plan.estimates[move.name];
    lines.push(
      `- Move \`${move.from.guest}:${move.from.path}\`${size === undefined ? '' : ` (${count(size.entries, 'entry', 'entries')}, ${bytes(size.bytes)})`} to \`${move.to.path}\` on \`${share?.node}\`, and its workloads to \`${move.to.guest}\`, where they find it at \`${move.from.path}\` as before.`,
    );
  }
  lines.push('', '## Design decisions', '', '| what | value |', '| --- | --- |');
  for (const share of Object.values(config.shares)) {
    lines.push(
      `| dataset | \`${share.dataset}\` on \`${share.node}\`, mounted at \`${share.path}\` |`,
      `| directory mapping, and virtiofs tag | \`${share.mapping}\` |`,
      `| mount in the guests | \`${share.mount}\` |`,
      `| owner of the top | \`${share.owner.uid}:${share.owner.gid}\`, mode \`${share.mode}\`; nothing below is changed |`,
    );
  }
  lines.push('');
  if (plan.notes.length > 0)
    lines.push('## Current findings to know about', '', ...plan.notes.map((note) => `- ${note}`), '');
  if (plan.blockers.length > 0) {
    lines.push('## Blocked', '', 'Nothing can be applied until these are settled.', '');
    for (const blocker of plan.blockers) {
      lines.push(
        `- **${blocker.seen}** (\`${blocker.code}\`). ${blocker.meaning}`,
        ...blocker.next.map((next) => `  - \`${next}\``),
      );
    }
    lines.push('');
  }
  lines.push('## Steps', '');
  let number = 0;
  for (const phase of plan.phases) {
    const waits = phase.after === undefined ? '' : `, only when phase ${phase.after} is proven`;
    if (plan.phases.length > 1) lines.push(`### Phase ${phase.name}${waits}`, '');
    for (const stage of stages) {
      const steps = plan.steps.filter((step) => step.phase === phase.name && step.stage === stage);
      if (steps.length === 0) continue;
      lines.push(`### ${stageTitles[stage]}${stage === 'cutover' ? downtime(plan, phase.moves) : ''}`, '');
      for (const step of steps) {
        number += 1;
        lines.push(...stepLines(step, number, config, standing), '');
      }
    }
  }
  lines.push(...wayBack(plan, config), ...validation(config));
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

function downtime(plan: Plan, moves: readonly string[]): string {
  const seconds = moves.reduce((sum, move) => sum + (plan.estimates[move]?.windowSeconds ?? 0), 0);
  return `: the downtime, likely about ${duration(seconds)}`;
}

function stepLines(step: Step, number: number, config: Config, standing: Standing): string[] {
  const inPlace = standing.get(step.id) === 'in-place' ? ' (in place)' : '';
  const lines = [`#### ${number}. ${step.title}${inPlace}`, '', step.why, ''];
  if (step.operations.length > 0) lines.push(...commands(step.operations, apiHost(config, step)));
  if (step.byHand !== undefined)
    lines.push('By hand, in the configuration of the guest:', '', '```nix', step.byHand.trimEnd(), '```', '');
  const guards = new Set(
    step.operations.flatMap((operation) => (operation.guards ?? []).map((guard) => guard.what)),
  );
  if (guards.size > 0)
    lines.push(
      'Only while, looked at again right before:',
      '',
      ...[...guards].map((guard) => `- ${guard}`),
      '',
    );
  if (step.proof.length > 0)
    lines.push('It is done when:', '', ...step.proof.map((check) => `- ${check.what}`), '');
  if (step.irreversible !== undefined) lines.push(`**No way back:** ${step.irreversible}`, '');
  return lines;
}

/** Code blocks by host; a file is shown as the command that writes it. */
function commands(operations: readonly Operation[], node: string): string[] {
  const lines: string[] = [];
  let host = '';
  for (const operation of operations) {
    const shown = typed(operation, node);
    if (shown.host !== host) {
      if (host !== '') lines.push('```', '');
      host = shown.host;
      lines.push('```sh', `# on ${host}`);
    }
    lines.push(`# ${operation.what}`);
    if (operation.kind === 'write' && shown.file !== undefined) {
      const end = shown.file.includes('DRAYAGE') ? 'DRAYAGE_END_OF_FILE' : 'DRAYAGE';
      lines.push(
        `install -m ${operation.mode} /dev/stdin ${operation.path} <<'${end}'`,
        ...shown.file.trimEnd().split('\n'),
        end,
      );
    } else {
      lines.push(shown.command.startsWith('write ') ? `# ${shown.command}` : shown.command);
    }
  }
  return host === '' ? lines : [...lines, '```', ''];
}

function wayBack(plan: Plan, config: Config): string[] {
  const lines = ['## Rollback', ''];
  lines.push(
    'The old data lies untouched where it was, behind the fence. Until the release, going back is: take the fence away and start the workloads again. After the release, what the target guest has written since is not in the old data: carry it back, or discard it, knowingly. Stop the workloads on the target guest first, and remove the release from the share, so that they cannot start again there.',
    '',
  );
  for (const step of plan.steps.filter((candidate) => candidate.undo.length > 0).reverse()) {
    lines.push(`To take back "${step.title}":`, '', ...commands(step.undo, apiHost(config, step)));
  }
  return lines;
}

function validation(config: Config): string[] {
  return [
    '## Validation',
    '',
    '- `drayage verify` reads every file of both sides again, content and metadata, and looks from inside the target guest.',
    '- `drayage status` shows where each step stands.',
    ...[...new Set(Object.values(config.moves).map((move) => move.to.guest))].map(
      (guest) => `- \`podman ps\` on \`${guest}\` shows the containers that ran before.`,
    ),
    '',
  ];
}
