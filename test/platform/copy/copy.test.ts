import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Pass, performPass } from '../../../src/copy/copy.ts';
import { rsyncPull } from '../../../src/copy/rsync-command.ts';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { fullComparison } from '../../support/full-comparison.ts';
import { type LoopMount, loopMount } from '../../support/loop-mount.ts';
import { changeTree } from '../../support/random-changes.ts';
import { makeTree } from '../../support/random-tree.ts';
import { startSshd, type TestSshd } from '../../support/sshd.ts';

let sshd: TestSshd;
let wrapper: string;
/** A node whose ssh knows the test's server: the plan's argv itself is left as it is. */
let prom: Host;
const doc1 = controllerHost('doc1');

beforeAll(async () => {
  sshd = await startSshd();
  wrapper = mkdtempSync(join(tmpdir(), 'drayage-path-'));
  writeFileSync(join(wrapper, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${sshd.configFile}' "$@"\n`);
  chmodSync(join(wrapper, 'ssh'), 0o755);
  const here = controllerHost('prom');
  prom = {
    name: 'prom',
    run: (argv, options) => here.run(['env', `PATH=${wrapper}:${process.env.PATH}`, ...argv], options),
  };
});
afterAll(async () => {
  await sshd?.stop();
  if (wrapper !== undefined) rmSync(wrapper, { recursive: true, force: true });
});

function pass(
  kind: 'seed' | 'final',
  source: string,
  target: string,
  more: Partial<Parameters<typeof rsyncPull>[0]> = {},
): Pass {
  const options = {
    sourceDestination: sshd.destination,
    sourcePath: source,
    targetPath: target,
    exclude: [],
    delete: kind === 'final',
    maxDelete: 1000,
    sudo: false,
    protectMarker: false,
    lock: join(wrapper, 'pass.lock'),
    ...more,
  };
  return {
    move: 'docker',
    pass: kind,
    argv: rsyncPull(options),
    source: { path: source },
    maxDelete: options.maxDelete,
  };
}

const worldOf = () => ({ puller: prom, source: doc1 });

async function differences(source: string, target: string, exclude: readonly string[] = []) {
  const sides = {
    source: { host: doc1, path: source, exclude },
    target: { host: prom, path: target, exclude },
  };
  const result = await fullComparison(sides);
  expect(result.attributesCompared).toBe(true);
  return result.list;
}

describe.each([
  ['ext4', 'xfs'],
  ['xfs', 'btrfs'],
  ['btrfs', 'ext4'],
] as const)('a copy from %s to %s', (from, to) => {
  let left: LoopMount;
  let right: LoopMount;
  beforeAll(() => {
    left = loopMount(from);
    right = loopMount(to);
  });
  afterAll(() => {
    left?.unmount();
    right?.unmount();
  });

  test.each([1, 2, 3])(
    'of a random tree, changed between two passes, is equal in every way (seed %i)',
    async (seed) => {
      const source = `${left.path}/tree ${seed}*[x]`;
      const target = `${right.path}/place ${seed}`;
      makeTree(source, seed);
      // A setting of btrfs that no other file system takes.
      if (from === 'btrfs')
        execFileSync('setfattr', ['-n', 'btrfs.compression', '-v', 'zstd', `${source}/sparse`]);
      mkdirSync(target);
      const seen: number[] = [];
      await performPass(pass('seed', source, target), {
        ...worldOf(),
        progress: (progress) => seen.push(progress.files.done),
      });
      expect(seen.length).toBeGreaterThan(0);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(await differences(source, target)).toEqual([]);
      changeTree(source, seed);
      expect((await differences(source, target)).length).toBeGreaterThan(0);
      const final = pass('final', source, target);
      await performPass(final, worldOf());
      // What is of equal size and time is equal to rsync; whoever compares names it, and it is carried by name.
      const missed = await differences(source, target);
      expect(missed.filter(({ what }) => what !== 'content' && what !== 'hard-links')).toEqual([]);
      await performPass(
        { ...final, argv: [...final.argv.slice(0, -2), '--ignore-times', ...final.argv.slice(-2)] },
        worldOf(),
      );
      expect(await differences(source, target)).toEqual([]);
      const again = await performPass(final, worldOf());
      expect(again).toMatchObject({ changed: 0, deleted: 0 });
      expect(statSync(`${target}/sparse`).blocks * 512).toBeLessThan(1_000_000);
    },
  );
});

describe('a pass', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-pass-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('leaves what is excluded on both sides as it is, and the folder of drayage at the top of a share', async () => {
    const source = join(folder, 'source');
    const target = join(folder, 'target');
    makeTree(source, 7);
    mkdirSync(join(source, 'store/overlay'), { recursive: true });
    writeFileSync(join(source, 'store/overlay/layer'), 'left behind');
    mkdirSync(join(target, '.drayage'), { recursive: true });
    writeFileSync(join(target, '.drayage/share.json'), '{}');
    writeFileSync(join(target, 'goes'), '');
    await performPass(
      pass('final', source, target, { exclude: ['store/overlay'], protectMarker: true }),
      worldOf(),
    );
    expect(readFileSync(join(target, '.drayage/share.json'), 'utf8')).toBe('{}');
    expect(await differences(source, target, ['store/overlay', '.drayage'])).toEqual([]);
    expect(() => statSync(join(target, 'store/overlay'))).toThrow('ENOENT');
  });

  test('that would delete more than its limit deletes nothing', async () => {
    const source = join(folder, 'few');
    const target = join(folder, 'many');
    mkdirSync(source);
    mkdirSync(target);
    writeFileSync(join(source, 'one'), '');
    for (const name of ['a', 'b', 'c']) writeFileSync(join(target, name), '');
    await expect(
      performPass(pass('final', source, target, { maxDelete: 2 }), worldOf()),
    ).rejects.toMatchObject({
      code: 'copy/too-many-deletions',
    });
    expect(statSync(join(target, 'c')).size).toBe(0);
  });

  test('from an empty source does not begin', async () => {
    const source = join(folder, 'empty');
    mkdirSync(source);
    const target = join(folder, 'full');
    mkdirSync(target);
    writeFileSync(join(target, 'a'), '');
    await expect(performPass(pass('final', source, target), worldOf())).rejects.toMatchObject({
      code: 'copy/source-not-as-expected',
    });
    expect(statSync(join(target, 'a')).size).toBe(0);
  });

  test('into a place that is not there, as below a share that is unmounted, makes none and writes nothing', async () => {
    const source = join(folder, 'mounted');
    const share = join(folder, 'unmounted');
    for (const path of [source, share]) mkdirSync(path);
    for (const name of ['a', 'b']) writeFileSync(join(source, name), '');
    for (const kind of ['seed', 'final'] as const)
      await expect(performPass(pass(kind, source, join(share, 'doc1')), worldOf())).rejects.toMatchObject({
        code: 'copy/rsync-failed',
        seen: expect.stringContaining('No such file or directory'),
        next: expect.arrayContaining([expect.stringContaining('drayage apply')]),
      });
    expect(readdirSync(share)).toEqual([]);
    await expect(performPass(pass('final', source, join(share, 'doc1')), worldOf())).rejects.toMatchObject({
      next: [`ssh prom findmnt --target ${share}   # is the share mounted?`, expect.anything()],
    });
  });

  test('leaves the source untouched', async () => {
    const source = join(folder, 'untouched');
    makeTree(source, 9);
    const look = async () => {
      const result = await doc1.run([
        'sh',
        '-c',
        'cd "$1" && find . -printf \'%p %i %m %U %G %s %T@ %C@ %n\\0\' | sort -z | sha256sum',
        'sh',
        source,
      ]);
      return result.stdout.toString();
    };
    const before = await look();
    mkdirSync(join(folder, 'elsewhere'));
    await performPass(pass('seed', source, join(folder, 'elsewhere')), worldOf());
    await performPass(pass('final', source, join(folder, 'elsewhere')), worldOf());
    expect(await look()).toBe(before);
  });

  test('names a directory that is gone, and stays because something left behind lies in it', async () => {
    const source = join(folder, 'went');
    const target = join(folder, 'stays');
    for (const path of [join(source, 'a'), join(target, 'a'), join(target, 'store/overlay')])
      mkdirSync(path, { recursive: true });
    writeFileSync(join(target, 'store/overlay/layer'), '');
    const final = pass('final', source, target, { exclude: ['store/overlay'] });
    await expect(performPass(final, worldOf())).rejects.toMatchObject({
      code: 'copy/not-empty',
      seen: expect.stringMatching(/could not delete 1 directory of move docker in .*:\nstore$/),
      next: [expect.stringContaining(`left behind in ${target}/store`), 'drayage apply --until cutover'],
    });
    expect(readFileSync(join(target, 'store/overlay/layer'), 'utf8')).toBe('');
  });

  test('to a guest that ssh does not know says so', async () => {
    const source = join(folder, 'known');
    mkdirSync(source);
    writeFileSync(join(source, 'a'), '');
    const unknown = pass('seed', source, folder, { sourceDestination: 'no-such-host.invalid' });
    await expect(performPass(unknown, worldOf())).rejects.toMatchObject({
      code: 'copy/rsync-failed',
      // rsync ends with 255 or, when it notices the closed stream first, with 12; ssh's own words stand in both.
      seen: expect.stringContaining('no-such-host.invalid'),
    });
  });
});
