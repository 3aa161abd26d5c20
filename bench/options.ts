import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly entries: number;
  readonly megabytes: number;
  /** Changed entries before each window. */
  readonly changes: number;
  readonly runs: number;
  /** No run is begun that would probably end later than this. */
  readonly minutes: number;
  readonly target: 'btrfs' | 'xfs' | 'ext4';
  readonly cache: 'warm' | 'cold';
  readonly json: boolean;
}

const usage = (name: string, defaults: Defaults) => `npm run bench:${name} -- [options]

  --entries N        of the generated tree (200000)
  --megabytes N      of the generated tree (17 for each 1,000 entries)
  --changes N        changed entries before each window (600)
  --runs N           of each engine (${defaults.runs})
  --minutes N        begin no run that would probably end later than this (${defaults.minutes})
  --target FS        btrfs, xfs or ext4 (btrfs); the source is ext4
  --cold, --warm     caches dropped, or filled, before each measurement (${defaults.cache})
  --json             one JSON object as the only line on stdout; all else on stderr

Needs root. Works below TMPDIR, in namespaces of its own, and leaves nothing.
`;

interface Defaults {
  readonly runs: number;
  readonly minutes: number;
  readonly cache: 'warm' | 'cold';
}

/** Reads the command line. Ends the process after the usage, where that is asked for, and where an argument is wrong. */
export function readOptions(name: string, defaults: Defaults): BenchOptions {
  const help = usage(name, defaults);
  try {
    const options = parseOptions(process.argv.slice(2), defaults);
    if (options !== 'help') return options;
    process.stdout.write(help);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    process.exit(2);
  }
}

/** @throws with what is wrong */
export function parseOptions(args: readonly string[], defaults: Defaults): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      entries: { type: 'string', default: '200000' },
      megabytes: { type: 'string' },
      changes: { type: 'string', default: '600' },
      runs: { type: 'string', default: String(defaults.runs) },
      minutes: { type: 'string', default: String(defaults.minutes) },
      target: { type: 'string', default: 'btrfs' },
      cold: { type: 'boolean', default: false },
      warm: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const number = (
    key: 'entries' | 'megabytes' | 'changes' | 'runs' | 'minutes',
    otherwise?: number,
  ): number => {
    const text = values[key];
    if (text === undefined && otherwise !== undefined) return otherwise;
    const value = Number(text);
    if (!(value > 0)) throw new Error(`--${key} ${text} is not a number above 0`);
    return value;
  };
  const { target } = values;
  if (target !== 'btrfs' && target !== 'xfs' && target !== 'ext4')
    throw new Error(`--target ${target} is not btrfs, xfs or ext4`);
  const entries = number('entries');
  return {
    entries,
    megabytes: number('megabytes', Math.ceil((entries * 17) / 1000)),
    changes: number('changes'),
    runs: number('runs'),
    minutes: number('minutes'),
    target,
    cache: values.cold ? 'cold' : values.warm ? 'warm' : defaults.cache,
    json: values.json,
  };
}
