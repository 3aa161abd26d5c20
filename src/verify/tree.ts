import type { Host, RunResult } from '../ssh/host.ts';
import { verifyError } from './errors.ts';
import { printableName } from './name.ts';

/** A tree on a machine. `path` is absolute. */
export interface Tree {
  readonly host: Host;
  readonly path: string;
  /** Relative to the path; neither walked nor compared. */
  readonly exclude: readonly string[];
}

export function unreadable(tree: Tree, what: string, result: Pick<RunResult, 'exitCode' | 'stderr'>): Error {
  const said = result.stderr.toString('utf8').trim().split('\n').slice(0, 20).join('\n');
  return verifyError('verify/unreadable', {
    seen: `${what} of ${tree.path} on ${tree.host.name} could not be read (exit code ${result.exitCode}): ${said}`,
    next: [`ssh ${tree.host.name} ls -la ${tree.path}`],
  });
}

export function notUnderstood(tree: Tree, tool: string, seen: string): Error {
  return verifyError('verify/unreadable-output', {
    seen: `${tool} on ${tree.host.name} printed: ${printableName(seen.slice(0, 300))}`,
    next: [`ssh ${tree.host.name} ${tool} --version`],
  });
}

/**
 * Whether all that these tools complained of is names that are not there (any more). find and getfattr escape newlines
 * in names, so each complaint is one line.
 */
export function onlyVanished(stderr: Buffer, tool: 'find' | 'getfattr'): boolean {
  return complaints(stderr, tool).every(isVanished);
}

export function complaints(stderr: Buffer, tool: 'find' | 'getfattr'): string[] {
  return stderr
    .toString('latin1')
    .split('\n')
    .filter((line) => line.startsWith(`${tool}: `));
}

/** A name is also gone when a directory above it has become something else. */
export function isVanished(complaint: string): boolean {
  return /: (No such file or directory|Not a directory)$/.test(complaint);
}
