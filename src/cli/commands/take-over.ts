import { join } from 'node:path';
import { openMarks } from '../../apply/marks.ts';
import { openRun, stateFolder } from '../../apply/run-folder.ts';
import { type Begun, readBegun, strangers, takeOver } from '../../apply/take-over.ts';
import { exitCode } from '../../errors/exit-code.ts';
import { makePlan } from '../../plan/make-plan.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { type Session, withSession } from '../session.ts';
import { packageVersion } from '../version.ts';

export const takeOverCommand: Action = (globals, given) =>
  withSession(globals, async (session) => {
    const { config, terminal, hosts } = session;
    const findings = await session.inspect();
    const marks = (await openMarks(join(stateFolder(config.file), 'marks.json'))).get();
    const version = packageVersion();
    const moves = strangers(config, findings, makePlan(config, findings, version), marks);
    if (moves.length === 0) {
      terminal.err.write('Nothing to take over: no move was begun that this folder does not know.\n');
      return exitCode.done;
    }
    const begun = await readBegun(moves, { config, findings, hosts, version });
    for (const each of begun) terminal.err.write(`${told(session, each)}\n`);
    if (!(await agreed(session, given.yes === true))) return exitCode.done;
    for (const each of begun) {
      const run = await openRun(config.file, each.plan, each.findings);
      try {
        await takeOver(each, run, new Date());
      } finally {
        await run.close();
      }
    }
    const names = begun.map(({ move }) => move).join(', ');
    if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'taken-over', moves: names })}\n`);
    else
      terminal.out.write(
        `Taken over: ${names}. To go on: drayage apply. To go back: drayage rollback. To look: drayage status\n`,
      );
    return exitCode.done;
  });

function told({ config }: Session, { move, state }: Begun): string {
  const { from, to } = config.moves[move] ?? { from: { guest: '' }, to: { guest: '' } };
  return state === 'open'
    ? `${move}: its workloads are fenced on ${from.guest}, and nothing was released. They may be down.`
    : `${move}: handed over to ${to.guest}.`;
}

/** Two controllers would each take the other's work for a stranger's. */
async function agreed({ terminal }: Session, yes: boolean): Promise<boolean> {
  if (yes) return true;
  const question =
    'the drayage that began this must not be at work any more, and its folder not be used again';
  if (!terminal.interactive)
    throw usageError('usage/no-terminal', { seen: question, next: ['drayage take-over --yes'] });
  const answer = await terminal.ask(`Take over? Mind that ${question}. [y/N] `);
  if (/^y(es)?$/i.test(answer)) return true;
  terminal.err.write('Nothing was done.\n');
  return false;
}
