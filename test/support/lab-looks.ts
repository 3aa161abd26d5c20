import { quietScript } from '../../src/apply/quiet.ts';
import type { MoveConfig } from '../../src/config/config.ts';
import { looseScript } from '../../src/copy/bulk/names.ts';
import { anythingCommand, questionsCommand, scanAll, scanOf } from '../../src/copy/change-list/commands.ts';
import { newestTimes } from '../../src/finalize/look.ts';
import { probeScript } from '../../src/guest/probe.ts';
import { isReadOnly } from '../../src/guest/read-only.ts';
import { nothingBelow } from '../../src/plan/finalize/make-finalize.ts';
import { listingDigest } from '../../src/plan/way-back/listing.ts';
import type { Host } from '../../src/ssh/host.ts';
import { commonDigest, type DigestAlgorithm } from '../../src/verify/digest.ts';
import {
  attributesCommand,
  digestCommand,
  listedCommand,
  probeCommand,
  stampCommand,
} from '../../src/verify/manifest-command.ts';
import { countScript } from '../../src/verify/top-counts.ts';

const algorithms: readonly DigestAlgorithm[] = ['xxh128', 'blake3', 'sha256'];
const scriptOf = (argv: readonly string[]) => argv[2] ?? '';

/** The script by which the digest tools of a host are found out. */
async function digestScript(): Promise<string> {
  let script = '';
  const host: Host = {
    name: '',
    async run(argv) {
      script = scriptOf(argv);
      return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
    },
  };
  await commonDigest([host]);
  return script;
}

/** Scripts that drayage may send beside the operations of a plan, word by word, and what each is for. */
const lookingScripts: Readonly<Record<string, string>> = {
  'stat -c "%F %d %i" -- "$1" && find "$1" -mindepth 1 -maxdepth 1 -printf x -quit':
    'guard: the source is the same',
  'test -d "$1" && test -n "$(find "$1" -mindepth 1 -maxdepth 1 -print -quit)"':
    'pass: the source is not empty',
  'date +%s && cat /proc/uptime /proc/sys/kernel/random/boot_id': 'the clock, for what has changed since',
  'read -r go && date +%s && cat /proc/uptime /proc/sys/kernel/random/boot_id': 'the same, later',
  [scriptOf(anythingCommand(''))]: 'pass: a source that looks empty has excluded entries',
  // Flushes what the kernel holds back; no name and no content changes.
  'sync -f -- "$1" || sync': 'pass: what was stored through a mapping touches ctime',
  [scriptOf(probeCommand)]: 'proof: the time, and are there tools for attributes',
  [await digestScript()]: 'proof: which digest tools are there',
  [scriptOf(stampCommand(''))]: 'proof: has the target written since',
  [countScript]: 'proof: how many entries does the guest see',
  'podman container inspect --format "$1" -- "$2" | grep -E -- "$3"':
    'environment of a container, for the one made on the target',
  '! test -e "$1" || grep -qxF -- "$2" "$1"': 'guard: the file is not there, or was made by drayage',
  '! test -e "$1" || printf "%s  %s\\n" "$2" "$1" | sha256sum --check --status':
    'guard: the definition is not there, or is the same',
  '! podman container exists "$1" || test "$(podman container inspect --format "$2" "$1")" = "$3"':
    'guard: nobody else has a container of this name',
  'test -n "$(ls -A -- "$1")"': 'proof: the snapshot is not empty',
  [quietScript]: 'proof: nobody holds a file',
  [looseScript]: 'first copy: what lies directly in a directory',
  [newestTimes]: 'finalize: when the old data was last used',
  [scriptOf(listingDigest({ to: { as: 'doc1' } } as MoveConfig, '', []))]:
    'finalize: what is there is what was shown',
  [nothingBelow]: 'finalize: nothing is left',
};
/** Walks with tests and a format of their own; the programs that `-execdir` may run are listed. */
const walks = new Set([
  'cd -- "$1" && shift && exec find . "$@"',
  'cd -- "$1" && shift && exec find . -xdev "$@"',
  'LC_ALL=C; export LC_ALL; cd -- "$1" && shift && exec find . "$@"',
  'LC_ALL=C; export LC_ALL; cd -- "$1" && shift && exec find . -xdev "$@"',
  scriptOf(attributesCommand('', [])),
]);
const walkedBy = new Set(['stat', 'sha256sum', 'getfattr']);
/** A find whose places come on stdin; it stands in the second argument. */
const walkAt = 'cd -- "$1" && exec xargs -0 -r sh -c "$2" sh';
/** What the two walks that share a tree do with their places before it. */
const before = [scanAll([], 0), scanOf([], 0)].map((walk) => walk.split('exec find')[0] ?? '');
const questions = scriptOf(questionsCommand('', []));
const digest = scriptOf(digestCommand('', 'sha256', 1));
const listed = scriptOf(listedCommand('', 'sha256'));

