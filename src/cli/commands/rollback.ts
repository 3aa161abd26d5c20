import { join } from 'node:path';
import { openMarks } from '../../apply/marks.ts';
import { observe } from '../../apply/observe.ts';
import { openRun, stateFolder } from '../../apply/run-folder.ts';
import type { MoveConfig } from '../../config/config.ts';
import { exitCode } from '../../errors/exit-code.ts';
import type { Findings } from '../../inspect/findings.ts';
import { refuseJourney } from '../../maintenance/perform.ts';
import type { Plan } from '../../plan/plan.ts';
import { rollbackAsText, writtenLines } from '../../plan/render/rollback.ts';
import { count } from '../../plan/render/words.ts';
import { cutoverSnapshot } from '../../plan/share-layout.ts';
import type { Choice, RollbackFacts } from '../../plan/way-back/facts.ts';
import { makeRollback, movesToTakeBack, wasHandedOver } from '../../plan/way-back/make-rollback.ts';
import { rollbackError } from '../../rollback/errors.ts';
import { readRollbackFacts } from '../../rollback/look.ts';
import { performedSteps } from '../../rollback/performed.ts';
import { readCutovers } from '../../rollback/recorded.ts';
import { performRollback, refuseOthers } from '../../rollback/rollback.ts';
import type { RollbackReport } from '../../verify/report.ts';
import { askAtGate } from '../ask-at-gate.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { writeReport } from '../report.ts';
import { type Session, withSession } from '../session.ts';
import { showError } from '../show-error.ts';
import { packageVersion } from '../version.ts';

interface RollbackOptions {
  readonly move?: string;
  readonly phase?: string;
  readonly carryBack?: boolean;
  readonly discard?: boolean;
  readonly yes?: boolean;
  readonly window?: number;
}

export const rollback: Action = (globals, given) =>
  withSession(globals, async (session) => {
    const options = given as RollbackOptions;
    const { config, terminal } = session;
    const wanted = movesWanted(session, options);
    const choice: Choice | undefined = options.carryBack
      ? 'carry-back'
      : options.discard
        ? 'discard'
        : undefined;
    const findings = await session.inspect();
    const facts = await readFacts(session, findings, wanted);
    const moves = movesToTakeBack(config, findings, facts, {
      moves: wanted,
      ...(choice === undefined ? {} : { choice }),
    }).map(({ name }) => name);
    const handedOver = moves.filter((move) => wasHandedOver(findings, move));
    if (choice === undefined && handedOver.length > 0)
      throw choiceWanted(session, options, handedOver, facts);
    const plan = makeRollback(
      config,
      findings,
      facts,
      { moves: wanted, ...(choice === undefined ? {} : { choice }) },
      packageVersion(),
    );
    session.say('Looking which steps are in place ...');
    const standing = await observe(plan, await session.looking(plan));
    const written = new Map(handedOver.map((move) => [move, facts.moves[move]?.written]));
    if (terminal.json)
      terminal.out.write(`${JSON.stringify({ type: 'plan', plan, written: Object.fromEntries(written) })}\n`);
    else
      terminal.err.write(
        rollbackAsText(plan, {
          config,
          standing,
          written,
          palette: terminal.talk,
          ...(choice === undefined ? {} : { choice }),
        }),
      );
    if (plan.blockers.length > 0)
      throw usageError('apply/blocked', {
        seen: terminal.json
          ? plan.blockers.map((blocker) => blocker.seen).join('\n')
          : `rollback ${plan.id}: ${count(plan.blockers.length, 'blocker')}, named above`,
        next: terminal.json
          ? [...new Set(plan.blockers.flatMap((blocker) => blocker.next))]
          : ['settle what is named above, then the same command again'],
      });
    if (plan.steps.length === 0) return exitCode.done;
    const again = commandAgain(options);
    if (!(await mayBegin(session, options, plan, again))) return exitCode.done;
    const run = await openRun(config.file, plan, findings);
    try {
      const { world, compared } = session.world(run, plan);
      const result = await performRollback({
        plan,
        world,
        moves,
        again,
        gate: (gate) => askAtGate(session.terminal, world.sink, plan, gate, options.window),
      });
      if (result.error !== undefined) showError(result.error, terminal);
      else if (result.exitCode === exitCode.rolledBack && !terminal.json)
        terminal.out.write(`${closing(handedOver)}\n`);
      if (result.exitCode === exitCode.rolledBack)
        await writeReport({
          session,
          plan,
          run,
          world,
          compared,
          result,
          rollback: rollbackReport(session, plan, facts, { moves, handedOver, choice }),
        });
      return result.exitCode;
    } finally {
      await run.close();
    }
  });

