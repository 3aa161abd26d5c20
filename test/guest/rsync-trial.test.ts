import { describe, expect, it } from 'vitest';
import { rsyncList, rsyncPull } from '../../src/copy/rsync-command.ts';
import { isReadOnly } from '../../src/guest/read-only.ts';
import { otherTrials, pullerTrials, rsyncRefusal } from '../../src/guest/rsync-trial.ts';

const answer = (exitCode: number, stderr = '') => ({ exitCode, stdout: '', stderr });
const refused =
  'invalid file mode 00 for drayage-asks-for-what-is-not-there [Receiver]\nrsync error: protocol incompatibility (code 2) at flist.c(874) [Receiver=3.2.7]';

describe('what an rsync refuses', () => {
  it('is nothing when both trials end well', () => {
    expect(rsyncRefusal({ rsyncPass: answer(0), rsyncList: answer(0) })).toBeUndefined();
  });

  it('is the deletions of a list, in the words of rsync', () => {
    expect(rsyncRefusal({ rsyncPass: answer(0), rsyncList: answer(2, refused) })).toEqual({
      what: 'deletions',
      said: 'invalid file mode 00 for drayage-asks-for-what-is-not-there [Receiver]',
    });
  });

  it('is every pass when it does not know an option', () => {
    const unknown = answer(1, 'rsync: --secluded-args: unknown option\nrsync error: syntax or usage error');
    expect(rsyncRefusal({ rsyncPass: unknown, rsyncList: unknown })).toEqual({
      what: 'pass',
      said: 'rsync: --secluded-args: unknown option',
    });
  });

  it('is not told where there is no rsync', () => {
    const none = answer(127, 'sh: rsync: not found');
    expect(rsyncRefusal({ rsyncPass: none, rsyncList: none })).toBeUndefined();
  });
});

describe('the trials', () => {
  it('have every option of the passes that is of the rsync itself', () => {
    const options = {
      sourceDestination: 'root@doc1',
      sourcePath: '/mnt/docker',
      targetPath: '/nvmeprom/containers/doc1',
      exclude: [],
      maxDelete: 1,
      sudo: false,
      protectMarker: false,
      lock: '/run/lock/x.lock',
    };
    // Where names come from and what is left out differs from move to move.
    const own = (argv: readonly string[]) =>
      argv
        .slice(argv.indexOf('rsync') + 1, -2)
        .filter((word) => !/^--(rsh|filter|exclude|from0|files-from|out-format|delete-delay)/.test(word));
    const pull = own(rsyncPull({ ...options, delete: true })).filter((word) => word !== '--max-delete=1');
    expect(pullerTrials.rsyncPass).toEqual(expect.arrayContaining(pull));
    expect(pullerTrials.rsyncList).toEqual(expect.arrayContaining(own(rsyncList(options))));
  });

  it('only look', () => {
    for (const argv of [pullerTrials, otherTrials].flatMap((trials) =>
      Object.values<readonly string[]>(trials),
    )) {
      expect(argv[1]).toBe('--dry-run');
      expect(isReadOnly(argv)).toBe(true);
      expect(isReadOnly([...argv, '--log-file=/etc/passwd'])).toBe(false);
      expect(isReadOnly(argv.filter((word) => word !== '--dry-run'))).toBe(false);
    }
  });
});
