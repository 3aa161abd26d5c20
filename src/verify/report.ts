import type { Difference } from './compare-entry.ts';
import type { DigestAlgorithm } from './digest.ts';
import type { TopCount } from './tops.ts';

/** What a run proved, in numbers. Written as report.json; the demo and the tests read it. */
export interface Report {
  readonly format: 1;
  readonly plan: string;
  /** ISO time of the controller. */
  readonly writtenAt: string;
  /** Total over all moves. */
  readonly differences: number;
  readonly files: number;
  readonly entries: number;
  readonly bytes: number;
  /** Downtime as it was measured; absent when no window was opened in this run. */
  readonly windowSeconds?: number;
  /** What was projected before it. */
  readonly expectedWindowSeconds?: number;
  readonly containers?: {
    readonly expected: number;
    readonly running: number;
    readonly missing: readonly string[];
  };
  readonly moves: readonly MoveReport[];
  /** Of a way back: what became of what the target had written. */
  readonly rollback?: RollbackReport;
  /** Folder with plan, findings, journal and manifests. */
  readonly evidence: string;
}

export interface RollbackReport {
  /** Absent: nothing was handed over, what drayage had made was taken back. */
  readonly choice?: 'carry-back' | 'discard';
  readonly moves: readonly {
    readonly move: string;
    /** Entries that were not as the snapshot of the cutover had them, before anything was done. */
    readonly written?: { readonly added: number; readonly changed: number; readonly gone: number };
    /** Snapshots that keep both sides: what the source had, and what the target had written. */
    readonly kept: readonly string[];
  }[];
  /** What stays behind. */
  readonly left: readonly string[];
}

export interface MoveReport {
  readonly move: string;
  readonly scope: 'changed' | 'full' | 'sample';
  /** How contents were compared. */
  readonly algorithm?: DigestAlgorithm;
  /** What each directory at the top holds. */
  readonly tops?: readonly TopCount[];
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
  readonly filesRead: number;
  readonly bytesRead: number;
  readonly attributesCompared: boolean;
  /** How the last copy went, where one was made. */
  readonly pass?: PassReport;
  readonly sockets: readonly string[];
  readonly differences: number;
  /** The first of them. */
  readonly first: readonly Difference[];
  readonly source: { readonly host: string; readonly path: string };
  readonly target: { readonly host: string; readonly path: string };
  /** The sample that the target guest read through its mount. */
  readonly inside?: {
    readonly host: string;
    readonly path: string;
    readonly files: number;
    readonly differing: readonly string[];
    /** Entries that nobody has touched since the last copy, as the guest lists them, and names at the top. */
    readonly entries: number;
    readonly tops: number;
    /** Of the entries that were proven: touched, or removed, by the target's workloads since. */
    readonly touched: number;
    /** Names at the top below which it does not list what the node has. */
    readonly unlike: readonly string[];
  };
}

/** The last copy of a move, from a source at rest. */
export interface PassReport {
  readonly how: 'change-list' | 'full-pass';
  /** Why everything was passed over. */
  readonly because?: string | undefined;
  /** Names in the list. */
  readonly listed?: number | undefined;
  readonly changed: number;
  readonly deleted: number;
  readonly bytes: number;
  readonly seconds: number;
}

const digestNames: Readonly<Record<DigestAlgorithm, string>> = {
  xxh128: 'XXH128',
  blake3: 'BLAKE3',
  sha256: 'SHA-256',
};

const howMuch: Readonly<Record<MoveReport['scope'], string>> = {
  full: 'every file read on both sides',
  changed: 'exactly what the last copy carried read on both sides',
  sample: 'a sample of the files read on both sides',
};

/** Differences and sockets that are listed one by one; the rest is counted. */
export const listed = 1000;

export function buildReport(
  facts: Omit<Report, 'format' | 'differences' | 'files' | 'entries' | 'bytes'>,
): Report {
  const sum = (of: (move: MoveReport) => number) => facts.moves.reduce((total, move) => total + of(move), 0);
  return {
    format: 1,
    plan: facts.plan,
    writtenAt: facts.writtenAt,
    differences: sum((move) => move.differences),
    files: sum((move) => move.files),
    entries: sum((move) => move.entries),
    bytes: sum((move) => move.bytes),
    ...(facts.windowSeconds === undefined ? {} : { windowSeconds: facts.windowSeconds }),
    ...(facts.expectedWindowSeconds === undefined
      ? {}
      : { expectedWindowSeconds: facts.expectedWindowSeconds }),
    ...(facts.containers === undefined ? {} : { containers: facts.containers }),
    moves: facts.moves,
    ...(facts.rollback === undefined ? {} : { rollback: facts.rollback }),
    evidence: facts.evidence,
  };
}

