import type { MoveConfig } from '../config/config.ts';
import type { FinalizeFacts } from '../plan/finalize/facts.ts';
import { listingDigest } from '../plan/way-back/listing.ts';
import type { Host } from '../ssh/host.ts';
import { finalizeError } from './errors.ts';

/** Prints the newest access, modification and change time below $1, without what is named after it. */
export const newestTimes = [
  'cd -- "$1" || exit 1',
  'shift',
  'for name do set -- "$@" -path "./$name" -prune -o; shift; done',
  'for time in A T C; do find . -xdev "$@" ! -type d -printf "%$time@\\n" | LC_ALL=C sort -n | tail -n 1; done',
].join('\n');
const listingSeconds = 3600;

/** What would be deleted, and when it was last used. Looks only. @throws finalize/unreadable-output */
export async function readOldData(
  source: Host,
  move: MoveConfig,
  exclude: readonly string[],
): Promise<NonNullable<FinalizeFacts['source']>> {
  const { path } = move.from;
  const ask = async (argv: readonly string[]) => {
    const result = await source.run(argv, { timeoutSeconds: listingSeconds });
    return { ok: result.exitCode === 0, text: result.stdout.toString('latin1').trim() };
  };
  const literal = exclude.map((name) => name.replace(/[*?[\\]/g, '\\$&'));
  const times = await ask(['sh', '-c', newestTimes, 'sh', path, ...literal]);
  const digest = await ask(listingDigest(move, path, exclude));
  const mount = await ask(['findmnt', '-n', '-o', 'OPTIONS', '-T', path]);
  const [read, written, changed] = times.text.split('\n').map((line) => new Date(Number(line) * 1000));
  const left = times.text !== '';
  if (
    !times.ok ||
    !digest.ok ||
    (left && (read === undefined || written === undefined || changed === undefined))
  )
    throw finalizeError('finalize/unreadable-output', {
      seen: `${path} on ${source.name}: ${times.text.slice(0, 200)}`,
      next: [`ssh ${source.name} ls -la ${path}`],
    });
  const atime = mount.text.split(',').find((option) => /^(noatime|relatime|strictatime)$/.test(option));
  return {
    digest: digest.text,
    ...(left && read && written && changed
      ? {
          newest: {
            read: read.toISOString(),
            written: written.toISOString(),
            changed: changed.toISOString(),
          },
        }
      : {}),
    ...(mount.ok && atime !== undefined ? { atime } : {}),
  };
}
