import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan } from '../../src/plan/plan.ts';
import { clearFaults, injectFault } from '../proxmox/fault-injection.ts';
import { type Ended, runDrayage } from './drayage.ts';
import type { Waiting } from './gate.ts';
import { isDeed, type Moment, nameOf, type Point, pointAt, pointsOf, requestOf } from './points.ts';
import { notBegun, type Row } from './row.ts';
import type { Stage } from './stage.ts';

/** Downtime, in seconds, that is accepted without being asked: each kill in the window makes it longer. */
export const apply = ['apply', '--yes', '--window', '3600'];

/** Runs of drayage that may fail, one after the other, before a migration is given up. */
const patience = 3;

/** At which operations drayage is to be killed, and when in each. */
export type Kills = ReadonlyMap<Point, Moment>;

/** The kills of a plan. @param when of an operation's name; undefined: not there */
export function killsOf(plan: Plan, when: (name: string, index: number) => Moment | undefined): Kills {
  return new Map(
    pointsOf(plan).flatMap((point, index) => {
      const moment = when(nameOf(point), index);
      return moment === undefined ? [] : [[point, moment] as const];
    }),
  );
}

/**
 * One migration in which drayage is killed at each of these operations in turn, and run again. A row is good when the run
 * after it came to the next operation, or to the end, by itself.
 */
export async function killedAgainAndAgain(stage: Stage, kills: Kills): Promise<Row[]> {
  const { say, laws } = stage;
  const points = [...kills.keys()];
  const left = new Map(kills);
  const rows: Row[] = [];
  let open: Row | undefined;
  const close = (change: Partial<Row> = {}) => {
    if (open === undefined) return;
    const row = { ...open, ...change, broken: laws.broken() };
    rows.push(row);
    say(`${row.operation}, ${row.fault}: ${row.wrong ?? row.note ?? 'went on'}`);
    open = undefined;
  };
  const troubles: string[] = [];
  for (;;) {
    stage.signal.throwIfAborted();
    if (stage.late()) left.clear();
    const { ended, at } = await untilPoint(stage, left);
    const trouble = troubles.length === 0 ? {} : { wrong: `the next run: ${troubles.join('; ')}` };
    if (at !== undefined) {
      close({ resumed: 'yes', ...trouble });
      troubles.length = 0;
      // What an earlier kill has completed behind drayage's back is not performed again.
      for (const point of points.slice(0, points.indexOf(at))) left.delete(point);
      left.delete(at);
      open = { operation: nameOf(at), fault: `killed ${kills.get(at)}`, resumed: 'no', broken: [] };
    } else if (ended.exitCode === 0) {
      close({ resumed: 'yes', ...trouble });
      return [...rows, ...neverReached(kills, rows, stage.late())];
    } else {
      troubles.push(`exit code ${ended.exitCode}${ended.error === undefined ? '' : ` (${ended.error})`}`);
      say(
        `${open?.operation ?? 'the beginning'}: ${troubles.at(-1)}: ${ended.next.join(' | ')}\n${ended.said.slice(-1500)}`,
      );
      if (troubles.length >= patience) {
        close({ resumed: 'no', wrong: `the next runs: ${troubles.join('; ')}` });
        return rows;
      }
      await sleep(15_000, undefined, { signal: stage.signal });
    }
  }
}

/** Operations that no run came to: the one before had left nothing to do. */
function neverReached(kills: Kills, rows: readonly Row[], late: boolean): Row[] {
  const seen = new Set(rows.map(({ operation }) => operation));
  return [...kills]
    .filter(([point]) => !seen.has(nameOf(point)))
    .map(([point, moment]) => {
      const [operation, fault] = [nameOf(point), `killed ${moment}`];
      if (late) return notBegun(operation, fault);
      const note = 'in place when drayage came to it';
      return { operation, fault, resumed: 'not needed', broken: [], note };
    });
}

/** Runs drayage until it comes to one of the points, and kills it there. */
async function untilPoint(stage: Stage, kills: Kills): Promise<{ ended: Ended; at?: Point }> {
  const { lab, gate } = stage;
  const api = lab.paths.pve;
  for (const [{ operation }, moment] of kills)
    if (operation.kind === 'call') holdCall(api, operation, moment);
  let at: Point | undefined;
  const ended = await runDrayage(lab, gate, apply, async (waiting) => {
    const point = pointAt(waiting.intent, kills.keys());
    const moment = point === undefined ? undefined : kills.get(point);
    if (point === undefined || moment === undefined) return 'go';
    if (!(await stopsHere(stage, waiting, moment))) return 'go';
    at = point;
    return 'kill';
  });
  clearFaults(api);
  // A request that was under way is performed; one that had not left is not.
  gate.clear(at === undefined || kills.get(at) === 'before' ? 'drop' : 'go');
  return { ended, ...(at === undefined ? {} : { at }) };
}

/** A request can only be stopped where it arrives: asked for before the run begins. */
function holdCall(
  api: string,
  operation: Extract<Point['operation'], { kind: 'call' }>,
  moment: Moment,
): void {
  const { method, path, isTask } = requestOf(operation);
  // Those of another operation are let go.
  const held = { answer: 'hold', times: 100 } as const;
  // While a task runs, drayage asks for its state again and again.
  if (isTask && moment === 'during')
    injectFault(api, { ...held, method: 'GET', path: '/nodes/[^/]+/tasks/.*/status', when: 'before' });
  else injectFault(api, { ...held, method, path, when: moment === 'after' ? 'after' : 'before' });
}

/** @returns whether drayage is to be killed now: what waits has come to the moment */
async function stopsHere({ gate }: Stage, waiting: Waiting, moment: Moment): Promise<boolean> {
  // As it is performed now: its words may be others than those of the plan before the first run.
  const { operation } = waiting.intent;
  if (waiting.kind === 'request') return operation.kind === 'call';
  if (moment === 'before') {
    await gate.tell(waiting, 'hold');
    return true;
  }
  if (!isDeed(waiting.command, operation)) return false;
  await gate.tell(waiting, moment);
  // The command is on its way to the host, and begins there.
  if (moment === 'during') await sleep(operation.kind === 'copy' ? 1_000 : 300);
  if (moment === 'during' && operation.kind === 'copy') gate.cut(waiting);
  return true;
}
