import { writeScript } from '../../src/apply/write.ts';
import { heldLock } from '../../src/copy/bulk/lock.ts';
import { lockOf } from '../../src/copy/bulk/part-command.ts';
import { directoriesOnly } from '../../src/copy/bulk/stream-command.ts';
import { lineCommand } from '../../src/copy/change-list/line.ts';
import { deletes, dryRunOf, inPlaceOf, topOf } from '../../src/copy/rsync-command.ts';
import type { Operation } from '../../src/plan/operation.ts';
import { remoteCommand } from '../../src/ssh/ssh.ts';
import { onlyLooks, shortly } from './lab-looks.ts';
import type { Received } from './lab-record.ts';

/** One thing that a machine must have received, in its place among those of the same machine. */
interface Due {
  readonly on: string;
  readonly what: string;
  readonly matches: (received: string) => boolean;
  /** It may be left out: the number of rounds over what changes is known only afterwards. */
  readonly optional?: true;
}

/** `PUT /path {"key":"value"}`, numbers as the form's text, keys sorted. */
function callText(method: string, path: string, params: Readonly<Record<string, unknown>>): string {
  const form = Object.entries(params)
    .map(([key, value]) => [
      key,
      Array.isArray(value) && value.length === 1
        ? String(value[0])
        : Array.isArray(value)
          ? value.map(String)
          : String(value),
    ])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return `${method} ${path} ${JSON.stringify(Object.fromEntries(form))}`;
}

/** What rsync on the node asks its other half on the source for; `n` among its flags is the dry run. */
function sender(on: string, dry: boolean): Due {
  return {
    on,
    what: `rsync --server --sender${dry ? ' (dry run)' : ''}`,
    matches: (received) =>
      /^rsync --server --sender -([A-Za-z.]+)$/.exec(received)?.[1]?.split('e.')[0]?.includes('n') === dry,
  };
}

/** What a stream on the node asks the tar of the source for. */
function sendingTar(on: string, streamArgv: readonly string[]): Due {
  const [recursion, rest] = streamArgv.slice(-3) as [string, string, string];
  const line = `env LC_ALL=C tar --create ${recursion} ${rest}`;
  return { on, what: line, matches: (received) => received === line };
}

/** Streams of the lab's tree, which is small. */
const mostParts = 8;

/**
 * Rounds, or a final pass; on the source the halves of all of them look alike, so what must come is put first. The rsyncs of
 * a last list are begun at once: the one that writes in place comes before or after the other.
 */
function copyDue(operation: Extract<Operation, { kind: 'copy' }>): Due[] {
  const { host, source, argv, streamArgv, listArgv, rounds, full } = operation;
  const command = (words: readonly string[]): Due => {
    const line = remoteCommand(words);
    return { on: host, what: line, matches: (received) => received === line };
  };
  const perhaps = (due: Due[]): Due[] => due.map((one) => ({ ...one, optional: true }));
  const inPlace = operation.pass === 'final' ? [command(inPlaceOf(listArgv))] : [];
  const list = [command(lineCommand(listArgv)), ...perhaps(inPlace), command(listArgv), ...perhaps(inPlace)];
  const dryRun = deletes(argv) ? [command(dryRunOf(argv))] : [];
  const whole = command(argv);
  const half = sender(source.host, false);
  const both = [half, half];
  const dryHalf = deletes(argv) ? [sender(source.host, true)] : [];
  if (operation.pass === 'final') {
    return full === undefined
      ? [...list, ...both, ...perhaps([...dryRun, ...dryHalf, whole, half, ...list, ...both])]
      : [...dryRun, ...dryHalf, whole, half, ...perhaps([...list, ...both])];
  }
  const each = full === undefined ? perhaps([whole, ...list]) : [];
  const again = Array.from({ length: (rounds?.most ?? 1) - 1 }).flatMap(() =>
    full === undefined ? each : perhaps([whole]),
  );
  const streams =
    streamArgv === undefined || full !== undefined ? [] : [streamArgv, directoriesOnly(streamArgv)];
  // Each part is a stream; how many there are is known only then.
  const parts = streams.flatMap((stream) => Array.from({ length: mostParts }, () => stream));
  const lock = streams.length === 0 ? [] : [command(heldLock(lockOf(operation.partArgv ?? argv)))];
  const streamed = perhaps([...lock, ...parts.map(command)]);
  const sent = perhaps(parts.map((stream) => sendingTar(source.host, stream)));
  const first = full === undefined ? [...streamed, ...perhaps([whole]), ...list] : [whole];
  const halves = Array.from({ length: 2 * (rounds?.most ?? 1) - 1 }, () => half);
  return [...first, ...again, ...sent, half, ...perhaps(halves)];
}

