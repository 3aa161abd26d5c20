import { mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { lookInside } from '../../../src/apply/inside.ts';
import type { World } from '../../../src/apply/world.ts';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { takeManifest } from '../../../src/verify/take-manifest.ts';
import { loopMount } from '../../support/loop-mount.ts';

/** A guest that mounts the share sees the same inodes: here by another path, and through changes that a test makes. */
let disk: ReturnType<typeof loopMount>;
let scratch: string;
let live: string;
let manifest: string;
const node = controllerHost('prom');

beforeAll(() => {
  disk = loopMount('xfs');
  scratch = mkdtempSync(join(tmpdir(), 'drayage-inside-'));
});
afterAll(() => {
  disk?.unmount();
  rmSync(scratch, { recursive: true });
});
beforeEach(async () => {
  live = mkdtempSync(join(disk.path, 'share-'));
  for (const top of ['web', 'odd\nname', ' blank']) {
    mkdirSync(join(live, top, 'deep'), { recursive: true });
    for (const name of ['a', 'b', '\n']) writeFileSync(join(live, top, 'deep', name), `${top} ${name}`);
  }
  mkdirSync(join(live, '.drayage'));
  writeFileSync(join(live, '.drayage/share.json'), '{}');
  writeFileSync(join(live, 'top file'), 'x');
  const file = join(scratch, 'target.jsonl.gz');
  await takeManifest(
    { host: node, path: live, exclude: ['.drayage'] },
    { file, scratch, algorithm: 'sha256' },
  );
  manifest = file;
});

/** @param before what happens on the guest each time, before it answers */
const look = (guestPath = live, before: () => void = () => {}) => {
  const guest: Host = {
    name: 'doc2',
    run(argv, options) {
      before();
      return controllerHost('doc2').run(argv, options);
    },
  };
  const world = { hosts: () => guest, sleep: async () => {} } as unknown as World;
  return lookInside({ host: 'doc2', path: guestPath, live }, node, manifest, 'sha256', world);
};

test('a guest that sees what the node has is told so, with how much', async () => {
  const { report, wrong } = await look();
  expect(wrong).toBeUndefined();
  // Three times a directory, one in it, and three files; one file at the top.
  expect(report).toMatchObject({ files: 10, differing: [], entries: 16, tops: 4, touched: 0, unlike: [] });
});

test('what the workloads have written, removed and made since is only told', async () => {
  writeFileSync(join(live, 'web/deep/a'), 'written since');
  unlinkSync(join(live, 'odd\nname/deep/b'));
  writeFileSync(join(live, 'new'), '');
  const { report, wrong } = await look();
  expect(wrong).toBeUndefined();
  // The file; the removed one and its directory.
  expect(report).toMatchObject({ entries: 13, touched: 3, unlike: [] });
});

test('workloads that go on writing while it is looked do not disturb it', async () => {
  let count = 0;
  const { wrong, report } = await look(live, () => {
    writeFileSync(join(live, `log ${count}`), '');
    const victim = ['web/deep/a', ' blank/deep/a', 'web/deep/b'][count];
    if (victim !== undefined) unlinkSync(join(live, victim));
    count += 1;
  });
  expect({ wrong, touched: report.touched > 0 }).toEqual({ wrong: undefined, touched: true });
});

test('a guest that has another directory there, or not all of it, is found out', async () => {
  const other = mkdtempSync(join(disk.path, 'other-'));
  mkdirSync(join(other, 'web'));
  await expect(look(other)).rejects.toMatchObject({ code: 'verify/no-sample' });

  const half = mkdtempSync(join(disk.path, 'half-'));
  await controllerHost().run(['cp', '-a', `${live}/.`, half]);
  rmSync(join(half, 'web/deep'), { recursive: true });
  mkdirSync(join(half, 'web/deep'));
  for (const name of ['a', 'b', '\n']) writeFileSync(join(half, 'web/deep', name), `web ${name}`);
  const { wrong, report } = await look(half);
  expect(report.differing).toEqual([]);
  expect(report.unlike).toContainEqual(expect.stringMatching(/^web: \d entries there, 5 on the node$/));
  expect(wrong).toContain('names at the top, otherwise than the node');
});

test('something that is renamed from one top to another meanwhile is looked at again', async () => {
  let looks = 0;
  const { wrong } = await look(live, () => {
    looks += 1;
    if (looks === 2) renameSync(join(live, 'web/deep'), join(live, ' blank/deeper'));
  });
  expect(wrong).toBeUndefined();
});
