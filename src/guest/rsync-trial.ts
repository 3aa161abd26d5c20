import type { RsyncRefusal } from '../inspect/findings.ts';
import type { Answer } from './probe.ts';

/**
 * A version number does not tell what an rsync can: a security update (of 3.4.3, and carried into older versions by
 * distributions) made the receiving side refuse to delete by a list, until 3.4.4 (NEWS of rsync 3.4.4; tried with 3.2.7 of
 * Debian 12). So it is tried, dry: one directory that is there, and for a list also a name that is not.
 */
const pass = [
  ...['rsync', '--dry-run', '-aHAXS', '--no-r', '--dirs', '--numeric-ids', '--one-file-system'],
  ...['--modify-window=-1', '--info=progress2', '--no-human-readable', '--outbuf=Line', '--out-format=%i'],
];
const list = ['--ignore-times', '--delete-missing-args', '--force', '--max-delete=1'];
/** What only the side has to know at which rsync is started. */
const startedHere = { pass: ['--secluded-args'], list: ['--trust-sender'] };
const there = '/proc';
const nowhere = '/proc/drayage-asks-for-what-is-not-there';

/** Tried on the machine that pulls. */
export const pullerTrials = {
  rsyncPass: [...pass, ...startedHere.pass, there, '/'],
  rsyncList: [...pass, ...startedHere.pass, ...list, ...startedHere.list, there, nowhere, '/'],
} as const;

/** Tried on the other one: it sends, and receives what is carried back. */
export const otherTrials = {
  rsyncPass: [...pass, '--ignore-times', '--force', '--delete-missing-args', there, '/'],
  rsyncList: [...pass, ...list, there, nowhere, '/'],
} as const;

/** What these commands say; undefined: nothing is refused, or there is no rsync. */
export function rsyncRefusal(answers: Readonly<Partial<Record<string, Answer>>>): RsyncRefusal | undefined {
  const { rsyncPass, rsyncList } = answers;
  if (rsyncPass === undefined || rsyncList === undefined || rsyncPass.exitCode === 127) return undefined;
  if (rsyncPass.exitCode !== 0) return { what: 'pass', said: firstLine(rsyncPass) };
  return rsyncList.exitCode === 0 ? undefined : { what: 'deletions', said: firstLine(rsyncList) };
}

function firstLine({ stderr, exitCode }: Answer): string {
  return stderr.split('\n')[0]?.trim() || `exit code ${exitCode}`;
}
