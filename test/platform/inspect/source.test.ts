import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceDirectory, SourceFindings } from '../../../src/inspect/findings.ts';
import { readSource } from '../../../src/inspect/source.ts';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';

let folder: string;
let path: string;

const look = (host: Host = controllerHost(), changes: Partial<Parameters<typeof readSource>[0]> = {}) =>
  readSource({ host, path, exclude: [], mounts: [], storeRoots: [], missingTools: [], ...changes });

const directory = (source: SourceFindings): SourceDirectory => {
  if (source.state !== 'directory') throw new Error(`${source.state}: ${source.seen}`);
  return source;
};

/** Everything that a write would change, times of reading aside. */
const listing = (): string =>
  execFileSync('find', [path, '-printf', '%y %m %U %G %s %T@ %C@ %n %i %P\\0'], { encoding: 'latin1' })
    .split('\0')
    .sort()
    .join('\n');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-source-'));
  chmodSync(folder, 0o755);
  path = join(folder, 'docker');
  const inside = (...parts: string[]) => join(path, ...parts);
  mkdirSync(inside('immich'), { recursive: true });
  chmodSync(path, 0o755);
  writeFileSync(inside('immich', 'a'), 'x'.repeat(5000));
  linkSync(inside('immich', 'a'), inside('immich', 'b'));
  chownSync(inside('immich', 'a'), 1000, 100);
  writeFileSync(inside('sparse'), '');
  truncateSync(inside('sparse'), 1_048_576);
  symlinkSync('/nowhere', inside('link'));
  writeFileSync(Buffer.concat([Buffer.from(`${path}/odd\n`), Buffer.from([0xff])]), 'odd');
  mkdirSync(inside('pg', 'global'), { recursive: true });
  writeFileSync(inside('pg', 'PG_VERSION'), '16\n');
  writeFileSync(inside('pg', 'global', 'pg_control'), 'x');
  writeFileSync(inside('app.db'), `SQLite format 3\0${'\0'.repeat(4080)}`);
  writeFileSync(inside('app.db-wal'), 'wal');
  writeFileSync(inside('not.db'), 'x'.repeat(4096));
  mkdirSync(inside('store', 'overlay-containers'), { recursive: true });
  mkdirSync(inside('store', 'overlay-images'));
  writeFileSync(inside('store', 'layer'), 'x'.repeat(9000));
  execFileSync('setfattr', ['-n', 'user.overlay.opaque', '-v', 'y', inside('store', 'layer')]);
  linkSync(inside('store', 'layer'), inside('store', 'overlay-images', 'again'));
  mkdirSync(inside('left'));
  writeFileSync(inside('left', 'out'), 'x');
  mkdirSync(inside('closed'), { mode: 0o700 });
  writeFileSync(inside('closed', 'hidden'), 'x');
  execFileSync('setfacl', ['-m', 'u:1234:r', inside('immich', 'a')]);
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'x', inside('sparse')]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a source path', () => {
  it('is counted, with what is special about it', async () => {
    const { source, notSeen } = await look(controllerHost(), {
      exclude: ['left'],
      storeRoots: [join(path, 'store')],
    });
    const found = directory(source);
    expect(notSeen).toEqual([]);
    // immich, a, b, sparse, link, odd, pg, PG_VERSION, global, pg_control, app.db, app.db-wal, not.db, closed, hidden
    expect(found).toMatchObject({
      entries: 15,
      empty: false,
      isMount: false,
      mode: '0755',
      hardLinkGroups: 1,
      sparseFiles: 1,
      // Two names of one file count as two entries.
      inodes: 14,
      acls: 2,
      xattrs: 1,
      capabilities: 0,
      unreadable: { count: 0, first: [] },
      notUtf8: { count: 1, first: ['odd\\x0a\\xff'] },
      imageStores: ['store'],
    });
    expect(found.bytes).toBe(5000 + 1_048_576 + 3 + 3 + 1 + 4096 + 3 + 4096 + 1);
    expect(found.owners).toContainEqual({ uid: 1000, gid: 100, entries: 2 });
    const [device, inode] = execFileSync('stat', ['-c', '%d %i', path], { encoding: 'utf8' })
      .trim()
      .split(' ');
    expect(found).toMatchObject({ device, inode });
  });

  it('has its databases named by their marks; a file that only looks like one is not', async () => {
    const { source } = await look();
    expect(directory(source).databases).toEqual([
      { kind: 'SQLite (WAL)', path: 'app.db', mark: 'SQLite format 3, app.db-wal' },
      { kind: 'PostgreSQL', path: 'pg', mark: 'PG_VERSION, global/pg_control' },
    ]);
  });

  it('has an image store recognised of which no manager spoke, and not counted', async () => {
    const known = directory((await look(controllerHost(), { storeRoots: [join(path, 'store')] })).source);
    const unknown = directory((await look()).source);
    expect(unknown.imageStores).toEqual(['store']);
    expect(unknown).toEqual(known);
  });

  it('is left exactly as it was', async () => {
    const before = listing();
    await look();
    expect(listing()).toBe(before);
  });

  it('names what a user without privilege cannot read', async () => {
    const { source } = await look(nobody());
    expect(directory(source).unreadable).toEqual({ count: 1, first: ['closed'] });
  });

  it('says that attributes were not counted where the tool is missing', async () => {
    const { source, notSeen } = await look(controllerHost(), { missingTools: ['getfattr'] });
    expect(directory(source).acls).toBe(0);
    expect(notSeen).toMatchObject([
      { what: 'ACLs and extended attributes', next: expect.stringContaining('apt-get install attr') },
    ]);
  });

  it('has no walk left behind when the other one fails', async () => {
    const root = controllerHost();
    let ended: boolean | undefined;
    const host: Host = {
      name: root.name,
      run(argv, options) {
        if (argv.includes('getfattr')) {
          return new Promise((_, reject) => {
            options?.signal?.addEventListener('abort', () => {
              ended = true;
              reject(new Error('aborted'));
            });
          });
        }
        return argv.includes('find') ? Promise.reject(new Error('no answer')) : root.run(argv, options);
      },
    };
    await expect(look(host)).rejects.toThrow('no answer');
    expect(ended).toBe(true);
  });

  it('that is missing, a file, a link, closed or empty is told as such', async () => {
    const at = (relative: string, host = controllerHost()) => look(host, { path: join(path, relative) });
    expect((await at('none')).source).toMatchObject({
      state: 'missing',
      seen: expect.stringContaining('No such file or directory'),
    });
    expect((await at('sparse')).source).toEqual({ state: 'not-a-directory', seen: 'a regular file' });
    expect((await at('link')).source).toEqual({ state: 'not-a-directory', seen: 'a symbolic link' });
    expect((await at('closed', nobody())).source).toMatchObject({ state: 'unreadable' });
    expect((await at('store/overlay-containers')).source).toMatchObject({
      state: 'directory',
      empty: true,
      entries: 0,
    });
  });

  it('that carries the folder of a share is told as such', async () => {
    expect(directory((await look()).source).hasShareFolder).toBe(false);
    symlinkSync('/nowhere', join(path, '.drayage'));
    try {
      expect(directory((await look()).source).hasShareFolder).toBe(true);
    } finally {
      rmSync(join(path, '.drayage'));
    }
  });

  it('that is a mount point, and the mounts below it, are told from the list of mounts', async () => {
    const mounts = [path, join(path, 'pg'), `${path}-other`].map((target) => ({
      target,
      source: 'x',
      fsType: 'xfs',
    }));
    expect(directory((await look(controllerHost(), { mounts })).source)).toMatchObject({
      isMount: true,
      submounts: [join(path, 'pg')],
    });
  });
});

/** This machine as an unprivileged user sees it. */
function nobody(): Host {
  const root = controllerHost();
  return {
    name: root.name,
    run: (argv, options) => root.run(['runuser', '-u', 'nobody', '--', ...argv], options),
  };
}
