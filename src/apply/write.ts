import { createHash } from 'node:crypto';
import type { Operation } from '../plan/operation.ts';
import { applyError } from './errors.ts';
import type { World } from './world.ts';

type Write = Extract<Operation, { kind: 'write' }>;

/**
 * Path, mode, owner (or nothing) and number of bytes are arguments; the content comes on stdin. The old file is there until
 * the new one is whole: a connection that is cut ends stdin like a content that has ended, so the bytes are counted.
 */
export const writeScript = [
  'set -eu',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
  'folder=${1%/*}',
  '[ -n "$folder" ] || folder=/',
  'new="$folder/.drayage-new.$$"',
  'trap \'rm -f -- "$new"\' EXIT',
  'umask 077',
  'cat >"$new"',
  'got=$(wc -c <"$new")',
  '[ "$got" -eq "$4" ] || { echo "$got of $4 bytes have come" >&2; exit 1; }',
  '[ -z "$3" ] || chown -- "$3" "$new"',
  'chmod -- "$2" "$new"',
  'sync -- "$new"',
  'mv -fT -- "$new" "$1"',
  'sync -- "$folder"',
].join('\n');

/** Writes one file of a host, whole. Its folder must be there. @throws apply/changed-meanwhile, apply/command-failed */
export async function writeFile(operation: Write, world: World): Promise<void> {
  const content = await contentOf(operation, world);
  const owner = operation.owner === undefined ? '' : `${operation.owner.uid}:${operation.owner.gid}`;
  const host = world.hosts(operation.host);
  const argv = ['sh', '-c', writeScript, 'sh', operation.path, operation.mode, owner];
  const result = await host.run([...argv, String(Buffer.byteLength(content))], {
    stdin: content,
    signal: world.stop,
  });
  if (result.exitCode === 0) return;
  throw applyError('apply/command-failed', {
    seen: `${operation.path} on ${operation.host} could not be written (exit code ${result.exitCode}): ${result.stderr.toString('utf8').trim()}`,
    next: [`ssh ${operation.host} ls -ld ${operation.path.replace(/\/[^/]*$/, '') || '/'}`],
  });
}

async function contentOf(operation: Write, world: World): Promise<string | Uint8Array> {
  if (typeof operation.content === 'string') return operation.content;
  const { from, sha256 } = operation.content;
  const result = await world.hosts(from.host).run(['cat', '--', from.path], { signal: world.stop });
  if (result.exitCode !== 0) {
    throw applyError('apply/command-failed', {
      seen: `${from.path} on ${from.host} could not be read: ${result.stderr.toString('utf8').trim()}`,
      next: [`ssh ${from.host} ls -l ${from.path}`],
    });
  }
  const seen = createHash('sha256').update(result.stdout).digest('hex');
  if (seen === sha256) return result.stdout;
  throw applyError('apply/changed-meanwhile', {
    seen: `${from.path} on ${from.host} has SHA-256 ${seen}; the plan was made from ${sha256}`,
    next: ['drayage plan   # and look at it again'],
  });
}
