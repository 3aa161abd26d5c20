import { execFileSync } from 'node:child_process';
import {
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceDirectory } from '../../../src/inspect/findings.ts';
import { readSource } from '../../../src/inspect/source.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { type FileSystem, type LoopMount, loopMount } from '../../support/loop-mount.ts';

const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });

const take = async (path: string, exclude: readonly string[] = []): Promise<SourceDirectory> => {
  const host = controllerHost();
  const { source, notSeen } = await readSource({
    host,
    path,
    exclude,
    mounts: [],
    storeRoots: [],
    missingTools: [],
  });
  expect(notSeen).toEqual([]);
  if (source.state !== 'directory') throw new Error(source.seen);
  return source;
};

/** One of everything, in a directory of its own on a real file system. */
async function fill(path: string): Promise<void> {
  const inside = (...parts: string[]) => join(path, ...parts);
  mkdirSync(inside('plain'), { recursive: true });
  writeFileSync(inside('plain', 'file'), 'x'.repeat(10_000));
  writeFileSync(inside('plain', '-rf'), 'x');
  writeFileSync(inside('plain', 'quote\'s "and" $(more)\nlines'), 'x');
  writeFileSync(Buffer.concat([Buffer.from(inside('caf')), Buffer.from([0xe9])]), 'x');
  writeFileSync(inside('linked'), 'x'.repeat(5000));
  linkSync(inside('linked'), inside('plain', 'linked-too'));
  writeFileSync(inside('pair'), 'x');
  linkSync(inside('pair'), inside('pair-too'));
  writeFileSync(inside('holes'), '');
  truncateSync(inside('holes'), 8 * 1024 * 1024);
  symlinkSync('/nowhere', inside('link'));
  writeFileSync(inside('acl'), 'x');
  run('setfacl', '-m', 'u:1234:r', inside('acl'));
  mkdirSync(inside('default-acl'));
  run('setfacl', '-d', '-m', 'u:1234:r', inside('default-acl'));
  writeFileSync(inside('noted'), 'x');
  run('setfattr', '-n', 'user.note', '-v', 'x', inside('noted'));
  writeFileSync(inside('ping'), 'x');
  run('setcap', 'cap_net_raw+ep', inside('ping'));
  run('mkfifo', inside('pipe'));
  run('mknod', inside('null'), 'c', '1', '3');
  run('mknod', inside('disk'), 'b', '7', '0');
  await socket(inside('run.sock'));
  writeFileSync(inside('owned'), 'x');
  chownSync(inside('owned'), 4_000_000_000, 100_999);
}

