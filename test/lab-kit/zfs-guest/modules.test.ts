import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findModules } from '../../../lab/zfs-guest/modules.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-modules-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const release = '6.12.117+deb13-cloud-amd64';

it('takes the modules of exactly this kernel, the newest ZFS first', () => {
  for (const name of [
    `zfs-2.3.8-modules-${release}.tar.xz`,
    `zfs-2.3.9-modules-${release}.tar.xz`,
    'zfs-2.4.0-modules-6.12.118+deb13-cloud-amd64.tar.xz',
  ])
    writeFileSync(join(folder, name), '');
  expect(findModules(release, { DRAYAGE_ZFS_MODULES: folder })).toBe(
    join(folder, `zfs-2.3.9-modules-${release}.tar.xz`),
  );
});

it('finds none for another kernel, so that they are built', () => {
  expect(findModules(release, { DRAYAGE_ZFS_MODULES: folder })).toBeUndefined();
});

it('does not build silently where the modules that were asked for are missing', () => {
  expect(() => findModules(release, { DRAYAGE_ZFS_MODULES: join(folder, 'nothing') })).toThrow(
    expect.objectContaining({
      code: 'lab/zfs-modules-missing',
      next: expect.arrayContaining(['unset DRAYAGE_ZFS_MODULES']),
    }),
  );
});
