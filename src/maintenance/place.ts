import { guestError } from '../guest/errors.ts';
import { type Answer, probe } from '../guest/probe.ts';
import { pullerTrials, rsyncRefusal } from '../guest/rsync-trial.ts';
import { nodeTools } from '../guest/tools.ts';
import type { PlaceFacts } from '../plan/golden-path/facts.ts';
import { shareLayout } from '../plan/share-layout.ts';
import type { Host } from '../ssh/host.ts';
import { optional } from '../workloads/podman.ts';
import { nearestAbove, readDataset } from '../zfs/dataset.ts';

/** One place of a share, as the configuration names it. */
interface PlaceQuestion {
  readonly path: string;
  readonly dataset?: string;
  /** How this node reaches the other one. */
  readonly otherNode: string;
}

/** A large tree takes minutes to count. */
const countSeconds = 3600;

/** Entries, bytes of files and allocated bytes below a path, except drayage's own folder. */
const countScript =
  'find "$1" -xdev -mindepth 1 -path "$1/.drayage" -prune -o -path "$1/.zfs" -prune -o -printf "%y %s %b\\n" | awk \'{ n += 1; if ($1 == "f") s += $2; b += $3 } END { printf "%d %.0f %.0f\\n", n, s, b * 512 }\'';

/** Looks at one place. @throws what the host throws */
export async function readPlace(
  host: Host,
  { path, dataset, otherNode }: PlaceQuestion,
): Promise<PlaceFacts> {
  const { folder, marker } = shareLayout(path);
  const tools = nodeTools.filter((tool) => dataset !== undefined || !tool.startsWith('z'));
  const answers: Readonly<Record<string, Answer>> = await probe<string>(host, {
    hostname: ['cat', '/proc/sys/kernel/hostname'],
    kind: ['stat', '--printf=%F', '--', path],
    mounted: ['mountpoint', '-q', path],
    inside: [
      ...['find', path, '-mindepth', '1', '-maxdepth', '1', '!', '-name', '.drayage', '!', '-name', '.zfs'],
      ...['-printf', '%f\\n'],
    ],
    system: ['findmnt', '--noheadings', '--raw', '--output', 'FSTYPE,SOURCE', '--target', path],
    below: ['findmnt', '--noheadings', '--raw', '--list', '--output', 'TARGET'],
    room: ['stat', '--file-system', '--printf=%i %a %S', '--', path],
    marker: ['cat', marker],
    inode: ['stat', '--printf=%i', '--', marker],
    standby: ['cat', `${folder}/standby.json`],
    ...pullerTrials,
    ...Object.fromEntries(tools.map((tool) => [`tool:${tool}`, ['command', '-v', tool]])),
  });
  const text = (key: string): string | undefined =>
    answers[key]?.exitCode === 0 ? answers[key]?.stdout.replace(/\n$/, '') : undefined;
  const kind = text('kind');
  const state = kind === undefined ? 'missing' : kind === 'directory' ? 'directory' : 'not-a-directory';
  const [fsType = '', source = ''] = (text('system') ?? '').split(' ');
  const [fsid = '', free = '0', unit = '0'] = (text('room') ?? '').split(' ');
  const named = text('tool:zfs') === undefined ? undefined : dataset;
  const own = named === undefined ? undefined : await readDataset(host, named);
  const room = own ?? (named === undefined ? undefined : await nearestAbove(host, named));
  const current = text('marker');
  const standby = text('standby');
  const inode = text('inode');
  const mountPoints = (text('below') ?? '').split('\n').map(unescaped);
  const [seal, amount, reach] = await Promise.all([
    sealOf(host, path, own),
    current === undefined ? undefined : countTree(host, path),
    host.run(['ssh', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', otherNode, 'true'], {
      timeoutSeconds: 60,
    }),
  ]);
  return {
    // The cluster knows a node by its name without a domain.
    hostname: (text('hostname') ?? host.name).split('.')[0] as string,
    state,
    mounted: answers.mounted?.exitCode === 0,
    inside: (text('inside') ?? '').split('\n').filter(Boolean).slice(0, 20),
    fsType,
    source,
    fsid,
    submounts: [
      ...new Set([
        ...mountPoints.filter((point) => point.startsWith(`${path}/`) && !point.startsWith(`${path}/.zfs/`)),
        ...(own?.children ?? []),
      ]),
    ],
    ...(current === undefined ? {} : { marker: current }),
    ...(inode === undefined ? {} : { markerInode: inode }),
    ...(standby === undefined ? {} : { standby }),
    ...(own === undefined ? {} : { dataset: { mounted: own.mounted, mountpoint: own.mountpoint } }),
    availableBytes: room?.availableBytes ?? Number(free) * Number(unit),
    ...seal,
    ...(amount === undefined ? {} : { amount }),
    missingTools: tools.filter((tool) => answers[`tool:${tool}`]?.exitCode !== 0),
    ...optional('rsyncRefuses', rsyncRefusal(answers)),
    ...(reach.exitCode === 0
      ? {}
      : { cannotReach: reach.stderr.toString('utf8').trim() || `exit code ${reach.exitCode}` }),
  };
}

/** findmnt's raw output writes blanks and the like as `\xHH`. */
function unescaped(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

async function sealOf(
  host: Host,
  path: string,
  dataset: { readonly readonly: boolean } | undefined,
): Promise<Pick<PlaceFacts, 'sealed' | 'sealable'>> {
  if (dataset !== undefined) return { sealed: dataset.readonly, sealable: true };
  const { exitCode, stdout } = await host.run(['lsattr', '-d', '--', path], { timeoutSeconds: 60 });
  const flags = stdout.toString('latin1').split(' ')[0] ?? '';
  return { sealed: exitCode === 0 && flags.includes('i'), sealable: exitCode === 0 };
}

async function countTree(host: Host, path: string): Promise<NonNullable<PlaceFacts['amount']>> {
  const { stdout, stderr } = await host.run(['sh', '-c', countScript, 'sh', path], {
    timeoutSeconds: countSeconds,
  });
  const found = /^(\d+) (\d+) (\d+)\n$/.exec(stdout.toString('utf8'));
  if (found !== null) {
    const [entries, bytes, allocatedBytes] = found.slice(1).map(Number) as [number, number, number];
    return { entries, bytes, allocatedBytes };
  }
  throw guestError('guest/unexpected-output', {
    seen: `${host.name}: counting ${path}: ${stdout}${stderr}`.trim(),
    next: [`ssh ${host.name} find ${path} -maxdepth 1`],
  });
}