/** What the hosts and the API receive for one operation, and nothing else. */
function dueFor(operation: Operation): Due[] {
  const due = (on: string, what: string, matches: Due['matches']): Due => ({ on, what, matches });
  const exactly = (on: string, command: string) => due(on, command, (received) => received === command);
  switch (operation.kind) {
    case 'call':
      return [exactly('api', callText(operation.method, operation.path, operation.params))];
    case 'clone': {
      // The number may be one that was free at that moment.
      const newid = operation.newid ?? 0;
      const line = callText('POST', operation.path, { ...operation.params, newid });
      const [before = '', after = ''] = line.split(`"newid":"${newid}"`);
      return [
        due('api', line, (received) =>
          operation.newid === undefined
            ? received.startsWith(before) && received.endsWith(after) && /"newid":"\d+"/.test(received)
            : received === line,
        ),
      ];
    }
    case 'write': {
      const { host, path, mode, owner, content } = operation;
      const argv = ['sh', '-c', writeScript, 'sh', path, mode];
      const line = remoteCommand([...argv, owner === undefined ? '' : `${owner.uid}:${owner.gid}`]);
      if (typeof content === 'string') return [exactly(host, `${line} ${Buffer.byteLength(content)}`)];
      // How long the file of another host is, is known only when it is carried.
      return [due(host, line, (received) => /^ \d+$/.test(received.replace(line, '')))];
    }
    case 'copy':
      return copyDue(operation);
    case 'carry-back': {
      const push = (argv: readonly string[], dry: boolean): Due[] => [
        exactly(operation.host, remoteCommand(argv)),
        // The node sends; its other half on the source guest receives.
        due(operation.to.host, `rsync --server${dry ? ' (dry run)' : ''}`, (received) => {
          const flags = /^rsync --server -([A-Za-z.]+)$/.exec(received)?.[1]?.split('e.')[0];
          return flags?.includes('n') === dry;
        }),
      ];
      const { argv, listing, host, topIsShare } = operation;
      if (listing === undefined) return [...push(dryRunOf(argv), true), ...push(argv, false)];
      return [
        exactly(host, remoteCommand(listing)),
        ...push(argv, false),
        ...(topIsShare ? [] : push(topOf(argv), false)),
      ];
    }
    case 'run': {
      const own = exactly(operation.host, remoteCommand(operation.argv));
      const script = operation.argv[0] === 'sh' ? operation.argv[2] : undefined;
      if (script?.startsWith('ssh ') !== true) return [own];
      // The node fetches from the source itself: `sh -c 'ssh ... "$1" "$2" > "$3"' sh root@doc1 COMMAND FILE`.
      const [destination, command] = operation.argv.slice(4) as [string, string];
      return [own, exactly(destination.replace(/^.*@/, ''), command)];
    }
  }
}

/** These places, and those behind what may be left out. */
function onwards(expected: readonly Due[], places: readonly number[]): number[] {
  const open = new Set<number>();
  for (const from of places) {
    let place = from;
    while (!open.has(place)) {
      open.add(place);
      if (expected[place]?.optional === true) place += 1;
    }
  }
  return [...open];
}

/**
 * Law 6, the plan is the deed. Each command and each changing call that was received is either the next thing that
 * `operations` ask of that machine, or only looks.
 * @returns what was received and not planned, or planned and not received; empty when the two lists are equal.
 */
export function deedMinusPlan(operations: readonly Operation[], received: Received): string[] {
  const due = operations.flatMap(dueFor);
  const wrong: string[] = [];
  const lists: Record<string, readonly string[]> = {
    ...Object.fromEntries(
      Object.entries(received.ssh).map(([host, commands]) => [host, commands.map(({ command }) => command)]),
    ),
    api: received.api
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path, params }) => callText(method, path, params)),
  };
  for (const [on, commands] of Object.entries(lists)) {
    const expected = due.filter((item) => item.on === on);
    // Where one may be: what may be left out leaves more than one place open.
    let places = onwards(expected, [0]);
    for (const command of commands) {
      const taken = places.filter((place) => expected[place]?.matches(command));
      const after = onwards(
        expected,
        taken.map((place) => place + 1),
      );
      if (on !== 'api' && onlyLooks(command)) places = [...new Set([...places, ...after])];
      else if (after.length > 0) places = after;
      else {
        const next = expected[Math.max(...places)];
        wrong.push(
          `${on} received ${shortly(command)}; planned next: ${next === undefined ? 'nothing more' : shortly(next.what)}`,
        );
      }
    }
    for (const item of expected.slice(Math.max(...places)))
      if (item.optional !== true) wrong.push(`${on} never received ${shortly(item.what)}`);
  }
  const known = new Set(Object.keys(lists));
  for (const item of due)
    if (!known.has(item.on)) wrong.push(`no record of ${item.on}: ${shortly(item.what)}`);
  return wrong;
}

/** How many commands were received on each host, and how many of them by what they begin with: for the reader. */
export function sumUp(received: Received): string {
  const counts = Object.entries(received.ssh).map(([host, commands]) => {
    const looks = commands.filter(({ command }) => onlyLooks(command)).length;
    return `${host}: ${commands.length} commands, ${looks} only look`;
  });
  const changing = received.api.filter(({ method }) => method !== 'GET').length;
  return [...counts, `API: ${received.api.length} requests, ${changing} change something`].join('; ');
}

/** Is any operation of a plan one that only looks? Then a look that was received could be taken for a deed. */
export const operationsThatOnlyLook = (operations: readonly Operation[]) =>
  operations.filter((operation) => operation.kind === 'run' && onlyLooks(remoteCommand(operation.argv)));
