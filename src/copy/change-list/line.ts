import type { Host } from '../../ssh/host.ts';
import { heldWord, hold } from '../bulk/lock.ts';
import { lockOf } from '../bulk/part-command.ts';
import { connectionOf, lockedExitCode } from '../rsync-command.ts';
import type { Ran } from '../run-rsync.ts';

/**
 * Alone for an instant, then together with the rsyncs of the pass: no other pass, and none that a lost connection left
 * behind. Then one connection for all of them, where they are to share one: each of its own costs the ends of it a tenth of a
 * second of work. Where it does not come about, rsync's own tells why. Ends when its stdin does.
 */
const script = `exec 9>>"$1" || exit
flock --nonblock --conflict-exit-code ${lockedExitCode} --exclusive 9 || exit
flock --nonblock --conflict-exit-code ${lockedExitCode} --shared 9 || exit
socket=$2; shift 2
if [ -n "$socket" ] && ! { [ -S "$socket" ] && "$@" -O check 2>/dev/null; }; then
  rm -f -- "$socket"
  "$@" -M -N -f </dev/null >/dev/null 2>&1 9>&-
fi
printf '\\n%s\\n' '${heldWord}'
read -r end
[ "$end" = keep ] || [ ! -S "$socket" ] || {
  exec 9>&-
  "$@" -O exit >/dev/null 2>&1 &
  [ "$end" = leave ] || wait
}`;

/** What the puller is asked for before the rsyncs of `listArgv`. */
export function lineCommand(listArgv: readonly string[]): string[] {
  const { socket, argv } = connectionOf(listArgv) ?? { socket: '', argv: [] };
  return ['sh', '-c', script, 'sh', lockOf(listArgv), socket, ...argv];
}

export interface Line {
  /** How it was refused; undefined: it is held. */
  readonly ready: Promise<Ran | undefined>;
  /** @param connection it may wait for the next pass, for a minute; it ends; or it ends while something else goes on */
  close(connection: 'keep' | 'end' | 'leave'): Promise<void>;
}

/** Takes the lock of a pass, and makes its connection. */
export function holdLine(puller: Host, listArgv: readonly string[], signal?: AbortSignal): Line {
  const { ready, release } = hold(puller, lineCommand(listArgv), signal);
  const ran = ready.then((refused): Ran | undefined => refused && { ...refused, unknown: [] });
  ran.catch(() => {});
  return { ready: ran, close: (connection) => release(`${connection}\n`) };
}
