import { directoriesOnly } from '../../copy/bulk/stream-command.ts';
import { connectionOf, inPlaceOf } from '../../copy/rsync-command.ts';
import { quoteArgv } from '../../ssh/quote.ts';
import type { Operation } from '../operation.ts';
import type { Stage } from '../plan.ts';

/** Where the steps of a plan stand in the world, by step id. */
export type Standing = ReadonlyMap<string, 'in-place' | 'to-do' | 'unknown'>;

export const stageTitles: Record<Stage, string> = {
  prepare: 'Prepare',
  seed: 'Seed: the first copy, while everything runs',
  cutover: 'Cutover',
  prove: 'Prove',
  finalize: 'Finalize',
};

/** `12 s`, `3 min`, `2 h 10 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Decimal units, as disks are sold and rsync counts them: `3.7 GB`. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? one : many}`;
}

/** `the same call by hand`: what an operator types on the node for a Proxmox API call (pvesh(1)). */
export function pvesh(operation: Extract<Operation, { kind: 'call' }>): string[] {
  const verb = { POST: 'create', PUT: 'set', DELETE: 'delete' }[operation.method];
  const params = Object.entries(operation.params).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => [`--${key}`, String(one)]),
  );
  return ['pvesh', verb, operation.path, ...params];
}

/** The rsyncs of a list, which run at once. */
function listed(listArgv: readonly string[]): string[] {
  const connection = connectionOf(listArgv)?.argv;
  return [
    ...(connection === undefined ? [] : [`${quoteArgv([...connection, '-M', '-N', '-f'])}`]),
    `${quoteArgv(listArgv)} < (names, NUL-separated)`,
    '# beside it two of these, for files that are there on both sides, with one name and without holes:',
    `${quoteArgv(inPlaceOf(listArgv))} < (names, NUL-separated)`,
  ];
}

/** The rsync commands of a copy, each with a comment that says when it is the one. */
function copyCommands(operation: Extract<Operation, { kind: 'copy' }>): string[] {
  const { pass, argv, partArgv, streamArgv, listArgv, rounds, maxShare, full } = operation;
  const whole = quoteArgv(argv);
  const byList = listed(listArgv);
  if (pass === 'final') {
    const stillDiffers = '# then, when both sides were read and compared, what still differs, by a list:';
    if (full !== undefined) return [`# the whole tree, because ${full}:`, whole, stillDiffers, ...byList];
    return [
      '# exactly what has changed, by a list:',
      ...byList,
      `# before it the whole tree, and both sides read and compared, where the list cannot be trusted or has more than ${maxShare * 100} % of all entries:`,
      whole,
    ];
  }
  const { most = 1, settled = 0, processes = 1 } = rounds ?? {};
  const until = `until at most ${count(settled, 'entry', 'entries')} ${settled === 1 ? 'has' : 'have'} changed, at most ${count(most, 'time')}`;
  if (full !== undefined) return [`# the whole tree, ${until}: ${full}`, whole];
  const several =
    processes < 2 ? '' : `, of a large tree up to ${processes} of these at once, while that is faster`;
  return [
    ...(streamArgv === undefined
      ? ['# first everything:']
      : [
          `# first everything, into a place that is empty${several}:`,
          `${quoteArgv(streamArgv)} < (a part of the tree)`,
          '# and then the directories above these parts:',
          `${quoteArgv(directoriesOnly(streamArgv))} < (names, NUL-separated)`,
          '# or, where something is there already, and after a stream that failed:',
        ]),
    whole,
    ...(partArgv === undefined || processes < 2
      ? []
      : [
          `# or, of a large tree, up to ${processes} of these at once, while that is faster:`,
          `${quoteArgv(partArgv)} < (a part of the tree)`,
        ]),
    `# then, when both sides were read and compared, what differs or has changed, ${until}:`,
    ...byList,
  ];
}

/** An operation as it would be typed: `host` and the lines of one command or one file. */
export function typed(operation: Operation, node: string): { host: string; command: string; file?: string } {
  switch (operation.kind) {
    case 'run': {
      const stdin = operation.stdin;
      const fed =
        stdin === undefined ? '' : ` < ${typeof stdin === 'string' ? '(text)' : `(${stdin.shownAs})`}`;
      return { host: operation.host, command: `${quoteArgv(operation.argv)}${fed}` };
    }
    case 'copy':
      return { host: operation.host, command: copyCommands(operation).join('\n') };
    case 'carry-back': {
      const { host, argv, listing } = operation;
      if (listing === undefined) return { host, command: quoteArgv(argv) };
      return { host, command: `${quoteArgv(argv)} < (names that are not as the snapshot has them)` };
    }
    case 'call':
      return { host: node, command: quoteArgv(pvesh(operation)) };
    case 'clone': {
      const params = { newid: operation.newid ?? '(the next free number)', ...operation.params };
      const call = pvesh({ ...operation, kind: 'call', method: 'POST', params });
      return { host: node, command: quoteArgv(call) };
    }
    case 'write': {
      const owner = operation.owner === undefined ? '' : ` ${operation.owner.uid}:${operation.owner.gid}`;
      const content = operation.content;
      if (typeof content === 'string') {
        return {
          host: operation.host,
          command: `${operation.excerpt === undefined ? 'write' : 'enter in'} ${operation.path}  (${operation.mode}${owner})`,
          file: operation.excerpt ?? content,
        };
      }
      return {
        host: operation.host,
        command: `write ${operation.path}  (${operation.mode}${owner}), copied from ${content.from.host}:${content.from.path}, SHA-256 ${content.sha256.slice(0, 12)}...`,
      };
    }
  }
}

/** Breaks text at spaces; a word that is longer than a line stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}
