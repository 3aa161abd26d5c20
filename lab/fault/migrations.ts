import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accidentAfterAccident } from './accident-run.ts';
import { accidents } from './accidents.ts';
import { runDrayage } from './drayage.ts';
import { differences, type Facts } from './end-state.ts';
import { apply, killedAgainAndAgain, killsOf } from './killed.ts';
import { observe, sourceListing } from './observe.ts';
import { type Moment, moments, nameOf, pointsOf } from './points.ts';
import { type Reference, readReference, writeReference } from './reference.ts';
import { happened, type Row } from './row.ts';
import { allRun, onStage, type Stage } from './stage.ts';

export interface FaultOptions {
  /** State folder of the labs. */
  readonly folder: string;
  /** Rows to be done, by `operation: fault`. */
  readonly only: RegExp;
  /** Each operation is killed once, not three times. */
  readonly quick: boolean;
  /** Milliseconds; when they are over nothing more is disturbed, and the migration at hand comes to its end. */
  readonly time: number;
  /** Only say which rows there are. */
  readonly list: boolean;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

const wantedBy = (only: RegExp) => (operation: string, fault: string) => only.test(`${operation}: ${fault}`);

/** One migration for each moment; quickly: one for all, in which the moments take turns from operation to operation. */
function killings(quick: boolean): { title: string; when: (index: number) => Moment }[] {
  if (!quick) return moments.map((moment) => ({ title: moment, when: () => moment }));
  return [{ title: 'before, during or after', when: (index) => moments[index % moments.length] as Moment }];
}

/** Commands that only look, and when: before anything was done, or when all was done. */
const looks = [
  { command: 'inspect', when: 'before' },
  { command: 'plan', when: 'before' },
  { command: 'status', when: 'before' },
  { command: 'status', when: 'after' },
  { command: 'verify', when: 'after' },
] as const;
const lookFault = 'looks: does it change anything?';

/** Runs the migrations that the wanted rows belong to. @returns the rows, in their order */
export async function runFaults(options: FaultOptions): Promise<Row[]> {
  const { folder, list, say } = options;
  const wanted = wantedBy(options.only);
  mkdirSync(folder, { recursive: true });
  const known = await readReference(folder);
  const looking = looks.filter(({ command }) => wanted(command, lookFault));
  if (list) return listed(known, wanted);
  const rows: Row[] = [];
  let reference = known;
  if (reference === undefined || looking.length > 0) {
    say('== an undisturbed migration, which the others are compared with');
    const made = await onStage(folder, say, options.signal, (stage) => undisturbed(stage, looking));
    reference = made.reference;
    await writeReference(folder, reference);
    rows.push(...made.rows);
  }
  for (const { title, when } of killings(options.quick)) {
    const wantedWhen = (name: string, index: number) => {
      const moment = when(index);
      return wanted(name, `killed ${moment}`) ? moment : undefined;
    };
    const some = reference.points.filter((name, index) => wantedWhen(name, index) !== undefined);
    if (some.length === 0) continue;
    say(`== drayage is killed ${title} ${some.length} operations of one migration`);
    rows.push(
      ...(await migration(options, reference, async (stage) =>
        killedAgainAndAgain(stage, killsOf(await stage.plan(), wantedWhen)),
      )),
    );
  }
  const mishaps = accidents.filter(({ operation, fault }) => wanted(operation, fault));
  if (mishaps.length > 0) {
    say(`== ${mishaps.length} accidents in one migration`);
    rows.push(...(await migration(options, reference, (stage) => accidentAfterAccident(stage, mishaps))));
  }
  return rows;
}

function listed(known: Reference | undefined, wanted: (operation: string, fault: string) => boolean): Row[] {
  const row = (operation: string, fault: string): Row => ({ operation, fault, resumed: 'no', broken: [] });
  const killed = (moment: Moment) =>
    known?.points.map((name) => row(name, `killed ${moment}`)) ?? [row('each operation', `killed ${moment}`)];
  return [
    ...looks.map(({ command }) => row(command, lookFault)),
    ...moments.flatMap(killed),
    ...accidents.map(({ operation, fault }) => row(operation, fault)),
  ].filter(({ operation, fault }) => wanted(operation, fault));
}

/** One disturbed migration in a fresh lab: its rows, and what its end says about all of them. */
async function migration(
  { folder, say, signal, time }: FaultOptions,
  reference: Reference,
  act: (stage: Stage) => Promise<Row[]>,
): Promise<Row[]> {
  const end = Date.now() + time;
  const late = () => Date.now() > end;
  const play = async (stage: Stage) => {
    const rows = await act(stage);
    if (rows.some(({ resumed }) => resumed === 'no') && !(await cameThrough(stage))) return rows;
    const { facts, broken } = await theEnd(stage);
    const different = differences(reference.facts, facts);
    writeFileSync(join(folder, 'fault', 'end.json'), JSON.stringify(facts, undefined, 1));
    const equal = different.length === 0;
    const whole: Row = {
      operation: 'the end of this migration',
      fault: `${happened(rows)} times disturbed`,
      resumed: 'yes',
      endStateEqual: equal,
      broken,
      ...(equal ? {} : { wrong: different.slice(0, 40).join('\n    ') }),
    };
    return [...rows.map((row) => ({ ...row, endStateEqual: equal })), whole];
  };
  return onStage(folder, say, signal, play, late);
}

/** Does a last run without any fault come to the end? */
async function cameThrough({ lab, gate }: Stage): Promise<boolean> {
  return (await runDrayage(lab, gate, apply)).exitCode === 0;
}

async function theEnd(stage: Stage): Promise<{ facts: Facts; broken: string[] }> {
  const { lab, laws, say } = stage;
  say('looking at the end');
  await allRun(lab, 'doc2');
  const broken = [...laws.broken(), ...(await laws.atTheEnd())];
  return { facts: await observe(lab), broken };
}

/** Everything that a command which only looks must leave as it is. */
async function everything(stage: Stage): Promise<Facts> {
  return { ...(await observe(stage.lab)), source: await sourceListing(stage.lab) };
}

async function undisturbed(
  stage: Stage,
  looking: readonly (typeof looks)[number][],
): Promise<{ rows: Row[]; reference: Reference }> {
  const { lab, gate } = stage;
  const rows: Row[] = [];
  const look = async (when: 'before' | 'after') => {
    const some = looking.filter((candidate) => candidate.when === when);
    if (some.length === 0) return;
    let before = await everything(stage);
    for (const { command } of some) {
      const ran = await runDrayage(lab, gate, [command]);
      const after = await everything(stage);
      const changed = differences(before, after);
      before = after;
      rows.push({
        operation: command,
        fault: lookFault,
        resumed: 'not needed',
        endStateEqual: changed.length === 0,
        broken: stage.laws.broken(),
        note: when === 'before' ? 'before anything was done' : 'when all was done',
        ...(ran.exitCode === 0 && changed.length === 0
          ? {}
          : { wrong: [`exit code ${ran.exitCode}`, ...changed.slice(0, 20)].join('\n    ') }),
      });
    }
  };
  await look('before');
  const plan = await stage.plan();
  const ran = await runDrayage(lab, gate, apply);
  if (ran.exitCode !== 0)
    throw new Error(`the undisturbed migration: exit code ${ran.exitCode}\n${ran.said.slice(-5000)}`);
  await look('after');
  const { facts, broken } = await theEnd(stage);
  if (broken.length > 0)
    throw new Error(`the undisturbed migration broke a law:\n${broken.slice(0, 20).join('\n')}`);
  return { rows, reference: { points: pointsOf(plan).map(nameOf), facts } };
}
