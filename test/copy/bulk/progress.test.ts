import { expect, test } from 'vitest';
import { lockOf, rsyncPart } from '../../../src/copy/bulk/part-command.ts';
import { BulkProgress } from '../../../src/copy/bulk/progress.ts';
import type { PassProgress } from '../../../src/copy/run-rsync.ts';

const item = (change: string, length: number) => ({ change, length, name: 'x' });

test('progress of several parts adds up, what was there already included, and ends at the totals', () => {
  const seen: PassProgress[] = [];
  const progress = new BulkProgress({ entries: 6, bytes: 1000 }, (now) => seen.push(now));
  const one = progress.part({ units: [], entries: 3, bytes: 600 });
  const two = progress.part({ units: [], entries: 3, bytes: 400 });
  one.item(item('.f', 250));
  one.item(item('>f+++++++++', 350));
  two.item(item('cd+++++++++', 4096));
  one.sent(100);
  expect(seen.at(-1)).toEqual({ files: { done: 3, total: 6 }, bytes: { done: 350, total: 1000 } });
  // rsync names the directories above each part too, and a file may have grown: never above the part's own totals.
  for (let count = 0; count < 9; count += 1) two.item(item('.d..t......', 4096));
  two.sent(900);
  expect(seen.at(-1)).toEqual({ files: { done: 5, total: 6 }, bytes: { done: 750, total: 1000 } });
  two.finished();
  one.finished();
  expect(seen.at(-1)).toEqual({ files: { done: 6, total: 6 }, bytes: { done: 1000, total: 1000 } });
  expect(progress.carried).toEqual({ entries: 11, bytes: 1000 });
});

test('directories of no part are done when every part has ended well, and not before', () => {
  const seen: PassProgress[] = [];
  const progress = new BulkProgress({ entries: 5, bytes: 100 }, (now) => seen.push(now));
  const one = progress.part({ units: [], entries: 3, bytes: 100 });
  progress.ended();
  expect(seen).toEqual([]);
  one.finished();
  progress.ended();
  expect(seen.map(({ files }) => files.done)).toEqual([3, 5]);
});

test('a part is the same rsync with a list, a shared lock and half files of its own', () => {
  const options = {
    sourceDestination: 'root@doc1',
    sourcePath: '/mnt/docker',
    targetPath: '/nvmeprom/containers/docker',
    exclude: ['store'],
    sudo: true,
    protectMarker: true,
    lock: '/run/lock/drayage-docker.lock',
  };
  const argv = rsyncPart(options);
  expect(lockOf(argv)).toBe(options.lock);
  expect(argv.slice(0, argv.indexOf('rsync'))).toContain('--shared');
  expect(argv).toEqual(
    expect.arrayContaining([
      '--recursive',
      '--files-from=-',
      '--from0',
      '--ignore-missing-args',
      '--one-file-system',
    ]),
  );
  expect(argv).toEqual(expect.arrayContaining(['--exclude=/.drayage', '--exclude=/store', '-aHAXS']));
  expect(argv.filter((argument) => argument.startsWith('--partial-dir='))).toEqual([
    '--partial-dir=.drayage-partial',
  ]);
  expect(argv.join(' ')).not.toMatch(/--delete|--inplace/);
  expect(() => lockOf(['rsync', '-a'])).toThrow('begins with flock');
});
