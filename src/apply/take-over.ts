import type { Config, MoveConfig, ShareConfig } from '../config/config.ts';
import type { Findings } from '../inspect/findings.ts';
import { makePlan } from '../plan/make-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { findingsThen, parseRescue } from '../plan/rescue.ts';
import { moveLayout } from '../plan/share-layout.ts';
import type { Hosts } from '../ssh/host.ts';
import { applyError } from './errors.ts';
import type { Marks } from './marks.ts';
import type { RunFolder } from './run-folder.ts';

/** A move that another controller has begun, as its note in the share tells of it. */
export interface Begun {
  readonly move: string;
  /** `open`: its workloads are fenced and nothing is released; `handed-over`: the target may write, or might. */
  readonly state: 'open' | 'handed-over';
  readonly plan: Plan;
  readonly findings: Findings;
}

/** Moves whose window has begun, and of which these marks know nothing. */
export function strangers(config: Config, findings: Findings, plan: Plan, marks: Marks): MoveConfig[] {
  const fenced = new Set(
    plan.blockers.flatMap(({ code, move }) => (code === 'plan/fence-without-record' ? [move] : [])),
  );
  return Object.values(config.moves).filter(
    ({ name }) =>
      marks.cutovers[name] === undefined &&
      (fenced.has(name) || findings.moves[name]?.target?.handedOver === true),
  );
}

/** Reads the note of each move and makes its plan again. Looks only. @throws apply/no-note */
export async function readBegun(
  moves: readonly MoveConfig[],
  known: { readonly config: Config; readonly findings: Findings; readonly hosts: Hosts; version: string },
): Promise<Begun[]> {
  const { config, findings, hosts, version } = known;
  const found: Begun[] = [];
  for (const move of moves) {
    const share = config.shares[move.to.share] as ShareConfig;
    const file = moveLayout(share.path, move.name).rescue;
    const read = await hosts(share.node).run(['cat', file], { timeoutSeconds: 60 });
    const rescue = read.exitCode === 0 ? parseRescue(read.stdout.toString('utf8'), move.name) : undefined;
    const then = rescue === undefined ? undefined : findingsThen(config, findings, move, rescue);
    if (then === undefined)
      throw applyError('apply/no-note', {
        seen: `${file} on ${share.node}: ${read.exitCode === 0 ? (rescue === undefined ? 'not a note of this move' : 'a guest of it was not reached') : read.stderr.toString('utf8').trim()}`,
        next: ['drayage inspect', 'docs/recovery.md, "Who may write?"'],
      });
    const state = findings.moves[move.name]?.target?.handedOver === true ? 'handed-over' : 'open';
    found.push({ move: move.name, state, plan: makePlan(config, then, version), findings: then });
  }
  return found;
}

/**
 * Makes this controller's state know the move: its cutover is that of `run`, and a window that nothing was released from
 * is open, to be gone on with or taken back.
 */
export async function takeOver(begun: Begun, run: RunFolder, now: Date): Promise<void> {
  const { move, plan } = begun;
  const before = run.marks.get();
  const marks = { ...before, cutovers: { ...before.cutovers, [move]: run.name } };
  if (begun.state === 'handed-over') return run.marks.set(marks);
  const steps = plan.steps.filter(({ id }) => id === `fence ${move}` || id === `stop ${move}`);
  const opened = before.window ?? {
    phase: steps[0]?.phase ?? '',
    plan: plan.id,
    run: run.name,
    openedAt: now.toISOString(),
    // How long they are down already is not known here.
    downSince: now.toISOString(),
    begun: [],
    released: [],
  };
  const window = {
    ...opened,
    begun: [...opened.begun, ...steps.map(({ id, undo }) => ({ step: id, move, undo: [...undo] }))],
  };
  return run.marks.set({ ...marks, window });
}
