import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepPreparedDisk, preparedDiskPath, wakeServices } from '../../../lab/services/prepared.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prepared-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a kept disk never changes under the labs that stand on it', async () => {
  const [disk, kept] = [join(folder, 'disk'), join(folder, 'kept')];
  writeFileSync(disk, 'first');
  await keepPreparedDisk(disk, kept);
  writeFileSync(disk, 'second');
  await keepPreparedDisk(disk, kept);
  expect(readFileSync(kept, 'utf8')).toBe('first');
  expect(readdirSync(folder).sort()).toEqual(['disk', 'kept']);
});

test('another guest image has another disk', async () => {
  const [one, same, other] = await Promise.all(
    ['/cache/guest-1/base.ext4', '/elsewhere/guest-1/base.ext4', '/cache/guest-2/base.ext4'].map(
      preparedDiskPath,
    ),
  );
  expect(one).toBe(same);
  expect(one).not.toBe(other);
});

test('the container that no boot starts is started, and the slow ones are waited for', async () => {
  const asked: string[] = [];
  let looks = 0;
  await wakeServices(async (argv) => {
    asked.push(argv.slice(0, 2).join(' '));
    const slow = argv[1] === 'ps' && looks++ === 0;
    const names = argv[0] === 'runuser' ? 'notes\n' : slow ? 'app\nweb\n' : 'app\nweb\nwriter\n';
    return { exitCode: 0, stdout: Buffer.from(names), stderr: Buffer.alloc(0) };
  });
  expect(asked).toEqual(['podman start', 'podman ps', 'podman ps', 'runuser -u']);
});
