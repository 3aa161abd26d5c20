import type { Amount, Event } from '../apply/events.ts';
import { type Stage, stages } from '../plan/plan.ts';

/** Where a run stands. Times are seconds since the epoch. */
export interface Standing {
  readonly run?: string;
  readonly plan?: string;
  readonly started?: number;
  readonly finished?: number;
  readonly exitCode?: number;
  readonly stage?: Stage;
  readonly step?: { readonly number: number; readonly of: number };
  readonly work?: { readonly what: string; readonly files: Amount; readonly bytes: Amount };
  /** When something last moved. */
  readonly moved?: number;
  readonly waiting: boolean;
  readonly windowOpen: boolean;
  readonly window?: { readonly seconds: number; readonly expected?: number };
  readonly projected?: number;
  /** By move: what the last comparison found. */
  readonly differences: Readonly<Record<string, number>>;
  /** When a proof last ended without a difference. */
  readonly proven?: number;
}

export const atRest: Standing = { waiting: false, windowOpen: false, differences: {} };

/** The standing after an event. @param now seconds since the epoch */
export function standingAfter(standing: Standing, event: Event, now: number): Standing {
  switch (event.type) {
    case 'run-started':
      return { ...atRest, run: event.run, plan: event.plan, started: now, moved: now };
    case 'step-started': {
      const { work: _over, ...rest } = standing;
      return { ...rest, stage: event.stage, step: { number: event.number, of: event.of }, moved: now };
    }
    case 'progress': {
      const { what, files, bytes } = event;
      const before = standing.work;
      const same =
        before?.what === what && before.files.done === files.done && before.bytes.done === bytes.done;
      return { ...standing, work: { what, files, bytes }, ...(same ? {} : { moved: now }) };
    }
    case 'step-finished': {
      const proven = standing.stage === 'prove' && event.outcome === 'done' ? { proven: now } : {};
      return { ...standing, ...proven, moved: now };
    }
    case 'gate':
      return { ...standing, projected: event.expectedWindowSeconds, moved: now };
    case 'waiting':
      return { ...standing, waiting: true, moved: now };
    case 'window-opened':
      return { ...standing, waiting: false, windowOpen: true, moved: now };
    case 'window-closed': {
      const { seconds, expectedSeconds } = event;
      const window = { seconds, ...(expectedSeconds === undefined ? {} : { expected: expectedSeconds }) };
      return { ...standing, windowOpen: false, window, moved: now };
    }
    case 'compared':
      return { ...standing, differences: { ...standing.differences, [event.move]: event.differences } };
    case 'run-finished':
      return { ...standing, waiting: false, exitCode: event.exitCode, finished: now };
    case 'operation-started':
    case 'operation-finished':
      return { ...standing, waiting: false, moved: now };
    case 'message':
      return standing;
  }
}

type Sample = readonly [value: number | undefined, labels?: Readonly<Record<string, string>>];

/**
 * The text format of Prometheus, version 0.0.4: base units, no timestamps (node_exporter's textfile collector refuses
 * them), a metric without a value left out.
 */
export function exposition(standing: Standing): string {
  const { work, step, run, plan } = standing;
  const at = work === undefined ? {} : { work: work.what };
  const family = (name: string, help: string, ...samples: Sample[]): string => {
    const lines = samples.flatMap(([value, labels]) =>
      value === undefined ? [] : [`drayage_${name}${labelsText(labels)} ${value}`],
    );
    if (lines.length === 0) return '';
    return [`# HELP drayage_${name} ${help}`, `# TYPE drayage_${name} gauge`, ...lines, ''].join('\n');
  };
  return [
    family('run_info', 'The run and its plan.', [
      run === undefined ? undefined : 1,
      { run: run ?? '', plan: plan ?? '' },
    ]),
    family('run_active', '1 while the run goes on, 0 after it.', [standing.finished === undefined ? 1 : 0]),
    family('run_start_timestamp_seconds', 'When the run began.', [standing.started]),
    family('run_end_timestamp_seconds', 'When the run ended.', [standing.finished]),
    family('run_exit_code', 'Exit code of the run, when it has ended.', [standing.exitCode]),
    family(
      'stage',
      '1 for the stage of the step at hand, 0 for the others.',
      ...stages.map((stage): Sample => [standing.stage === stage ? 1 : 0, { stage }]),
    ),
    family('step', 'Number of the step at hand.', [step?.number]),
    family('steps', 'Steps of the run.', [step?.of]),
    family('work_files', 'Entries that the work at hand has done.', [work?.files.done, at]),
    family('work_files_expected', 'Entries that it has to do.', [work?.files.total, at]),
    family('work_bytes', 'Bytes that the work at hand has done.', [work?.bytes.done, at]),
    family('work_bytes_expected', 'Bytes that it has to do.', [work?.bytes.total, at]),
    family('last_progress_timestamp_seconds', 'When something last moved.', [standing.moved]),
    family('waiting', '1 while a person is waited for.', [standing.waiting ? 1 : 0]),
    family('window_open', '1 while workloads are down.', [standing.windowOpen ? 1 : 0]),
    family('window_projected_seconds', 'Downtime as projected before it.', [
      standing.window?.expected ?? standing.projected,
    ]),
    family('window_last_seconds', 'Downtime of the last window of the run.', [standing.window?.seconds]),
    family(
      'differences',
      'Differences that the last comparison of a move found.',
      ...Object.entries(standing.differences).map(([move, found]): Sample => [found, { move }]),
    ),
    family('proven_timestamp_seconds', 'When the last proof ended without a difference.', [standing.proven]),
  ].join('');
}

/** In a label value a backslash, a quote and a line feed are escaped; anything else may stand in it. */
function labelsText(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
