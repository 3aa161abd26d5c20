import type { Report } from '../../src/verify/report.ts';
import { checkWriterLog } from '../services/writer-log.ts';

/** What happened to the log of the container that never stops writing. */
export interface WriterOverMove {
  readonly linesLost: number;
  readonly linesDoubled: number;
  /** Torn, with a wrong checksum, or out of order. */
  readonly linesBad: number;
  /** Written on the old guest, before the move. */
  readonly linesBefore: number;
  /** Written on the new guest so far. */
  readonly linesAfter: number;
  /** The new log begins with the old one, byte by byte: the old guest wrote nothing after the copy. */
  readonly continues: boolean;
}

/**
 * @param source the log as it lies on the old guest
 * @param target the log as the new guest sees it, read while its writer goes on
 */
export function writerOverMove(source: Buffer, target: Buffer): WriterOverMove {
  const before = checkWriterLog(source);
  const now = checkWriterLog(target);
  return {
    linesLost: now.lost + Math.max(0, before.lines - now.lines),
    linesDoubled: now.doubled,
    linesBad: now.bad,
    linesBefore: before.lines,
    linesAfter: Math.max(0, now.lines - before.lines),
    continues: target.subarray(0, source.length).equals(source),
  };
}

/** What the demo measured, beside what drayage reports itself. */
export interface Measured {
  readonly drayage: Pick<
    Report,
    | 'plan'
    | 'differences'
    | 'files'
    | 'entries'
    | 'bytes'
    | 'windowSeconds'
    | 'expectedWindowSeconds'
    | 'evidence'
  >;
  /** Names of the containers that ran on doc1 before, and that run on doc2 and on doc1 now. */
  readonly containers: {
    readonly before: readonly string[];
    readonly target: readonly string[];
    readonly source: readonly string[];
  };
  readonly writer: WriterOverMove;
  /** Seconds of each act of the demo, and of the whole. */
  readonly seconds: Readonly<Record<string, number>>;
}

/** `.lab/report.json`. */
export interface DemoReport {
  readonly differences: number;
  readonly files: number;
  readonly entries: number;
  readonly bytes: number;
  /** null: drayage reported no window. */
  readonly windowSeconds: number | null;
  /** What was projected before it. */
  readonly expectedWindowSeconds: number | null;
  readonly containers: {
    readonly expected: number;
    readonly running: number;
    readonly missing: readonly string[];
    readonly stillOnSource: readonly string[];
  };
  readonly writer: WriterOverMove;
  readonly plan: string;
  readonly seconds: Readonly<Record<string, number>>;
  /** drayage's own folder of the run: plan, findings, journal, manifests, report. */
  readonly evidence: string;
}

export function demoReport({ drayage, containers, writer, seconds }: Measured): DemoReport {
  const { before, target, source } = containers;
  return {
    differences: drayage.differences,
    files: drayage.files,
    entries: drayage.entries,
    bytes: drayage.bytes,
    windowSeconds: drayage.windowSeconds ?? null,
    expectedWindowSeconds: drayage.expectedWindowSeconds ?? null,
    containers: {
      expected: before.length,
      running: before.filter((name) => target.includes(name)).length,
      missing: before.filter((name) => !target.includes(name)),
      stillOnSource: before.filter((name) => source.includes(name)),
    },
    writer,
    plan: drayage.plan,
    seconds: Object.fromEntries(
      Object.entries(seconds).map(([act, value]) => [act, Math.round(value * 10) / 10]),
    ),
    evidence: drayage.evidence,
  };
}

/** Files that doc1 has at least, so that a comparison of nothing is not taken for a proof. */
export const fewestFiles = 5000;

/** Everything in a report that is not as it must be, as sentences. Empty: the migration was good. */
export function shortcomings(report: DemoReport): string[] {
  const { containers, writer } = report;
  const when = (wrong: boolean, text: string) => (wrong ? [text] : []);
  return [
    ...when(report.differences !== 0, `Source and target have ${report.differences} differences.`),
    ...when(report.files < fewestFiles, `Only ${report.files} files were compared, not ${fewestFiles}.`),
    ...when(report.windowSeconds === null, 'drayage reported no downtime, so there was no cutover.'),
    ...when(containers.expected === 0, 'No container ran on doc1 before the move.'),
    ...when(containers.missing.length > 0, `Not running on doc2: ${containers.missing.join(', ')}.`),
    ...when(
      containers.stillOnSource.length > 0,
      `Still running on doc1: ${containers.stillOnSource.join(', ')}.`,
    ),
    ...when(writer.linesLost > 0, `The writer's log lost ${writer.linesLost} lines.`),
    ...when(writer.linesDoubled > 0, `The writer's log has ${writer.linesDoubled} lines twice.`),
    ...when(writer.linesBad > 0, `The writer's log has ${writer.linesBad} damaged lines.`),
    ...when(writer.linesAfter === 0, 'The writer has written nothing on doc2.'),
    ...when(
      !writer.continues,
      'The log on doc2 does not begin with the one on doc1: doc1 wrote after the copy.',
    ),
  ];
}
