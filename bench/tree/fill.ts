import { execFileSync } from 'node:child_process';
import { randomNumbers } from '../../test/support/random-tree.ts';
import { type DatabaseFiles, fillDatabases } from './databases.ts';
import { Growing, type Owner, type TreeCounts } from './growing.ts';

export interface TreeSize {
  readonly entries: number;
  readonly bytes: number;
}

/** A generated tree, as far as `changeTree` must know it. */
export interface GeneratedTree {
  readonly root: string;
  /** Ordinary files with one name, relative to the root; kept up to date by `changeTree`. */
  plain: string[];
  readonly databases: DatabaseFiles;
  readonly counts: TreeCounts & {
    readonly withXattrs: number;
    readonly withAcls: number;
    readonly owners: number;
  };
}

const filesPerFolder = 40;
const foldersPerApp = 50;
const appsPerGroup = 10;
/** root, an operator, a service, subordinate ids of a rootless container, a name that no /etc/passwd knows. */
const owners: readonly Owner[] = [
  { uid: 0, gid: 0 },
  { uid: 1000, gid: 100 },
  { uid: 33, gid: 33 },
  { uid: 100_999, gid: 100_999 },
  { uid: 472, gid: 472 },
];

/**
 * Fills an empty directory as containers do: many small files (an exponential distribution), four databases with 15 %
 * of the bytes, four large files with 15 %, 1 % hard links in other folders, 0.5 % symbolic links, 0.1 % sparse files,
 * 1 % with an xattr, 0.2 % with an ACL, a few with capabilities, eight owners. The same size gives the same names and sizes.
 */
export function fillTree(root: string, size: TreeSize): GeneratedTree {
  const random = randomNumbers(1);
  const tree = new Growing(root, random);
  const databases = fillDatabases(tree, { entries: size.entries, bytes: size.bytes * 0.15 });
  tree.owner = { uid: 1000, gid: 100 };
  for (const [index, name] of ['video.mkv', 'backup.tar.zst', 'model.bin', 'library.zip'].entries())
    tree.random(`media/${name}`, Math.floor((size.bytes * 0.15 * (index + 1)) / 10));
  tree.sparse('media/disk.raw', Math.floor(size.bytes / 20));

  const mean = (size.bytes * 0.7) / Math.max(1, size.entries - tree.counts.entries);
  const plain: string[] = [];
  for (let index = 0; tree.counts.entries < size.entries; index += 1) {
    const folder = Math.floor(index / filesPerFolder);
    const app = Math.floor(folder / foldersPerApp);
    tree.owner = owners[app % owners.length] as Owner;
    const path = `apps/group${Math.floor(app / appsPerGroup)}/app${app}/data/d${folder}/f${index}`;
    if (index % 100 === 99) tree.hardLink(plain[random(plain.length)] as string, `${path}.link`);
    else if (index % 200 === 50) tree.symbolicLink(`f${index - 1}`, path);
    else if (index % 1000 === 500) tree.sparse(path, 1024 ** 2);
    else {
      tree.random(path, Math.floor(mean * -Math.log((random(1_000_000) + 1) / 1_000_001)));
      plain.push(path);
    }
  }
  // An inode with two names would be tagged, and later changed, twice over.
  const linked = new Set(linkedFiles(root));
  const single = plain.filter((path) => !linked.has(path));
  const every = (step: number, from: number) => single.filter((_path, index) => index % step === from);
  const tagged = every(100, 10);
  const listed = every(500, 20);
  onPaths(root, ['setfattr', '-n', 'user.note', '-v', 'bench', '--'], tagged);
  onPaths(root, ['setfacl', '-m', 'u:2001:rw,g:33:r', '--'], listed);
  onPaths(root, ['setfacl', '-d', '-m', 'u:2001:rx', '--'], ['apps/group0/app0/data', 'media']);
  // cap_net_bind_service, permitted and effective.
  const capability = '0sAQAAAgAEAAAAAAAAAAAAAAAAAAA=';
  onPaths(root, ['setfattr', '-n', 'security.capability', '-v', capability, '--'], single.slice(0, 3));
  return {
    root,
    plain: single,
    databases,
    counts: { ...tree.counts, withXattrs: tagged.length, withAcls: listed.length + 2, owners: tree.owners },
  };
}

/** Runs a tool on many paths relative to the root. */
export function onPaths(root: string, command: readonly string[], paths: readonly string[]): void {
  if (paths.length === 0) return;
  execFileSync('xargs', ['-0', ...command], {
    cwd: root,
    input: paths.join('\0'),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

function linkedFiles(root: string): string[] {
  const argv = ['apps', '-type', 'f', '-links', '+1', '-print'];
  return execFileSync('find', argv, { cwd: root, maxBuffer: 2 ** 30 })
    .toString('utf8')
    .split('\n');
}
