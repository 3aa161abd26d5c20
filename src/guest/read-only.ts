import { otherTrials, pullerTrials } from './rsync-trial.ts';

/** Programs that only look, whatever their arguments. `command` is the shell's own `command -v`. */
const lookers = new Set([
  'cat',
  'command',
  'findmnt',
  'getent',
  'getfacl',
  'getfattr',
  'grep',
  'head',
  'hostname',
  'mountpoint',
  'pveversion',
  'readlink',
  'sha256sum',
  'stat',
  'test',
  'uname',
]);

/** Sub-commands that only look, of programs that can also change things. */
const lookingCommands: Readonly<Record<string, readonly string[]>> = {
  docker: ['--version', 'compose version', 'ps', 'container inspect', 'images', 'volume inspect'],
  podman: ['--version', 'ps', 'container inspect', 'images', 'volume inspect'],
  systemctl: ['show', 'cat', 'list-units', 'list-unit-files', 'is-enabled', 'is-active'],
  zfs: ['get', 'list', 'version'],
  zpool: ['get', 'list', 'status'],
};

/** A dry run, word by word: another option could write a log or start a program. */
const dryRuns = new Set(
  [pullerTrials, otherTrials].flatMap((trials) => Object.values(trials).map((argv) => argv.join(' '))),
);

const writingFindActions = /^-(delete|exec|execdir|ok|okdir|fprint|fprint0|fprintf|fls)$/;

/**
 * Does this command only look? Inspection runs nothing else: `probe` refuses a command for which this is false,
 * so a write cannot slip in by mistake.
 */
export function isReadOnly(argv: readonly string[]): boolean {
  const [program, ...rest] = argv;
  if (program === undefined) return false;
  if (lookers.has(program)) return true;
  switch (program) {
    case 'find':
      return !rest.some((word) => writingFindActions.test(word));
    case 'runuser':
      return rest[0] === '-u' && rest[2] === '--' && isReadOnly(rest.slice(3));
    case 'env':
      return isReadOnly(rest.slice(rest.findIndex((word) => !/^(--chdir=|[A-Z_]+=)/.test(word))));
    case 'rsync':
      return rest[0] === '--version' || dryRuns.has(argv.join(' '));
    case 'xargs':
      return isReadOnly(rest.slice(rest.findIndex((word) => !word.startsWith('-'))));
    default: {
      const words = rest.filter((word) => word !== '--user').slice(0, 2);
      return (lookingCommands[program] ?? []).some(
        (command) => words[0] === command || words.join(' ') === command,
      );
    }
  }
}
