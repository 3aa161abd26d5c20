import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { holders, quietScript } from '../../../../src/apply/quiet.ts';
import type { Baseline } from '../../../../src/copy/change-list/change-pass.ts';
import type { Host } from '../../../../src/ssh/host.ts';
import { controllerHost } from '../../../../src/ssh/local.ts';
import {
  type Copied,
  changeRound,
  compareWhole,
  firstPass,
  mark,
  type PipeNode,
  pipeNode,
  whatIsNotEqual,
} from '../../../support/change-rounds.ts';
import { type LoopMount, loopMount } from '../../../support/loop-mount.ts';
import { changeTree } from '../../../support/random-changes.ts';
import { makeTree } from '../../../support/random-tree.ts';

/** A block of 4 KiB, then as much of nothing, again and again. */
function holes(file: string, extents: number): void {
  const fd = openSync(file, 'w');
  for (let at = 0; at < extents; at += 1)
    writeSync(fd, Buffer.alloc(4096, `data ${at} `), 0, 4096, at * 8192);
  ftruncateSync(fd, extents * 8192);
  closeSync(fd);
}

describe.each([
  ['ext4', 'btrfs'],
  ['xfs', 'ext4'],
  ['btrfs', 'xfs'],
] as const)('a pass over what changed, from %s to %s', (from, to) => {
  let left: LoopMount;
  let right: LoopMount;
  let node: PipeNode;
  let copied: Copied;
  let runs = 0;
  beforeAll(() => {
    left = loopMount(from);
    right = loopMount(to);
    node = pipeNode();
  });
  afterAll(() => {
    left?.unmount();
    right?.unmount();
    node?.remove();
  });
  beforeEach(() => {
    runs += 1;
    copied = {
      source: join(left.path, `tree ${runs}`),
      target: join(right.path, `place ${runs}`),
      node: node.host,
      guest: controllerHost('doc1'),
      folder: node.folder,
      destination: 'doc1',
    };
    mkdirSync(copied.source);
  });
  const sh = (script: string) =>
    execFileSync('bash', ['-euc', script], { cwd: copied.source, encoding: 'utf8' });

  test.each([1, 2, 3])('brings a random tree to its end, in use and at rest (seed %i)', async (seed) => {
    makeTree(copied.source, seed);
    let baseline = await firstPass(copied);
    changeTree(copied.source, seed);
    baseline = (await changeRound(copied, baseline, { frozen: false })).next;
    changeTree(copied.source, seed + 100);
    expect(whatIsNotEqual(copied)).not.toBe('');
    const { next } = await changeRound(copied, baseline, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
    const idle = await changeRound(copied, next, { frozen: true });
    expect(idle.result).toMatchObject({ listed: [], changed: 0, deleted: 0 });
  });

  test('what differs is written into the files that are there, but for those with another name or with holes', async () => {
    sh(`mkdir a b; for f in pages linked holes; do head -c 300000 /dev/urandom >a/$f; done
      ln a/linked b/linked; truncate -s 4000000 a/holes`);
    const baseline = await firstPass(copied);
    const inodes = () =>
      Object.fromEntries(
        ['a/pages', 'a/linked', 'a/holes'].map((name) => [name, statSync(join(copied.target, name)).ino]),
      );
    const before = inodes();
    sh(`for f in pages linked holes; do printf page | dd of=a/$f bs=1 seek=5000 conv=notrunc status=none; done
      setcap cap_net_raw+ep a/pages; cp b/linked c; rm b/linked; mv c b/linked`);
    await changeRound(copied, baseline, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
    const after = inodes();
    expect(after['a/pages']).toBe(before['a/pages']);
    expect(after['a/linked']).not.toBe(before['a/linked']);
    expect(after['a/holes']).not.toBe(before['a/holes']);
    expect(statSync(join(copied.target, 'a/holes')).blocks * 512).toBeLessThan(2_000_000);
  });

  // Each on its own, so that the list can be held against what had to be in it.
  test.each([
    ['a directory is renamed', 'mkdir -p a/b; echo 1 >a/b/f', 'mv a z', ['', 'a', 'z', 'z/b', 'z/b/f']],
    [
      'two directories are exchanged',
      'mkdir -p top/a top/b; echo 1 >top/a/f; echo 2 >top/b/f; touch -r top/a/f top/b/f',
      'mv top/a top/t; mv top/b top/a; mv top/t top/b',
      ['top', 'top/a', 'top/a/f', 'top/b', 'top/b/f'],
    ],
    [
      'a directory is replaced by another of the same name',
      'mkdir -p top/a top/b; echo 1 >top/a/f; echo 2 >top/b/f; touch -r top/a/f top/b/f',
      'rm -r top/a; mv top/b top/a',
      ['top', 'top/a', 'top/a/f', 'top/b'],
    ],
    [
      'a file is replaced by one of equal size and time',
      'mkdir a; echo 1 >a/f; echo 2 >a/new; touch -r a/f a/new',
      'mv a/new a/f',
      ['a', 'a/f', 'a/new'],
    ],
    [
      'a hard link is added in another directory, and one removed',
      'mkdir a b c; echo 1 >a/f; echo 2 >b/g; ln b/g c/g',
      'ln a/f c/f; rm b/g',
      ['a/f', 'b', 'b/g', 'c', 'c/f', 'c/g'],
    ],
    [
      'the directory of one of two hard links is renamed',
      'mkdir a b; echo 1 >a/f; ln a/f b/f',
      'mv a z',
      ['', 'a', 'b/f', 'z', 'z/f'],
    ],
    [
      'only an ACL, an xattr or a capability changes',
      'mkdir a; echo 1 >a/acl; echo 2 >a/xattr; echo 3 >a/cap; echo 4 >a/setuid; echo 5 >a/rest',
      'setfacl -m u:7:r a/acl; setfattr -n user.x -v 1 a/xattr; setcap cap_net_raw+ep a/cap; chmod 4755 a/setuid',
      ['a/acl', 'a/cap', 'a/setuid', 'a/xattr'],
    ],
    [
      'a whole service is deleted',
      'mkdir -p keep svc/a/b; echo 1 >svc/a/b/f; echo 2 >svc/g',
      'rm -r svc',
      ['', 'svc'],
    ],
    [
      'a file becomes a directory, and a directory a file',
      'mkdir -p a/was-dir/x; echo 1 >a/was-dir/x/f; echo 2 >a/was-file',
      'rm -r a/was-dir a/was-file; echo 3 >a/was-dir; mkdir a/was-file; echo 4 >a/was-file/f',
      ['a', 'a/was-dir', 'a/was-file', 'a/was-file/f'],
    ],
    [
      'a directory becomes a link to another, and a link a directory',
      'mkdir -p a/dir a/other; echo 1 >a/dir/f; echo 1 >a/other/f; ln -s other a/link',
      'rm -r a/dir a/link; ln -s other a/dir; mkdir a/link; echo 2 >a/link/f',
      ['a', 'a/dir', 'a/link', 'a/link/f'],
    ],
    [
      'names are odd, long, and not UTF-8',
      `mkdir a`,
      `cd a; echo 1 >$'new\\nline'; echo 2 >'--delete'; echo 3 >'$(touch no)'; echo 4 >$'\\xff'; echo 6 >$'it\\'s "quoted"'; echo 5 >$(printf '%255s' | tr ' ' n)`,
      [
        'a',
        'a/$(touch no)',
        'a/--delete',
        'a/it\'s "quoted"',
        'a/new\nline',
        `a/${'n'.repeat(255)}`,
        'a/\xff',
      ],
    ],
    [
      'a FIFO, a socket, a device and an unreadable file appear',
      'mkdir a',
      `cd a; mkfifo fifo; mknod null c 1 3; echo 1 >closed; chmod 0 closed; node -e "require('net').createServer().listen('sock', () => process.kill(process.pid, 'SIGKILL'))" || true`,
      ['a', 'a/closed', 'a/fifo', 'a/null', 'a/sock'],
    ],
    [
      'a file gets holes and data between them',
      'mkdir a; echo 1 >a/f',
      'truncate -s 50M a/f; for at in 1 2 3 4; do printf x | dd of=a/f bs=1 seek=$((at*1000000)) conv=notrunc status=none; done',
      ['a/f'],
    ],
  ])('is exact when %s', async (_what, before, change, expected) => {
    sh(before);
    const baseline = await firstPass(copied);
    sh(change);
    expect(whatIsNotEqual(copied)).not.toBe('');
    const { result } = await changeRound(copied, baseline, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
    expect(result.listed).toEqual(expected.sort());
  });

  test("does not take for a pending name what is reached through a link that took its directory's place", async () => {
    sh('mkdir -p a/b other/b; echo 1 >a/b/f; echo 2 >other/b/f');
    const baseline = await firstPass(copied);
    sh('mv a gone; ln -s other a; rm -r gone');
    await changeRound(copied, { ...baseline, pending: ['a/b/f', 'a/b/never'] }, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
  });

  // apps/one, apps/two and apps/three are walked through by the second walk, or by the first.
  test.each([
    ['is gone', 'rm -r apps/two'],
    ['is a file', 'rm -r apps/two; echo file >apps/two'],
    ['is a link to what it was', 'mv apps/two apps/moved; ln -s moved apps/two'],
    ['lies behind a link to what was above it', 'mv apps away; ln -s away apps; echo new >away/two/d3/new'],
    ['is exchanged with another', 'mv apps/two t; mv apps/one apps/two; mv t apps/one'],
    ['has lost its permissions', 'chmod 0 apps/one apps/two apps/three; echo new >apps/two/d1/new'],
  ])('looks at everything once where a directory that a second walk begins at %s', async (_what, change) => {
    sh(
      'for a in one two three; do for d in 1 2 3 4 5 6; do mkdir -p apps/$a/d$d; echo $a >apps/$a/d$d/f; done; done',
    );
    const baseline = await firstPass(copied);
    sh(change);
    const { result, next } = await changeRound(copied, baseline, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
    if (result.kind !== 'done') throw new Error('too large');
    expect(result.entries).toBe(Number(sh('find . -printf . | wc -c')));
    const idle = await changeRound(copied, next, { frozen: true });
    expect(idle.result).toMatchObject({ listed: [], changed: 0, deleted: 0 });
  });

  test('sees a store through a mapping whose page was dirty before the marks, with no write call', async () => {
    const file = join(copied.source, 'mapped');
    writeFileSync(file, 'x'.repeat(8192));
    const mapper = spawn('xfs_io', [file], { stdio: ['pipe', 'ignore', 'inherit'] });
    const store = async (letter: string, ...before: string[]) => {
      const hex = Buffer.from(letter).toString('hex');
      mapper.stdin.write([...before, `mwrite -S 0x${hex} 0 10`, ''].join('\n'));
      await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toMatch(letter.repeat(10)));
    };
    try {
      await store('A', 'mmap -rw 0 8192');
      const baseline = await firstPass(copied);
      expect(readFileSync(join(copied.target, 'mapped'), 'utf8')).toMatch(/^A{10}x/);
      await store('B');
      const { result } = await changeRound(copied, baseline, { frozen: true });
      expect(result.listed).toContain('mapped');
      expect(readFileSync(join(copied.target, 'mapped'), 'utf8')).toMatch(/^B{10}x/);
    } finally {
      mapper.kill();
      await once(mapper, 'exit');
    }
  });

  test('carries a path of 4,000 bytes', async () => {
    const deep = `${`${'d'.repeat(200)}/`.repeat(19)}${'f'.repeat(181)}`;
    expect(deep.length).toBe(4000);
    const folder = (levels: number) => deep.slice(0, 201 * levels - 1);
    sh(`mkdir -p ${folder(19)}; echo 1 >${deep}`);
    const baseline = await firstPass(copied);
    // Long names that are not below each other in the list are what rsync must be told to trust.
    sh(`echo 2 >${deep}; chmod 700 ${[2, 4, 11, 17].map(folder).join(' ')}`);
    const { result } = await changeRound(copied, baseline, { frozen: true });
    expect(result.listed).toEqual([...[2, 4, 11, 17].map(folder), deep]);
    expect(whatIsNotEqual(copied)).toBe('');
  });

  test('a file whose blocks reach beyond its end is as it must be, holes or not, written where it is or anew', async () => {
    const names = ['kept', 'longer', 'shorter'];
    const at = (side: string, name: string) => join(side, 'a', name);
    // With the blocks behind its end, a file with a hole has as many as one without.
    sh(`mkdir a; cd a; for f in kept shorter longer; do head -c 300000 /dev/urandom >$f; done
      truncate -s 1M kept; fallocate --keep-size -o 1M -l 4M kept
      fallocate --keep-size -l 4M shorter; fallocate --keep-size -l 4M longer`);
    for (const name of names)
      expect(statSync(at(copied.source, name)).blocks * 512).toBeGreaterThan(3_000_000);
    const baseline = await firstPass(copied);
    expect(whatIsNotEqual(copied)).toBe('');
    sh(`cd a; printf page | dd of=kept bs=1 seek=700000 conv=notrunc status=none
      fallocate --punch-hole -o 0 -l 200000 kept
      truncate -s 1000 shorter; fallocate --keep-size -l 4M shorter
      head -c 500000 /dev/urandom >>longer`);
    const { result, next } = await changeRound(copied, baseline, { frozen: true });
    expect(result.listed).toEqual(names.map((name) => `a/${name}`));
    expect(whatIsNotEqual(copied)).toBe('');
    for (const name of names)
      expect(readFileSync(at(copied.target, name)).equals(readFileSync(at(copied.source, name)))).toBe(true);
    expect((await compareWhole(copied)).first).toEqual([]);
    expect((await changeRound(copied, next, { frozen: true })).result.listed).toEqual([]);
  });

  test('a file of ten thousand holes keeps them, and what differs between them is carried', async () => {
    const extents = 10_000;
    sh('mkdir a');
    holes(join(copied.source, 'a/holes'), extents);
    sh('sync -f a/holes');
    const baseline = await firstPass(copied);
    sh(
      'for at in 3 4000 9999; do printf changed | dd of=a/holes bs=1 seek=$((at*8192 + 100)) conv=notrunc status=none; done; sync -f a/holes',
    );
    const { result } = await changeRound(copied, baseline, { frozen: true });
    expect(result.listed).toEqual(['a/holes']);
    expect(whatIsNotEqual(copied)).toBe('');
    execFileSync('sync', ['-f', copied.target]);
    const { size, blocks } = statSync(join(copied.target, 'a/holes'));
    expect(size).toBe(extents * 8192);
    // XFS keeps blocks that it set aside while the file grew, in place of the holes.
    if (to !== 'xfs') expect(blocks * 512).toBeLessThan(0.6 * size);
  });

  test('carries what was pending, and deletes it when the source has it no more', async () => {
    sh('mkdir a; echo 1 >a/f; echo 1 >a/g; ln a/f a/h');
    const baseline = await firstPass(copied);
    execFileSync('sh', ['-c', 'echo other >f; rm h; mkdir -p stray/x; touch stray/x/y'], {
      cwd: join(copied.target, 'a'),
    });
    const pending = ['a/f', 'a', 'a/stray', 'a/stray/x', 'a/stray/x/y', 'a/never'];
    const { result } = await changeRound(copied, { ...baseline, pending }, { frozen: true });
    expect(result.listed).toEqual(['', 'a', 'a/f', 'a/h', 'a/stray']);
    expect(result.deleted).toBe(3);
    expect(whatIsNotEqual(copied)).toBe('');
  });
});

describe('a pass over what changed', () => {
  let left: LoopMount;
  let right: LoopMount;
  let node: PipeNode;
  let copied: Copied;
  let runs = 0;
  beforeAll(() => {
    left = loopMount('ext4');
    right = loopMount('btrfs');
    node = pipeNode();
  });
  afterAll(() => {
    left?.unmount();
    right?.unmount();
    node?.remove();
  });
  beforeEach(() => {
    runs += 1;
    copied = {
      source: join(left.path, `tree ${runs}`),
      target: join(right.path, `place ${runs}`),
      node: node.host,
      guest: controllerHost('doc1'),
      folder: node.folder,
      destination: 'doc1',
    };
    mkdirSync(copied.source);
  });
  const sh = (script: string, cwd = copied.source) =>
    execFileSync('bash', ['-euc', script], { cwd, encoding: 'utf8' });
  const records = () => readdirSync(node.folder).filter((name) => name.startsWith('directories-'));

  /** A guest on which something happens after the given command. */
  const during = (command: number, act: () => void): Host => {
    let ran = 0;
    return {
      name: 'doc1',
      async run(argv, options) {
        const result = await copied.guest.run(argv, options);
        ran += 1;
        if (ran === command) act();
        return result;
      },
    };
  };

  test('in use counts what vanishes, and deletes it; at rest that is an error that names it', async () => {
    sh('mkdir a; echo 1 >a/f; echo 1 >a/g');
    const baseline = await firstPass(copied);
    sh('echo 2 >a/f; echo 2 >a/g');
    const guest = during(1, () => rmSync(join(copied.source, 'a/f')));
    const { result, next } = await changeRound({ ...copied, guest }, baseline, { frozen: false });
    expect(result).toMatchObject({ unsettled: 1, deleted: 1 });
    expect(existsSync(join(copied.target, 'a/f'))).toBe(false);
    sh('echo 3 >a/g; echo 3 >a/h');
    const before = records();
    const gone = during(1, () => rmSync(join(copied.source, 'a/g')));
    await expect(changeRound({ ...copied, guest: gone }, next, { frozen: true })).rejects.toMatchObject({
      code: 'copy/not-every-file',
      seen: expect.stringContaining('a/g'),
      next: expect.arrayContaining([expect.stringContaining('fuser')]),
    });
    expect(records()).toEqual(before);
  });

  test('in use takes what changes behind its back with the next one', async () => {
    sh('mkdir -p a/b c; echo 1 >a/b/f; echo 1 >c/g');
    const baseline = await firstPass(copied);
    sh('echo 2 >a/b/f');
    const guest = during(1, () => sh('mv a c/a; echo 3 >c/a/b/f; rm c/g; mkdir c/g'));
    const { next } = await changeRound({ ...copied, guest }, baseline, { frozen: false });
    await changeRound(copied, next, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
  });

  test('in use goes on where a directory becomes a link to itself, and the next one sets it right', async () => {
    sh('mkdir -p a/b c; echo 1 >a/b/f; echo 1 >a/g; echo 1 >c/h');
    const baseline = await firstPass(copied);
    sh('echo 2 >a/b/f; touch a/new; echo 2 >c/h');
    const guest = during(1, () => sh('mv a away; ln -s a a'));
    const { next } = await changeRound({ ...copied, guest }, baseline, { frozen: false });
    expect(readFileSync(join(copied.target, 'c/h'), 'utf8')).toBe('2\n');
    await changeRound(copied, next, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
    expect(readlinkSync(join(copied.target, 'a'))).toBe('a');
  });

  test('puts a directory where the target has a link to itself in its place', async () => {
    sh('mkdir -p a/b; echo 1 >a/b/f');
    const baseline = await firstPass(copied);
    sh('echo 2 >a/b/f');
    sh('rm -r a; ln -s a a', copied.target);
    const { result } = await changeRound(
      copied,
      { ...baseline, pending: ['a', 'a/b', 'a/b/f'] },
      { frozen: true },
    );
    expect(result.listed).toEqual(['', 'a', 'a/b', 'a/b/f']);
    expect(whatIsNotEqual(copied)).toBe('');
  });

  test('at rest a link to itself in the place of a directory is an error that shows it', async () => {
    sh('mkdir -p a/b; echo 1 >a/b/f');
    const baseline = await firstPass(copied);
    sh('echo 2 >a/b/f; touch a/b/new');
    const guest = during(1, () => sh('mv a away; ln -s a a'));
    await expect(changeRound({ ...copied, guest }, baseline, { frozen: true })).rejects.toMatchObject({
      code: 'copy/unreadable-directory',
      seen: expect.stringContaining('Too many levels of symbolic links'),
      next: [`ssh doc1 ls -la ${copied.source}`],
    });
  });

  test('loses nothing of a directory that is away whenever its names are asked for', async () => {
    sh('mkdir -p a/b/c; echo 1 >a/b/c/f; echo 1 >a/b/g; echo 1 >a/b/c/rest; mkdir other');
    let known = await firstPass(copied);
    sh('echo 2 >a/b/c/f; echo 2 >a/b/c/new; mkdir a/b/d; echo 2 >a/b/d/f');
    for (let round = 1; round <= 2; round += 1) {
      const guest = during(1, () => sh('mv a/b other/away'));
      known = (await changeRound({ ...copied, guest }, known, { frozen: false })).next;
      expect(known.pending).toEqual(expect.arrayContaining(['a/b/c/f', 'a/b/c/new', 'a/b/d/f']));
      // As old as it was: only its own ctime and that of both parents has moved.
      sh('mv other/away a/b');
    }
    await changeRound(copied, known, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
  });

  test('names a file that the account on the source may not read, and carries it when it may', async () => {
    sh('mkdir a; echo 1 >a/f; echo 1 >a/secret');
    const baseline = await firstPass(copied);
    // ssh logs in as somebody else than root, without sudo.
    const bin = join(node.folder, 'as nobody');
    mkdirSync(bin, { recursive: true });
    const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    writeFileSync(
      join(bin, 'ssh'),
      `#!/bin/sh\nwhile [ "$1" = -o ]; do shift 2; done\nshift\nexec ${nobody} sh -c "$*"\n`,
      { mode: 0o755 },
    );
    for (const folder of [node.folder, join(left.path, '..')]) chmodSync(folder, 0o711);
    const here = controllerHost('prom');
    const path = `PATH=${bin}:${process.env.PATH}`;
    const asNobody: Host = { name: 'prom', run: (argv, run) => here.run(['env', path, ...argv], run) };
    sh('echo 2 >a/f; echo 2 >a/secret; chmod 600 a/secret');
    await expect(
      changeRound({ ...copied, node: asNobody }, baseline, { frozen: true }),
    ).rejects.toMatchObject({
      code: 'copy/not-every-file',
      seen: expect.stringMatching(/a\/secret.*Permission denied/),
      next: [expect.stringMatching(/named above on doc1, then: drayage apply --until cutover$/)],
    });
    await changeRound(copied, baseline, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
  });

  test('deletes nothing when more would go than is allowed, what a file replaces counted too', async () => {
    sh('mkdir -p svc/a other; touch svc/a/{1,2,3} other/{1,2}');
    const baseline = await firstPass(copied);
    sh('rm -r svc other; echo 1 >other');
    await expect(changeRound(copied, baseline, { frozen: true, maxDelete: 6 })).rejects.toMatchObject({
      code: 'copy/too-many-deletions',
      seen: expect.stringMatching(/would delete 7 entries; maxDelete is 6.*svc/s),
      next: expect.arrayContaining([expect.stringContaining('set maxDelete of move docker to 7')]),
    });
    expect(statSync(join(copied.target, 'svc/a/3')).size).toBe(0);
    expect(statSync(join(copied.target, 'other')).isDirectory()).toBe(true);
    await changeRound(copied, baseline, { frozen: true, maxDelete: 7 });
    expect(whatIsNotEqual(copied)).toBe('');
  });

  test('that would be larger than its share of the tree is not begun', async () => {
    sh('mkdir a; touch a/{1..20}');
    const baseline = await firstPass(copied);
    sh('for f in a/*; do echo 1 >$f; done');
    const before = records();
    await expect(changeRound(copied, baseline, { frozen: true, maxShare: 0.5 })).rejects.toThrow(
      'the list has 20 names',
    );
    expect(statSync(join(copied.target, 'a/1')).size).toBe(0);
    expect(records()).toEqual(before);
  });

  test('leaves the share and its marker as they are at the top, and what is excluded on both sides', async () => {
    sh('mkdir -p store/overlay a; echo 1 >store/overlay/l; echo 1 >a/f');
    const share = { topIsShare: true, exclude: ['store/overlay'] };
    const baseline = await firstPass(copied, share);
    sh(
      'mkdir .drayage store/overlay; echo 1 >.drayage/share.json; echo 1 >store/overlay/t; chmod 711 .',
      copied.target,
    );
    sh('echo 2 >top; echo 2 >store/overlay/l; touch store/new; chmod 750 .');
    const { result } = await changeRound(copied, baseline, { frozen: true, ...share });
    expect(result.listed).toEqual(['store', 'store/new', 'top']);
    expect(sh('cat .drayage/share.json store/overlay/t; stat -c %a .; ls -A', copied.target)).toBe(
      '1\n1\n711\n.drayage\na\nstore\ntop\n',
    );
  });

  test('over a directory that is gone, with something left behind in it, says so', async () => {
    sh('mkdir -p store/overlay a; echo 1 >store/overlay/l; echo 1 >store/f; echo 1 >a/f');
    const share = { exclude: ['store/overlay'] };
    const baseline = await firstPass(copied, share);
    sh('mkdir store/overlay; echo 1 >store/overlay/t', copied.target);
    sh('rm -r store');
    await expect(changeRound(copied, baseline, { frozen: true, ...share })).rejects.toMatchObject({
      code: 'copy/not-empty',
      seen: expect.stringMatching(/could not delete 1 directory of move docker in .*:\nstore$/),
      next: [
        expect.stringContaining(`what is left behind in ${copied.target}/store (as prom reaches it)`),
        'drayage apply --until cutover',
      ],
    });
    expect(readFileSync(join(copied.target, 'store/overlay/t'), 'utf8')).toBe('1\n');
    sh('rm -r store/overlay', copied.target);
    await changeRound(copied, baseline, { frozen: true, ...share });
    expect(whatIsNotEqual(copied)).toBe('');
  });

  test('from an empty source, from none, or from another directory than before does not begin', async () => {
    sh('mkdir a; echo 1 >a/f');
    const baseline = await firstPass(copied);
    const refused = async (seen: string) => {
      await expect(changeRound(copied, baseline, { frozen: true })).rejects.toMatchObject({
        code: 'copy/source-not-as-expected',
        seen: expect.stringContaining(seen),
        next: expect.arrayContaining([expect.stringContaining('findmnt -T')]),
      });
      expect(readFileSync(join(copied.target, 'a/f'), 'utf8')).toBe('1\n');
    };
    sh('mv a ..');
    await refused('empty');
    sh('mv "$PWD" "$PWD.away"; mkdir "$PWD"; touch stranger', copied.source);
    writeFileSync(join(copied.source, 'stranger'), '');
    await refused('another directory');
  });

  test('that came to nothing leaves no doubt about what it touched, though the source is again as it was', async () => {
    sh('mkdir app app.new; echo 1 >app/data; echo 2 >app.new/data; touch -r app/data app.new/data');
    const baseline = await firstPass(copied);
    sh('mv app app.old; mv app.new app');
    let pending: readonly string[] = [];
    await changeRound(copied, baseline, {
      frozen: true,
      keepDoubt: async (names) => {
        pending = names;
      },
    });
    // The window is taken back, and the upgrade undone: nothing below has a new ctime, and both directories stand where they stood.
    sh('mv app app.new; mv app.old app');
    await changeRound(copied, { ...baseline, pending }, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
    expect(readFileSync(join(copied.target, 'app/data'), 'utf8')).toBe('1\n');
  });

  test('writes into no file before its name is kept as doubtful, and into none when that is refused', async () => {
    sh('mkdir db; head -c 300000 /dev/zero | tr "\\0" a >db/pages; echo 1 >other');
    const baseline = await firstPass(copied);
    sh('printf b | dd of=db/pages bs=1 seek=9000 conv=notrunc status=none; echo 22 >new');
    const there = () => readFileSync(join(copied.target, 'db/pages'), 'utf8')[9000];
    const refused = changeRound(copied, baseline, {
      frozen: true,
      keepDoubt: () => Promise.reject(new Error('the clock was set')),
    });
    await expect(refused).rejects.toThrow('the clock was set');
    expect(there()).toBe('a');
    const kept: (readonly string[])[] = [];
    await changeRound(copied, baseline, {
      frozen: true,
      keepDoubt: async (names) => {
        if (kept.length === 0) expect(there()).toBe('a');
        kept.push(names);
      },
    });
    expect(kept[0]).toContain('db/pages');
    expect(kept.at(-1)).toEqual(expect.arrayContaining(['db/pages', 'new']));
    expect(whatIsNotEqual(copied)).toBe('');
  });

  describe('at rest fails, and is over,', () => {
    const failing = async (
      side: 'guest' | 'node',
      run: (argv: readonly string[]) => readonly string[] | Error,
    ) => {
      sh('mkdir db apps; for n in 1 2 3 4 5 6 7 8 9; do mkdir apps/$n; echo $n >apps/$n/f; done');
      sh('head -c 300000 /dev/zero >db/pages');
      const baseline = await firstPass(copied);
      sh('printf b | dd of=db/pages bs=1 seek=9000 conv=notrunc status=none; echo new >apps/3/new');
      const host: Host = {
        name: copied[side].name,
        run(argv, more) {
          const other = run(argv);
          return other instanceof Error ? Promise.reject(other) : copied[side].run(other, more);
        },
      };
      const byte = readFileSync(join(copied.target, 'db/pages'))[9000];
      const passing = changeRound({ ...copied, [side]: host }, baseline, { frozen: true });
      return { passing, touched: () => readFileSync(join(copied.target, 'db/pages'))[9000] !== byte };
    };

    test('when an rsync cannot be asked', async () => {
      const { passing } = await failing('node', (argv) =>
        argv.includes('--inplace') ? new Error('connection lost') : argv,
      );
      await expect(passing).rejects.toThrow('connection lost');
    });

    test('when a find is killed in the middle of its answer', async () => {
      const killed = `printf 'd 1:2 2 8 4096 .\\0f 1:3 1 8 10 ./some/na'; kill -9 $$; exec find`;
      const { passing } = await failing('node', (argv) =>
        argv.map((word) => (word.includes('-maxdepth 0') ? word.replace('exec find', () => killed) : word)),
      );
      await expect(passing).rejects.toMatchObject({ code: 'copy/unreadable-directory' });
    });

    test('when the second walk could not see all, before the target is touched', async () => {
      const { passing, touched } = await failing('guest', (argv) =>
        argv.map((word) =>
          word.includes('while [ "$up"') ? word.replace('exec find', 'false; exec false') : word,
        ),
      );
      await expect(passing).rejects.toMatchObject({ code: 'copy/unreadable-directory' });
      expect(touched()).toBe(false);
    });
  });

  test('keeps the doubt of what it wrote when it then deletes nothing, for that would be too much', async () => {
    sh('mkdir db gone; head -c 300000 /dev/zero >db/pages; touch gone/{1..20}');
    const baseline = await firstPass(copied);
    sh('printf b | dd of=db/pages bs=1 seek=9000 conv=notrunc status=none; rm -r gone');
    let pending: readonly string[] = [];
    const keepDoubt = async (names: readonly string[]) => {
      pending = names;
    };
    await expect(
      changeRound(copied, baseline, { frozen: true, maxDelete: 5, keepDoubt }),
    ).rejects.toMatchObject({ code: 'copy/too-many-deletions' });
    expect(pending).toEqual(['db/pages']);
    expect(existsSync(join(copied.target, 'gone/20'))).toBe(true);
  });

  describe('that was opened before it begins', () => {
    const waiting = async (baseline: Baseline, lost?: number) => {
      let runs = 0;
      const guest: Host = {
        name: 'doc1',
        run(argv, more) {
          runs += 1;
          return runs === lost ? Promise.reject(new Error('connection lost')) : copied.guest.run(argv, more);
        },
      };
      const begin = Promise.withResolvers<void>();
      const passing = changeRound({ ...copied, guest }, baseline, { frozen: true, begin: begin.promise });
      passing.catch(() => {});
      await expect.poll(() => runs).toBe(2);
      await sleep(200);
      return { ...begin, passing, runs: () => runs };
    };

    test('carries what changed while it waited, and is in no directory until then', async () => {
      sh('mkdir -p a/b; echo 1 >a/f');
      const { passing, resolve } = await waiting(await firstPass(copied));
      const held = execFileSync('sh', ['-c', quietScript], { maxBuffer: 1e9 }).toString('latin1');
      expect(holders(held, copied.source)).toEqual([]);
      sh('echo 2 >a/f; mv a/b a/c');
      resolve();
      expect((await passing).result.listed).toEqual(expect.arrayContaining(['a/b', 'a/c', 'a/f']));
      expect(whatIsNotEqual(copied)).toBe('');
    });

    test('asks anew where a connection was lost while it waited', async () => {
      sh('mkdir a; echo 1 >a/f');
      const { passing, resolve, runs } = await waiting(await firstPass(copied), 2);
      sh('echo 2 >a/f');
      resolve();
      await passing;
      expect(runs()).toBeGreaterThan(3);
      expect(whatIsNotEqual(copied)).toBe('');
    });

    test('asks for no lock before it begins, also where too much is pending', async () => {
      sh('mkdir a; echo 1 >a/f');
      const baseline = await firstPass(copied);
      const ran: string[] = [];
      const node: Host = {
        name: 'prom',
        run(argv, more) {
          ran.push(argv.join(' '));
          return copied.node.run(argv, more);
        },
      };
      const begin = Promise.withResolvers<void>();
      const passing = changeRound(
        { ...copied, node },
        { ...baseline, pending: ['a', 'b', 'c'] },
        {
          frozen: true,
          maxShare: 0.1,
          begin: begin.promise,
        },
      );
      passing.catch(() => {});
      await sleep(500);
      expect(ran.filter((command) => command.includes('flock'))).toEqual([]);
      begin.resolve();
      await expect(passing).rejects.toThrow('the list has 3 names');
    });

    test('looks at nothing where it is given up', async () => {
      sh('mkdir a; echo 1 >a/f');
      const { passing, reject } = await waiting(await firstPass(copied));
      sh('echo 2 >a/f');
      reject(new Error('the last pass was given up'));
      await expect(passing).rejects.toThrow('given up');
      expect(readFileSync(join(copied.target, 'a/f'), 'utf8')).toBe('1\n');
    });
  });

  test('does not go on over a file system that was mounted inside since the inspection', async () => {
    sh('mkdir media; echo 1 >media/f');
    const baseline = await firstPass(copied);
    const media = join(copied.source, 'media');
    execFileSync('mount', ['-t', 'tmpfs', 'none', media]);
    try {
      await expect(changeRound(copied, baseline, { frozen: true })).rejects.toMatchObject({
        code: 'copy/source-not-as-expected',
        seen: expect.stringContaining('media'),
        next: [expect.stringContaining('findmnt --submounts'), 'drayage plan'],
      });
    } finally {
      execFileSync('umount', [media]);
    }
    expect(readFileSync(join(copied.target, 'media/f'), 'utf8')).toBe('1\n');
  });

  test('never carries what lies below something left behind, whatever is pending', async () => {
    sh('mkdir -p .drayage lager-ä; echo source >.drayage/share.json; echo 1 >top; echo 1 >lager-ä/layer');
    const share = { topIsShare: true, exclude: ['lager-ä'] };
    mkdirSync(join(copied.target, '.drayage'), { recursive: true });
    writeFileSync(join(copied.target, '.drayage/share.json'), 'share');
    const baseline = await firstPass(copied, share);
    const doubtful = { ...baseline, pending: ['.drayage/share.json', 'lager-\u00c3\u00a4/layer', 'top'] };
    const { result } = await changeRound(copied, doubtful, { frozen: true, ...share });
    expect(result.listed).toEqual(['top']);
    expect(readFileSync(join(copied.target, '.drayage/share.json'), 'utf8')).toBe('share');
  });

  test('while another one runs says so', async () => {
    sh('mkdir a; echo 1 >a/f');
    const baseline: Baseline = await firstPass(copied);
    const holder = spawn('flock', [join(node.folder, 'lock'), 'sleep', '60'], { stdio: 'ignore' });
    try {
      await mark(copied.source);
      await expect(changeRound(copied, baseline, { frozen: true })).rejects.toMatchObject({
        code: 'copy/locked',
        next: expect.arrayContaining([
          expect.stringContaining(`fuser --verbose ${join(node.folder, 'lock')}`),
        ]),
      });
    } finally {
      holder.kill();
      await once(holder, 'exit');
      execFileSync('sh', ['-c', 'fuser -k "$1" || true', 'sh', join(node.folder, 'lock')], {
        stdio: 'ignore',
      });
    }
  });
});