/** A socket file stays when the process that made it is ended; closing it properly would remove it. */
async function socket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.open`, resolve));
  linkSync(`${path}.open`, path);
  await new Promise((resolve) => server.close(resolve));
}

describe.each(['ext4', 'xfs', 'btrfs'] as const)('the census on %s', (kind: FileSystem) => {
  let mount: LoopMount;
  let path: string;
  beforeAll(async () => {
    mount = loopMount(kind);
    path = join(mount.path, 'docker');
    await fill(path);
    run('sync', '-f', mount.path);
  });
  afterAll(() => mount?.unmount());

  it('counts entries, inodes, bytes, links and holes', async () => {
    const found = await take(path);
    expect(found).toMatchObject({ entries: 20, inodes: 18, hardLinkGroups: 2, sparseFiles: 1, fsType: kind });
    // file, -rf, quote's, caf, linked, pair, holes, acl, noted, ping, owned
    expect(found.bytes).toBe(10_000 + 1 + 1 + 1 + 5000 + 1 + 8 * 1024 * 1024 + 4);
    const allocated = Number(execFileSync('du', ['-s', '-B1', path], { encoding: 'utf8' }).split('\t')[0]);
    const top = Number(execFileSync('stat', ['-c', '%b', path], { encoding: 'utf8' })) * 512;
    expect(found.allocatedBytes).toBe(allocated - top);
  });

  it('takes ACLs, capabilities and other attributes apart', async () => {
    expect(await take(path)).toMatchObject({ acls: 2, xattrs: 1, capabilities: 1 });
  });

  it('names what is neither file, directory nor link', async () => {
    expect((await take(path)).special).toEqual({
      fifos: 1,
      sockets: 1,
      devices: 2,
      first: ['disk', 'null', 'pipe', 'run.sock'],
    });
  });

  it('knows names that are not UTF-8, and owners by their numbers', async () => {
    const found = await take(path);
    expect(found.notUtf8).toEqual({ count: 1, first: ['caf\\xe9'] });
    expect(found.owners).toEqual([
      { uid: 0, gid: 0, entries: 19 },
      { uid: 4_000_000_000, gid: 100_999, entries: 1 },
    ]);
  });

  it('sees a file system that is mounted inside, and does not count what is in it', async () => {
    const before = await take(path);
    const inside = join(path, 'media');
    mkdirSync(inside);
    run('mount', '-t', 'tmpfs', 'tmpfs', inside);
    try {
      writeFileSync(join(inside, 'film'), 'x'.repeat(100_000));
      const found = await take(path);
      expect(found.submounts).toEqual([inside]);
      expect(found).toMatchObject({ entries: before.entries + 1, bytes: before.bytes });
      expect((await take(path, ['media'])).submounts).toEqual([]);
    } finally {
      run('umount', inside);
      run('rmdir', inside);
    }
  });

  it('finds a database by a path of 4,000 bytes', async () => {
    const parts = Array.from({ length: 16 }, (_, at) => `${'d'.repeat(247)}${String(at).padStart(2, '0')}`);
    const deep = join(path, 'deep');
    mkdirSync(deep);
    // No system call takes such a path whole: it is made step by step.
    const script = `for part in ${parts.join(' ')}; do mkdir "$part" && cd "$part" || exit 1; done
printf 'SQLite format 3\\0%0500d' 0 > a.db && setfattr -n user.note -v x a.db`;
    execFileSync('sh', ['-c', script], { cwd: deep, stdio: 'pipe' });
    try {
      const found = await take(path);
      expect(found.databases.map((database) => database.path)).toEqual([`deep/${parts.join('/')}/a.db`]);
      expect(found.xattrs).toBe(2);
    } finally {
      run('rm', '-rf', deep);
    }
  });
});

describe('the census', () => {
  it('finds more databases than it looks into at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drayage-census-'));
    try {
      const header = Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(496)]);
      for (let at = 0; at < 2300; at += 1)
        writeFileSync(join(folder, `${at}.db`), at % 2 === 0 ? header : Buffer.alloc(512));
      expect((await take(folder)).databases).toHaveLength(1150);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the census on btrfs', () => {
  it('does not take a setting of btrfs for an attribute that the guest must see', async () => {
    const mount = loopMount('btrfs');
    try {
      run('btrfs', 'property', 'set', mount.path, 'compression', 'zstd');
      writeFileSync(join(mount.path, 'a'), 'x');
      expect(execFileSync('getfattr', ['-m', '-', join(mount.path, 'a')], { encoding: 'utf8' })).toContain(
        'btrfs.compression',
      );
      expect((await take(mount.path)).xattrs).toBe(0);
    } finally {
      mount.unmount();
    }
  });

  it('names a subvolume inside: it is another file system that no list of mounts shows', async () => {
    const mount = loopMount('btrfs');
    try {
      const path = join(mount.path, 'docker');
      mkdirSync(path);
      run('btrfs', 'subvolume', 'create', join(path, 'photos'));
      writeFileSync(join(path, 'photos', 'a'), 'x');
      const found = await take(path);
      expect(found.submounts).toEqual([join(path, 'photos')]);
      expect(found.entries).toBe(1);
    } finally {
      mount.unmount();
    }
  });
});
