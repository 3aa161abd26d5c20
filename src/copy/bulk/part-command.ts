import { type PullOptions, rsyncPull } from '../rsync-command.ts';

/**
 * One of several processes that pull a tree together: the names on its stdin (`./a/b`, each ended by NUL) and all below
 * them. The same argv for every part.
 *
 * `--ignore-missing-args`: a name that went away since the tree was looked at is no failure. `-ii` names also what is
 * there already, so that a pass that goes on knows how far it is. A half-sent file waits in its own directory
 * (`--partial-dir` relative): in one folder for all, two processes would write to one half file of the same name.
 * The lock is shared: parts of one pass stand beside each other, and keep every other pass out.
 */
export function rsyncPart(options: Omit<PullOptions, 'delete' | 'maxDelete' | 'partialFolder'>): string[] {
  const { partialFolder: _one, ...rest } = options as PullOptions;
  return rsyncPull({ ...rest, delete: false, maxDelete: 0 }).flatMap((argument) => {
    if (argument === '--nonblock') return ['--nonblock', '--shared'];
    if (argument === '-aHAXS')
      return [
        '-aHAXS',
        '--recursive',
        '--from0',
        '--files-from=-',
        '--ignore-missing-args',
        '-ii',
        '--partial-dir=.drayage-partial',
      ];
    return [argument];
  });
}

/** The lock that a part holds with others: the last word before rsync's own. */
export function lockOf(partArgv: readonly string[]): string {
  const lock = partArgv[partArgv.indexOf('rsync') - 1];
  if (partArgv[0] !== 'flock' || lock === undefined)
    throw new TypeError('a part of a pass begins with flock, its lock, rsync');
  return lock;
}