/** The words that a command line of `quoteArgv` was made of; undefined when a shell would do more with it than split it. */
export function wordsOf(line: string): string[] | undefined {
  const words: string[] = [];
  let rest = line;
  while (rest !== '') {
    let word = '';
    for (;;) {
      const part = /^(?:'([^']*)'|"((?:[^"\\$`]|\\[\\"$`])*)"|([A-Za-z0-9_@%+:,./=-]+))/.exec(rest);
      if (part === null) break;
      word += part[1] ?? part[2]?.replaceAll(/\\(.)/g, '$1') ?? part[3];
      rest = rest.slice(part[0].length);
      if (rest === '' || rest.startsWith(' ')) break;
    }
    if (rest !== '' && !/^ \S/.test(rest)) return undefined;
    words.push(word);
    rest = rest.slice(1);
  }
  return words;
}

/** Does this command, as a host received it, only look? Judged by itself, not by who sent it. */
export function onlyLooks(command: string): boolean {
  const words = wordsOf(command);
  // `LC_ALL=C` before each command is what `remoteCommand` adds.
  if (words === undefined || words[0] !== 'env' || words[1] !== 'LC_ALL=C') return false;
  return looks(words.slice(2));
}

function looks(argv: readonly string[]): boolean {
  const [program, ...rest] = argv;
  if (program === 'env' && rest[0] === 'LC_ALL=C') return looks(rest.slice(1));
  if (program === 'runuser' && rest[0] === '-u' && rest[2] === '--' && rest[3] === 'env') {
    const from = rest.findIndex((word, index) => index > 3 && !/^(--chdir=|[A-Z_]+=)/.test(word));
    return looks(rest.slice(from));
  }
  if (program === 'sh' && rest[0] === '-c') return scriptLooks(rest[1] ?? '', rest.slice(3));
  if (program === 'true' || program === 'ls') return true;
  if (program === 'podman') {
    const command = rest.slice(0, 2).join(' ');
    if (command === 'container exists' || command === 'image inspect') return true;
  }
  return isReadOnly(argv);
}

function scriptLooks(script: string, positional: readonly string[]): boolean {
  if (Object.hasOwn(lookingScripts, script)) return true;
  if (script === '! "$@"') return looks(positional);
  if (walks.has(script)) return onlyWalks(positional);
  if (script === walkAt) return onlyFinds(positional[1] ?? '');
  if (script === questions) return positional.slice(1).every(onlyFinds);
  const same = (argv: readonly string[]) => argv.slice(5).join('\0') === positional.slice(1).join('\0');
  if (script === digest)
    return algorithms.some((name) => same(digestCommand('', name, Number(positional[1]))));
  if (script === listed) return algorithms.some((name) => same(listedCommand('', name)));
  return isProbe(script);
}

function onlyFinds(script: string): boolean {
  const first = before.find((known) => script.startsWith(known)) ?? '';
  const find = wordsOf(script.slice(first.length).replace(/^exec find (\. -xdev )?"\$@" /, 'find '));
  return find?.[0] === 'find' && onlyWalks(find);
}

function onlyWalks(words: readonly string[]): boolean {
  const runs = words.flatMap((word, index) =>
    /^-(exec|execdir|ok|okdir)$/.test(word) ? [words[index + 1]] : [],
  );
  const writes = words.some((word) => /^-(delete|fprint|fprint0|fprintf|fls)$/.test(word));
  return !writes && runs.every((name) => name !== undefined && walkedBy.has(name));
}

/** An inspection's script: it is exactly what `probeScript` makes of commands that only look. */
function isProbe(script: string): boolean {
  const commands = [
    ...script.matchAll(
      /^\{ e=\$\(([\s\S]*?) 2>&1 1>&3 3>&- <\/dev\/null\); r=\$\?; \} 3>&1; printf [^\n]*$/gm,
    ),
  ];
  const asked = commands.map((match) => wordsOf(match[1] as string));
  if (asked.length === 0 || asked.some((argv) => argv === undefined)) return false;
  try {
    return probeScript(Object.fromEntries(asked.entries()) as Record<string, string[]>) === script;
  } catch {
    return false;
  }
}

/** For messages: a command in one short line. */
export const shortly = (command: string) => JSON.stringify(command).slice(0, 300);