function movesWanted({ config }: Session, options: RollbackOptions): string[] {
  const moves = Object.keys(config.moves);
  if (options.carryBack && options.discard)
    throw usageError('usage/two-choices', {
      seen: '--carry-back and --discard',
      next: ['drayage rollback --carry-back', 'drayage rollback --discard'],
    });
  if (options.move !== undefined) {
    if (moves.includes(options.move)) return [options.move];
    throw usageError('usage/unknown-move', {
      seen: `--move ${options.move}; there is ${moves.join(', ')}`,
      next: moves.map((move) => `drayage rollback --move ${move}`),
    });
  }
  if (options.phase === undefined) return moves;
  const phase = config.phases.find(({ name }) => name === options.phase);
  if (phase !== undefined) return [...phase.moves];
  throw usageError('usage/unknown-phase', {
    seen: `--phase ${options.phase}; there is ${config.phases.map(({ name }) => name).join(', ')}`,
    next: config.phases.map(({ name }) => `drayage rollback --phase ${name}`),
  });
}

async function readFacts(session: Session, findings: Findings, moves: string[]): Promise<RollbackFacts> {
  const { config, hosts } = session;
  const marks = (await openMarks(join(stateFolder(config.file), 'marks.json'))).get();
  refuseJourney(marks);
  refuseOthers(marks, moves);
  session.say('Looking what was done, and what was written since ...');
  return readRollbackFacts({
    config,
    findings,
    hosts,
    moves,
    performed: await performedSteps(config.file),
    recorded: await readCutovers(config.file, marks),
    window: (move) => (marks.window?.begun ?? []).filter((begun) => begun.move === move),
  });
}

/** Law 9: what was written since is shown first, and the choice is the operator's, by name. */
function choiceWanted(
  session: Session,
  options: RollbackOptions,
  moves: readonly string[],
  facts: RollbackFacts,
): Error {
  const seen = moves.flatMap((name) => {
    const move = session.config.moves[name];
    const written = facts.moves[name]?.written;
    return [
      `${name} was handed over to ${move?.to.guest ?? 'its target'}`,
      ...(written === undefined ? ['what was written since is not known'] : writtenLines(written)),
    ];
  });
  const command = commandAgain(options);
  return rollbackError('rollback/choice', {
    seen: seen.join('\n'),
    next: [
      `${command} --carry-back   # copies it back, and proves it`,
      `${command} --discard      # goes back to what was there; a snapshot keeps the rest`,
    ],
  });
}

function commandAgain(options: RollbackOptions): string {
  return [
    'drayage rollback',
    ...(options.move === undefined ? [] : ['--move', options.move]),
    ...(options.phase === undefined ? [] : ['--phase', options.phase]),
    ...(options.carryBack ? ['--carry-back'] : []),
    ...(options.discard ? ['--discard'] : []),
  ].join(' ');
}

async function mayBegin(
  session: Session,
  options: RollbackOptions,
  plan: Plan,
  again: string,
): Promise<boolean> {
  const { terminal } = session;
  if (options.yes === true) return true;
  if (!terminal.interactive)
    throw usageError('usage/no-terminal', {
      seen: `rollback ${plan.id} has ${count(plan.steps.length, 'step')} to do`,
      next: [`${again} --yes`],
    });
  const answer = await terminal.ask('Begin? You are asked again before a downtime. [y/N] ');
  if (/^y(es)?$/i.test(answer)) return true;
  terminal.err.write('Nothing was done.\n');
  return false;
}

function rollbackReport(
  { config }: Session,
  plan: Plan,
  facts: RollbackFacts,
  done: {
    readonly moves: readonly string[];
    readonly handedOver: readonly string[];
    readonly choice: Choice | undefined;
  },
): RollbackReport {
  const snapshots = (name: string) =>
    plan.steps
      .filter(({ id }) => id === `keep ${name}`)
      .flatMap(({ operations }) => operations)
      .flatMap((operation) => (operation.kind === 'run' ? [operation.argv.at(-1) as string] : []));
  return {
    ...(done.choice === undefined || done.handedOver.length === 0 ? {} : { choice: done.choice }),
    moves: done.moves.map((name) => {
      const move = config.moves[name] as MoveConfig;
      const written = facts.moves[name]?.written;
      const cutover = `${config.shares[move.to.share]?.dataset}@${cutoverSnapshot(move)}`;
      return {
        move: name,
        ...(written === undefined
          ? {}
          : { written: { added: written.added, changed: written.changed, gone: written.gone } }),
        kept: done.handedOver.includes(name) ? [cutover, ...snapshots(name)] : [],
      };
    }),
    left: [...plan.notes],
  };
}

function closing(handedOver: readonly string[]): string {
  return handedOver.length === 0
    ? 'Rolled back. What is left behind is named above.'
    : `Rolled back: ${handedOver.join(', ')} on the source again. To take away what was prepared on the target: drayage rollback. To move again: drayage apply.`;
}
