import { describe, expect, test } from 'vitest';
import {
  aloneOf,
  connectionOf,
  deletes,
  dryRunOf,
  inPlaceOf,
  rsyncList,
  rsyncPull,
  topOf,
} from '../../src/copy/rsync-command.ts';

const plain = {
  sourceDestination: 'root@doc1',
  sourcePath: '/mnt/docker',
  targetPath: '/nvmeprom/containers/docker',
  exclude: [],
  delete: false,
  maxDelete: 1000,
  sudo: false,
  protectMarker: false,
  lock: '/run/lock/drayage-docker.lock',
};

describe('the rsync command of a pass', () => {
  test('keeps hard links, ACLs, xattrs, holes and numbers, and compares times to the nanosecond', () => {
    const argv = rsyncPull(plain);
    expect(argv.slice(argv.indexOf('rsync'), -2)).toEqual(
      expect.arrayContaining(['-aHAXS', '--numeric-ids', '--one-file-system', '--modify-window=-1']),
    );
    expect(argv.slice(-2)).toEqual(['root@doc1:/mnt/docker/', '/nvmeprom/containers/docker/./']);
    expect(deletes(argv)).toBe(false);
  });

  test('deletes only when it is told to, with a limit', () => {
    const argv = rsyncPull({ ...plain, delete: true, maxDelete: 7 });
    expect(argv).toContain('--delete-delay');
    expect(argv).toContain('--max-delete=7');
    expect(deletes(argv)).toBe(true);
  });

  test('holds a lock, so that a pass that was left behind shuts the next one out', () => {
    expect(rsyncPull(plain).slice(0, 6)).toEqual([
      'flock',
      '--no-fork',
      '--nonblock',
      '--conflict-exit-code',
      '75',
      '/run/lock/drayage-docker.lock',
    ]);
  });

  test('never deletes what it excludes', () => {
    expect(rsyncPull({ ...plain, delete: true }).join(' ')).not.toContain('--delete-excluded');
  });

  test('protects the folder of drayage when the target is the top of the share', () => {
    expect(rsyncPull({ ...plain, protectMarker: true })).toContain('--exclude=/.drayage');
  });

  test('takes excluded paths literally, whatever characters they have', () => {
    const argv = rsyncPull({ ...plain, exclude: ['storage/overlay', 'a*[b]?', 'back\\slash', '/lead/'] });
    expect(argv).toContain('--exclude=/storage/overlay');
    expect(argv).toContain('--exclude=/a\\*\\[b]\\?');
    expect(argv).toContain('--exclude=/back\\slash');
    expect(argv).toContain('--exclude=/lead');
  });

  test('runs rsync on the guest by sudo where root may not log in', () => {
    expect(rsyncPull({ ...plain, sudo: true })).toContain('--rsync-path=sudo -n rsync');
  });

  test('the dry run of a pass is the same command without the limit that would cut the count short', () => {
    const argv = rsyncPull({ ...plain, delete: true });
    const dry = dryRunOf(argv);
    expect(dry[dry.indexOf('rsync') + 1]).toBe('--dry-run');
    expect(dry.some((argument) => argument.startsWith('--max-delete'))).toBe(false);
    expect(dry.filter((argument) => argument !== '--dry-run')).toEqual(
      argv.filter((argument) => !argument.startsWith('--max-delete')),
    );
  });
});

describe('the rsync command of a list', () => {
  const list = rsyncList({ ...plain, exclude: ['store'], protectMarker: true, maxDelete: 7 });

  test('takes exactly the names on its stdin, reads each, and deletes those that are missing, with a limit', () => {
    for (const option of [
      '--from0',
      '--files-from=-',
      '--no-r',
      '--dirs',
      '--ignore-times',
      '--force',
      '--trust-sender',
    ])
      expect(list).toContain(option);
    expect(list).toContain('--delete-missing-args');
    expect(list).toContain('--max-delete=7');
    expect(deletes(list)).toBe(true);
  });

  test('shares its lock with the one that writes in place, and can do without', () => {
    expect(list.slice(0, 4)).toEqual(['flock', '--no-fork', '--nonblock', '--shared']);
    expect(aloneOf(list)).toEqual(list.filter((argument) => argument !== '--shared'));
  });

  test('has a second one that writes into files where they are: without holes, and without a half-sent file apart', () => {
    const partly = rsyncList({ ...plain, partialFolder: '/pool/.drayage/partial' });
    const into = inPlaceOf(partly);
    expect(into).toEqual(
      expect.arrayContaining(['-aHAX', '--inplace', '--no-implied-dirs', '--ignore-times']),
    );
    expect(into.join(' ')).not.toMatch(/-aHAXS|partial-dir/);
    // Three lists of one pass would have three times the deletions that one may have.
    expect(into).toContain('--max-delete=1');
    expect(into.slice(-2)).toEqual(partly.slice(-2));
  });

  test('shares one connection where it is given a socket, and opens and ends it by a command of its own', () => {
    expect(connectionOf(list)).toBeUndefined();
    const shared = rsyncList({ ...plain, sourceDestination: 'root@[fe80::1]', connection: '/run/x.ssh' });
    expect(shared.find((argument) => argument.startsWith('--rsh='))).toMatch(
      / -o ControlMaster=no -o ControlPath=\/run\/x\.ssh$/,
    );
    const connection = connectionOf(shared);
    expect(connection?.socket).toBe('/run/x.ssh');
    expect(connection?.argv[0]).toBe('ssh');
    expect(connection?.argv).not.toContain('ControlMaster=no');
    expect(connection?.argv.slice(-5)).toEqual([
      ...['-o', 'ControlPath=/run/x.ssh', '-o', 'ControlPersist=60'],
      'root@fe80::1',
    ]);
    const named = rsyncList({ ...plain, sourceDestination: 'doc1', connection: '/run/x.ssh' });
    expect(connectionOf(named)?.argv.at(-1)).toBe('doc1');
    expect(() => rsyncList({ ...plain, connection: '/run/a b' })).toThrow('no plain path');
  });

  test('is otherwise the pass that pulls everything', () => {
    const pull = rsyncPull({ ...plain, exclude: ['store'], protectMarker: true });
    expect(list).toEqual(expect.arrayContaining(pull));
    expect(list.slice(-2)).toEqual(pull.slice(-2));
  });

  test('has a second one for the top alone, which lists, deletes and carries nothing below it', () => {
    const top = topOf(list);
    expect(top[top.indexOf('rsync') + 1]).toBe('--exclude=/*');
    expect(top).toEqual(expect.arrayContaining(['--no-r', '--dirs', '-aHAXS']));
    expect(top.join(' ')).not.toMatch(/files-from|delete|force|trust-/);
    expect(top.slice(-2)).toEqual(list.slice(-2));
  });
});