/** A cell of a Markdown table: a name may hold what Markdown reads as a column or as markup. */
function cell(text: string): string {
  return text.replace(/[\\`*_|<>[\]]/g, '\\$&');
}

function moveSection(move: MoveReport): string[] {
  const lines = [
    `## ${move.move}`,
    '',
    `${move.source.host}:${move.source.path} and ${move.target.host}:${move.target.path}, ${
      howMuch[move.scope]
    }.`,
    '',
    `- ${move.entries} entries, ${move.files} files, ${move.bytes} bytes; ${move.filesRead} files (${move.bytesRead} bytes) compared by ${digestNames[move.algorithm ?? 'sha256']}`,
    ...(move.pass === undefined ? [] : [passLine(move.pass)]),
    move.attributesCompared
      ? '- ACLs, xattrs and capabilities compared'
      : '- ACLs, xattrs and capabilities **not** compared: a side has no `getfattr`',
    '- times compared to the nanosecond, those of directories to the second',
  ];
  if (move.sockets.length > 0) lines.push(`- sockets, not compared: ${move.sockets.map(cell).join(', ')}`);
  if (move.inside !== undefined) {
    const { host, path, files, differing, entries, touched, tops, unlike } = move.inside;
    const said =
      differing.length === 0
        ? 'as the node has them'
        : `${differing.length} differ: ${differing.map(cell).join(', ')}`;
    lines.push(
      `- ${files} files read inside ${host} through ${path}: ${said}`,
      `- ${entries} entries below ${tops} names at the top listed inside ${host}: ${unlike.length === 0 ? 'as the node has them' : unlike.map(cell).join(', ')}; ${touched} touched since the copy`,
    );
  }
  lines.push(`- differences: **${move.differences}**`, '');
  if (move.first.length > 0) {
    lines.push('| path | what | source | target |', '| --- | --- | --- | --- |');
    for (const { path, what, source, target } of move.first) {
      lines.push(`| ${cell(path)} | ${what} | ${cell(source)} | ${cell(target)} |`);
    }
    if (move.differences > move.first.length)
      lines.push('', `... and ${move.differences - move.first.length} more.`);
    lines.push('');
  }
  return lines;
}

function passLine({ how, because, listed, changed, deleted, seconds }: PassReport): string {
  const what =
    how === 'change-list'
      ? `by a list of ${listed} names`
      : `over the whole tree, because ${cell(because ?? 'the plan says so')}`;
  return `- last copy ${what}: ${changed} carried, ${deleted} deleted, ${seconds.toFixed(1)} s`;
}

function rollbackSection({ choice, moves, left }: RollbackReport): string[] {
  const became = { 'carry-back': 'carried back to the source', discard: 'discarded, and kept in a snapshot' };
  return [
    '## Rolled back',
    '',
    choice === undefined
      ? 'Nothing had been handed over: what drayage had made was taken back.'
      : `What the target had written was ${became[choice]}.`,
    '',
    ...moves.map(({ move, written, kept }) => {
      const entries =
        written === undefined
          ? ''
          : `: ${written.added} added, ${written.changed} changed, ${written.gone} gone since the hand-over`;
      return `- ${cell(move)}${entries}${kept.length === 0 ? '' : `; kept in ${kept.map((name) => `\`${name}\``).join(', ')}`}`;
    }),
    ...left.map((note) => `- left behind: ${cell(note)}`),
    '',
  ];
}

export function reportMarkdown(report: Report): string {
  const lines = ['# Report', '', `Plan \`${report.plan}\`, written ${report.writtenAt}.`, ''];
  lines.push(`- differences: **${report.differences}**`, `- ${report.files} files, ${report.bytes} bytes`);
  if (report.windowSeconds !== undefined) {
    const projected =
      report.expectedWindowSeconds === undefined
        ? ''
        : `; projected ${Math.round(report.expectedWindowSeconds)} s`;
    lines.push(`- downtime: ${report.windowSeconds.toFixed(1)} s${projected}`);
  }
  if (report.containers !== undefined) {
    const { expected, running, missing } = report.containers;
    lines.push(
      `- containers: ${running} of ${expected} running${missing.length > 0 ? `; missing: ${missing.join(', ')}` : ''}`,
    );
  }
  lines.push(`- evidence: \`${report.evidence}\``, '');
  if (report.rollback !== undefined) lines.push(...rollbackSection(report.rollback));
  return [...lines, ...report.moves.flatMap(moveSection)].join('\n');
}
