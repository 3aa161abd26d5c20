import { join } from 'node:path';
import { openMarks } from '../../apply/marks.ts';
import { observe } from '../../apply/observe.ts';
import { applyPlan } from '../../apply/run.ts';
import { openRun, stateFolder } from '../../apply/run-folder.ts';
import type { MoveConfig, ShareConfig } from '../../config/config.ts';
import { exitCode } from '../../errors/exit-code.ts';
import { readOldData } from '../../finalize/look.ts';
import type { Findings } from '../../inspect/findings.ts';
import { moveContext } from '../../plan/context.ts';
import type { FinalizeFacts } from '../../plan/finalize/facts.ts';
import { makeFinalize } from '../../plan/finalize/make-finalize.ts';
import type { Plan } from '../../plan/plan.ts';
import { finalizeAsText } from '../../plan/render/finalize.ts';
import { count } from '../../plan/render/words.ts';
import { excludes } from '../../plan/steps/copy.ts';
import { readCutovers } from '../../rollback/recorded.ts';
import { toGoOn } from '../../rollback/rollback.ts';
import { listSnapshots } from '../../zfs/commands.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { type Session, withSession } from '../session.ts';
import { showError } from '../show-error.ts';
import { packageVersion } from '../version.ts';

interface FinalizeOptions {
  readonly move: string;
  readonly confirm?: string;
  readonly dropSnapshots?: boolean;
}

export const finalize: Action = (globals, given) =>
  withSession(globals, async (session) => {
    const options = given as unknown as FinalizeOptions;
    const { config, terminal } = session;
    const move = config.moves[options.move];
    if (move === undefined)
      throw usageError('usage/unknown-move', {
        seen: `--move ${options.move}; there is ${Object.keys(config.moves).join(', ')}`,
        next: Object.keys(config.moves).map((name) => `drayage finalize --move ${name}`),
      });
    const findings = await session.inspect();
    session.say('Looking at what would be deleted ...');
    const facts = await readFacts(session, findings, move);
    const dropSnapshots = options.dropSnapshots === true;
    const plan = makeFinalize(config, findings, facts, { move: move.name, dropSnapshots }, packageVersion());
    const standing = await observe(plan, await session.looking(plan));
    if (terminal.json)
      terminal.out.write(`${JSON.stringify({ type: 'plan', plan, source: facts.source ?? null })}\n`);
    else
      terminal.err.write(
        finalizeAsText(plan, { config, findings, facts, move: move.name, standing, palette: terminal.talk }),
      );
    if (plan.blockers.length > 0)
      throw usageError('apply/blocked', {
        seen: `finalize ${plan.id}: ${count(plan.blockers.length, 'blocker')}${terminal.json ? '' : ', named above'}`,
        next: [...new Set(plan.blockers.flatMap(({ next }) => next))],
      });
    if (!plan.steps.some(({ id }) => standing.get(id) !== 'in-place')) return exitCode.done;
    if (!(await confirmed(session, options, plan))) return exitCode.done;
    const run = await openRun(config.file, plan, findings);
    try {
      const { world } = session.world(run, plan);
      const again = `drayage finalize --move ${move.name}`;
      const result = await applyPlan({
        plan,
        world,
        until: 'finalize',
        gate: async () => 'stay',
        back: { again, settled: async () => {} },
      });
      if (result.error !== undefined) showError(toGoOn(result.error, again), terminal);
      return result.exitCode;
    } finally {
      await run.close();
    }
  });

async function readFacts(session: Session, findings: Findings, move: MoveConfig): Promise<FinalizeFacts> {
  const { config, hosts } = session;
  const marks = (await openMarks(join(stateFolder(config.file), 'marks.json'))).get();
  const recorded = (await readCutovers(config.file, marks)).get(move.name);
  const provenAt = marks.moves[move.name]?.evidence?.at;
  const context = recorded === undefined ? undefined : moveContext(config, recorded.findings, move);
  const seen = findings.moves[move.name]?.source.state === 'directory' && context !== undefined;
  const share = config.shares[move.to.share] as ShareConfig;
  const listed = await hosts(share.node).run(listSnapshots(share.dataset), { timeoutSeconds: 60 });
  const lines = listed.exitCode === 0 ? listed.stdout.toString('utf8').split('\n') : [];
  return {
    ...(recorded === undefined ? {} : { recorded }),
    ...(provenAt === undefined ? {} : { provenAt }),
    ...(seen ? { source: await readOldData(hosts(move.from.guest), move, excludes(context)) } : {}),
    snapshots: lines.flatMap((line) => line.split('\t')[0]?.split('@')[1] ?? []),
  };
}

/** The name of the move, typed: a yes is too easily given. */
async function confirmed(session: Session, options: FinalizeOptions, plan: Plan): Promise<boolean> {
  const { terminal } = session;
  if (options.confirm === options.move) return true;
  if (!terminal.interactive || options.confirm !== undefined)
    throw usageError('usage/no-terminal', {
      seen:
        options.confirm === undefined
          ? `finalize ${plan.id} deletes the old data of ${options.move}`
          : `--confirm ${options.confirm} is not the name of the move`,
      next: [`drayage finalize --move ${options.move} --confirm ${options.move}`],
    });
  const answer = await terminal.ask(
    `Type the name of the move, ${options.move}, to delete its old data; anything else leaves it: `,
  );
  if (answer === options.move) return true;
  terminal.err.write('Nothing was deleted.\n');
  return false;
}
