import type { UserFindings } from './findings.ts';
import { count, plural, size } from './format.ts';
import type { Noted, SourceDirectory, UnknownOwner } from './source-findings.ts';

export type Row = readonly [label: string, ...values: string[]];

/** What is more than this is summed up. */
const shown = { owners: 8, databases: 30, names: 5 };

/** What the rows need to know beside the census. */
export interface SourceRowsContext {
  readonly users: readonly UserFindings[];
  /** Name of the target guest, and the owners that it does not know. */
  readonly target: string;
  readonly unknownOwners: readonly UnknownOwner[];
  /** What drayage.yaml says of each database, by path. */
  readonly databases: Readonly<Record<string, string>>;
}

/** The census as rows of the printed findings: what there is first, then what needs a thought. */
export function sourceRows(source: SourceDirectory, context: SourceRowsContext): Row[] {
  const { users, unknownOwners } = context;
  const named = (owner: { uid: number; gid: number }) => {
    const user = owner.uid === 0 ? 'root' : users.find((candidate) => candidate.uid === owner.uid)?.name;
    return `${owner.uid}:${owner.gid}${user === undefined ? '' : ` (${user})`}`;
  };
  return [
    [
      'Top',
      `owner ${named(source)}, mode ${source.mode}, ${source.fsType}${source.isMount ? ', a mount point' : ''}`,
    ],
    [
      'Content',
      source.empty
        ? 'empty'
        : `${plural(source.entries, 'entry', 'entries')}, ${plural(source.inodes, 'inode')}, ${size(source.bytes)} (${size(source.allocatedBytes)} on disk)`,
    ],
    [
      'Special',
      `${plural(source.hardLinkGroups, 'file')} with several names, ${plural(source.sparseFiles, 'sparse file')}`,
    ],
    [
      'Attributes',
      `${plural(source.acls, 'entry', 'entries')} with ACLs, ${count(source.xattrs)} with extended attributes, ${count(source.capabilities)} with file capabilities`,
    ],
    [
      'Owners',
      ...firstOf(
        source.owners,
        shown.owners,
        'owner',
        (owner) => `${named(owner)}  ${plural(owner.entries, 'entry', 'entries')}`,
      ),
    ],
    ...someRow(
      `Unknown to ${context.target}`,
      firstOf(
        unknownOwners,
        shown.owners,
        'number',
        (owner) =>
          `${owner.kind} ${owner.id}  ${plural(owner.entries, 'entry', 'entries')}${owner.knownOnSource ? ', known on the source' : ''}`,
      ),
      unknownOwners.length,
    ),
    [
      'Databases',
      ...firstOf(
        source.databases,
        shown.databases,
        'database',
        ({ kind, path, mark }) =>
          `${kind} at ${path} (${mark}): ${context.databases[path] ?? 'no word in drayage.yaml yet'}`,
      ),
    ],
    [
      'Image stores',
      ...firstOf(
        source.imageStores,
        shown.databases,
        'store',
        (store) => `${store === '.' ? 'the path itself' : store}: left behind`,
      ),
    ],
    ...someRow('Other kinds', specialFiles(source), source.special.first.length),
    ...someRow('Mounts below', source.submounts, source.submounts.length),
    ...notedRow('Not UTF-8', source.notUtf8, 'name', 'names'),
    ...notedRow('Unreadable', source.unreadable, 'entry', 'entries'),
  ];
}

function specialFiles({ special }: SourceDirectory): string[] {
  const kinds = [
    special.sockets === 0 ? '' : `${plural(special.sockets, 'socket')}, left behind`,
    special.fifos === 0 ? '' : plural(special.fifos, 'named pipe'),
    special.devices === 0 ? '' : plural(special.devices, 'device node'),
  ].filter(Boolean);
  return [kinds.join('; '), ...byName(special.first, special.sockets + special.fifos + special.devices)];
}

function notedRow(label: string, noted: Noted, one: string, many: string): Row[] {
  return someRow(label, [plural(noted.count, one, many), ...byName(noted.first, noted.count)], noted.count);
}

/** The first names, set in below what they are examples of. */
function byName(first: readonly string[], all: number): string[] {
  const some = first.slice(0, shown.names);
  return [
    ...some.map((name) => `    ${name}`),
    ...(all > some.length ? [`    and ${count(all - some.length)} more`] : []),
  ];
}

function firstOf<T>(all: readonly T[], most: number, noun: string, print: (one: T) => string): string[] {
  if (all.length === 0) return ['none'];
  const rest = all.length - most;
  return [...all.slice(0, most).map(print), ...(rest > 0 ? [`and ${plural(rest, noun)} more`] : [])];
}

function someRow(label: string, values: readonly string[], amount: number): Row[] {
  return amount === 0 ? [] : [[label, ...values]];
}
