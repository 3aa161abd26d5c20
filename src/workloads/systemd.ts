import { workloadError } from './errors.ts';
import { type Start, startsOf } from './starts.ts';

/** Properties that inspection asks for. `Environment` is not among them: it may hold secrets. */
export const shownProperties = [
  'Id',
  'LoadState',
  'ActiveState',
  'UnitFileState',
  'FragmentPath',
  'SourcePath',
  'DropInPaths',
  'RequiresMountsFor',
  'WorkingDirectory',
  'RootDirectory',
  'BindPaths',
  'BindReadOnlyPaths',
  'ReadWritePaths',
  'ReadOnlyPaths',
  'EnvironmentFiles',
  'ExecStart',
  'ExecStartPre',
  'ExecStartPost',
  'ExecStop',
  'TriggeredBy',
  'WantedBy',
  'RequiredBy',
  'Type',
  'RemainAfterExit',
] as const;

/** `systemctl show` of every loaded service and timer; `--all`, because a pattern otherwise passes over inactive units. */
export function showUnits(patterns: readonly string[], manager: 'system' | 'user'): string[] {
  const scope = manager === 'user' ? ['--user'] : [];
  return [
    'systemctl',
    ...scope,
    'show',
    '--all',
    '--no-pager',
    `--property=${shownProperties.join(',')}`,
    ...patterns,
  ];
}

/** One unit as `systemctl show` tells it. */
export interface ShownUnit {
  readonly id: string;
  readonly loadState: string;
  readonly active: boolean;
  /** `enabled`, `disabled`, `static`, `generated`, `masked`...; empty for a unit without a file. */
  readonly unitFileState: string;
  readonly fragmentPath: string;
  readonly sourcePath: string;
  /** Drop-ins for this unit alone, without those that drayage made. */
  readonly dropIns: readonly string[];
  /** Absolute paths named in its properties and commands; commands may hold secrets, so only paths come out. */
  readonly paths: readonly string[];
  readonly environmentFiles: readonly string[];
  /** Empty: `/`. */
  readonly workingDirectory: string;
  /** Programs that it runs. */
  readonly programs: readonly string[];
  /** What it starts with podman, docker or compose. */
  readonly starts: readonly Start[];
  readonly triggeredBy: readonly string[];
  readonly startsAtBoot: boolean;
}

/**
 * Reads the answer to `showUnits`.
 * @throws `workloads/unknown-shape` for a block without an Id
 */
export function parseShow(text: string): ShownUnit[] {
  return text
    .split(/\n\n+/)
    .filter((block) => block.trim() !== '')
    .map(parseBlock);
}

function parseBlock(block: string): ShownUnit {
  const properties = new Map<string, string[]>();
  for (const line of block.split('\n')) {
    const equals = line.indexOf('=');
    if (equals <= 0) continue;
    const key = line.slice(0, equals);
    const value = line.slice(equals + 1);
    properties.set(key, [...(properties.get(key) ?? []), value]);
  }
  const one = (key: string): string => properties.get(key)?.[0] ?? '';
  const words = (key: string): string[] =>
    (properties.get(key) ?? []).flatMap((value) => value.split(' ').filter(Boolean));
  const id = one('Id');
  if (id === '') {
    throw workloadError('workloads/unknown-shape', {
      seen: `systemctl show: a block without Id: ${[...properties.keys()].join(', ') || 'no properties'}`,
      next: ['systemctl show --property=Id,ActiveState multi-user.target   # does it print Id=?'],
    });
  }
  const commands = ['ExecStart', 'ExecStartPre', 'ExecStartPost', 'ExecStop'].flatMap(
    (key) => properties.get(key) ?? [],
  );
  const environmentFiles = (properties.get('EnvironmentFiles') ?? [])
    .map((value) => value.replace(/ \(ignore_errors=\w+\)$/, ''))
    .filter((path) => path.startsWith('/'));
  const folders = ['WorkingDirectory', 'RootDirectory'].map((key) => one(key).replace(/^!?-?/, ''));
  const lists = [
    'RequiresMountsFor',
    'BindPaths',
    'BindReadOnlyPaths',
    'ReadWritePaths',
    'ReadOnlyPaths',
  ].flatMap(words);
  const named = [...folders, ...lists, ...commands.flatMap(commandWords)].flatMap(pathsInWord);
  return {
    id,
    loadState: one('LoadState'),
    active: isActive(one('ActiveState'), one('Type'), one('RemainAfterExit')),
    unitFileState: one('UnitFileState'),
    fragmentPath: one('FragmentPath'),
    sourcePath: one('SourcePath'),
    dropIns: words('DropInPaths').filter((path) => path.includes(`/${id}.d/`) && !path.includes('drayage')),
    paths: [...new Set([...named, ...environmentFiles])],
    environmentFiles,
    workingDirectory: (folders[0] ?? '').replace(/^~$/, ''),
    programs: commands.flatMap((command) => programOf(command) ?? []),
    starts: ['ExecStart', 'ExecStartPre', 'ExecStartPost']
      .flatMap((key) => properties.get(key) ?? [])
      .flatMap((command) => startsOf(programOf(command) ?? '', commandWords(command))),
    triggeredBy: words('TriggeredBy'),
    startsAtBoot: words('WantedBy').length + words('RequiredBy').length > 0,
  };
}

/** A oneshot that is seen at work ends by itself: nothing of it is there to be kept running (systemd.service(5), `Type=`). */
function isActive(state: string, type: string, remains: string): boolean {
  const passing = type === 'oneshot' && remains !== 'yes';
  return !passing && ['active', 'activating', 'reloading'].includes(state);
}

function programOf(command: string): string | undefined {
  return /path=(\S+) ;/.exec(command)?.[1];
}

/** `{ path=/usr/bin/x ; argv[]=/usr/bin/x a b ; ignore_errors=no ; ... }` -> the words of its argv. */
function commandWords(command: string): string[] {
  const start = command.indexOf('argv[]=');
  if (start === -1) return [];
  const end = command.lastIndexOf(' ; ignore_errors=');
  return command.slice(start + 'argv[]='.length, end === -1 ? undefined : end).split(' ');
}

/** Absolute paths in `--data=/srv/x:/data`: those that begin the word, or follow `=`, `:` or `,`. */
function pathsInWord(word: string): string[] {
  return word
    .replace(/^[-+!@:]+(?=\/)/, '')
    .split(/[=:,"';]/)
    .filter((part) => part.startsWith('/'))
    .map((path) => (path.length > 1 ? path.replace(/\/+$/, '') : path));
}
