import { guestError } from '../guest/errors.ts';
import { probe } from '../guest/probe.ts';
import type { Host } from '../ssh/host.ts';
import type { MountFindings } from './findings.ts';

/** Seconds for a look at paths that may lead into a share whose virtiofsd is gone: it would never answer. */
const timeoutSeconds = 30;

/** File systems that another machine serves: a look at one that is gone hangs. */
const served = /^(virtiofs|9p|nfs4?|cifs|smb3|fuse(\..*)?)$/;

/**
 * Where paths really lie, symbolic links resolved (`readlink -m`, coreutils; what does not exist stays as it is). One
 * call for all. Paths on served file systems are not touched and stay as they are.
 * @throws `guest/unexpected-output`
 */
export async function readRealPaths(
  host: Host,
  paths: readonly string[],
  mounts: readonly MountFindings[],
): Promise<ReadonlyMap<string, string>> {
  const remote = mounts.filter((mount) => served.test(mount.fsType));
  const asked = [...new Set(paths)].filter(
    (path) =>
      path.startsWith('/') && !path.includes('\n') && !remote.some((mount) => isBelow(path, mount.target)),
  );
  if (asked.length === 0) return new Map();
  const { real } = await probe(host, { real: ['readlink', '-m', '--', ...asked] }, timeoutSeconds);
  const lines = real.stdout.split('\n').slice(0, -1);
  if (lines.length !== asked.length) {
    throw guestError('guest/unexpected-output', {
      seen: `${host.name}: readlink -m was asked for ${asked.length} paths and printed ${lines.length}: ${real.stderr.split('\n')[0] ?? ''}`,
      next: ['readlink --version   # GNU coreutils is needed'],
    });
  }
  return new Map(asked.map((path, index) => [path, lines[index] as string]));
}

/** Is `path` the folder itself or below it? */
export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** The path lies in a moved one, or holds it: a bind mount of a parent shows the moved data too. `/` itself is no sign. */
export function touches(path: string, movedPaths: readonly string[]): boolean {
  return movedPaths.some((moved) => isBelow(path, moved) || (path !== '/' && isBelow(moved, path)));
}

/**
 * The paths as they are written, and those of their real places that concern a move: a link of this guest says nothing
 * about the target.
 */
export function withRealPaths(
  paths: readonly string[],
  real: ReadonlyMap<string, string>,
  movedPaths: readonly string[],
): string[] {
  const places = paths.flatMap((path) => real.get(path) ?? []);
  return [...new Set([...paths, ...places.filter((place) => touches(place, movedPaths))])];
}
