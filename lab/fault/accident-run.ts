import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Accident, forgetFaults } from './accidents.ts';
import { type Ended, runDrayage } from './drayage.ts';
import { apply } from './killed.ts';
import { type Point, pointAt, pointNamed, pointsOf } from './points.ts';
import { notBegun, type Row } from './row.ts';
import type { Stage } from './stage.ts';

/** Without a word about the downtime: drayage stops before it. */
const toTheGate = ['apply', '--yes'];

/**
 * One migration in which one accident after the other happens, each is settled, and drayage is run again. A row is good
 * when drayage said what it should, and the run after it came to the next accident, or to the end.
 */
export async function accidentAfterAccident(stage: Stage, wanted: readonly Accident[]): Promise<Row[]> {
  const { say, laws } = stage;
  const points = pointsOf(await stage.plan());
  const rows: Row[] = [];
  let open: Row | undefined;
  const close = (change: Partial<Row>) => {
    if (open === undefined) return;
    const row = { ...open, ...change, broken: laws.broken() };
    rows.push(row);
    say(`${row.operation}, ${row.fault}: ${row.wrong ?? row.note ?? 'went on'}`);
    open = undefined;
  };
  const left: Row[] = [];
  for (const accident of wanted) {
    stage.signal.throwIfAborted();
    if (stage.late()) {
      left.push(notBegun(accident.operation, accident.fault));
      continue;
    }
    const { ended, happened } = await meet(stage, accident, points);
    if (happened) close({ resumed: open?.resumed === 'no' ? 'yes' : (open?.resumed ?? 'yes') });
    else close({ resumed: 'no', wrong: `the next run: ${told(ended)}` });
    const unsettled = await accident.settle?.(stage).then(
      () => undefined,
      (error: Error) => `it could not be settled: ${error.message}`,
    );
    const right = happened && isRight(accident, ended) && unsettled === undefined;
    const byHand = accident.settle === undefined ? {} : { resumed: 'by hand' as const };
    open = {
      operation: accident.operation,
      fault: accident.fault,
      resumed: 'no',
      broken: [],
      ...byHand,
      note: told(ended),
      ...(right ? {} : { wrong: unsettled ?? (happened ? expected(accident) : 'it did not happen') }),
    };
    if (!right) say(ended.said.slice(-3000));
  }
  for (let tries = 1; ; tries += 1) {
    stage.signal.throwIfAborted();
    const ended = await runDrayage(stage.lab, stage.gate, apply);
    if (ended.exitCode === 0) {
      close({ resumed: open?.resumed === 'by hand' ? 'by hand' : 'yes' });
      return [...rows, ...left];
    }
    say(`to the end: ${told(ended)}\n${ended.said.slice(-3000)}`);
    if (tries === 3) {
      close({ resumed: 'no', wrong: `the next runs: ${told(ended)}` });
      return [...rows, ...left];
    }
  }
}

const expected = ({ exits, error }: Accident) =>
  `expected exit code ${exits.join(' or ')}${error === undefined ? '' : `, ${error.source}`}`;

function isRight({ exits, error }: Accident, ended: Ended): boolean {
  const { exitCode, next } = ended;
  if (exitCode === undefined || !exits.includes(exitCode)) return false;
  return (
    exitCode === 0 || (ended.error !== undefined && error?.test(ended.error) === true && next.length > 0)
  );
}

const told = ({ exitCode, error }: Ended) =>
  `exit code ${exitCode}${error === undefined ? '' : `, ${error}`}`;

async function meet(
  stage: Stage,
  accident: Accident,
  points: readonly Point[],
): Promise<{ ended: Ended; happened: boolean }> {
  const { lab, gate } = stage;
  const point = pointNamed(accident.operation, points);
  accident.arm?.(stage);
  let happened = false;
  const ended = await runDrayage(
    lab,
    gate,
    accident.until === 'gate' ? toTheGate : apply,
    async (waiting) => {
      if (happened || pointAt(waiting.intent, [point]) === undefined) return 'go';
      happened = (await accident.at?.(stage, waiting)) ?? false;
      // What the API holds is told by the accident itself, or by nobody.
      if (happened && waiting.kind === 'request') return 'silence';
      return 'go';
    },
  );
  const faults = JSON.parse(
    readFileSync(join(lab.paths.pve, 'faults.json'), { encoding: 'utf8', flag: 'a+' }) || '[]',
  );
  if (accident.arm !== undefined) happened = faults.length === 0;
  forgetFaults(stage);
  gate.clear('drop');
  return { ended, happened };
}
