import { filesystemColumns, poolColumns, snapshotColumns } from './commands.ts';

/** Output of zfs or zpool that is not of the form asked for. Turned into `zfs/unreadable` by the readers, which know host and command. */
export class UnreadableOutput extends Error {}

/** One filesystem as `listFilesystems` shows it. Sizes in bytes; quotas 0 where none is set. */
export interface FilesystemRow {
  readonly name: string;
  /** Absolute path, `none`, or `legacy`. */
  readonly mountpoint: string;
  /** The real state of the mount, not a setting. */
  readonly mounted: boolean;
  readonly canmount: 'on' | 'off' | 'noauto';
  readonly readonly: boolean;
  readonly usedBytes: number;
  /** What can still be written here, quotas and reservations included. */
  readonly availableBytes: number;
  readonly referencedBytes: number;
  /** As shown; meaning by `aclTypeOf`. */
  readonly acltype: string;
  /** As shown; meaning by `xattrModeOf`. */
  readonly xattr: string;
  readonly recordsizeBytes: number;
  readonly compression: string;
  readonly quotaBytes: number;
  readonly refquotaBytes: number;
  /** 64-bit number in decimal: too long for a JavaScript number. */
  readonly guid: string;
}

export interface PropertyRow {
  readonly property: string;
  readonly value: string;
  readonly source: string;
}

export interface PoolRow {
  readonly name: string;
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  /** Unallocated, before redundancy: more than datasets can use. */
  readonly freeBytes: number;
  /** zpoolconcepts(7), "Device Failure and Recovery". */
  readonly health: 'ONLINE' | 'DEGRADED' | 'FAULTED' | 'OFFLINE' | 'REMOVED' | 'UNAVAIL' | 'SUSPENDED';
  readonly guid: string;
  readonly readonly: boolean;
}

export interface SnapshotRow {
  readonly dataset: string;
  /** The part after `@`. */
  readonly snapshot: string;
  /** Bytes that would be freed by destroying this snapshot alone. */
  readonly usedBytes: number;
  readonly referencedBytes: number;
  /** Seconds since 1970. */
  readonly creation: number;
  readonly guid: string;
}

export interface ZfsVersion {
  /** Of the kernel module, `2.3.9-0+deb13u1`: what decides how properties behave. */
  readonly module: string;
  readonly tools: string;
  readonly major: number;
  readonly minor: number;
}

/** Output of `listFilesystems`. Throws UnreadableOutput. */
export const parseFilesystems = (stdout: Uint8Array): FilesystemRow[] =>
  rows(stdout, filesystemColumns).map((row) => ({
    name: row.name,
    mountpoint: row.mountpoint,
    mounted: oneOf('mounted', row.mounted, ['yes', 'no']) === 'yes',
    canmount: oneOf('canmount', row.canmount, ['on', 'off', 'noauto']),
    readonly: oneOf('readonly', row.readonly, ['on', 'off']) === 'on',
    usedBytes: bytes('used', row.used),
    availableBytes: bytes('available', row.available),
    referencedBytes: bytes('referenced', row.referenced),
    acltype: row.acltype,
    xattr: row.xattr,
    recordsizeBytes: bytes('recordsize', row.recordsize),
    compression: row.compression,
    quotaBytes: bytes('quota', row.quota),
    refquotaBytes: bytes('refquota', row.refquota),
    guid: guid(row.guid),
  }));

/** Output of `getPropertiesWithSource`, in the order asked. Throws UnreadableOutput. */
export const parseProperties = (stdout: Uint8Array): PropertyRow[] =>
  lines(stdout).map((line) => {
    const first = line.indexOf('\t');
    const last = line.lastIndexOf('\t');
    if (first < 1 || last === first || last === line.length - 1)
      throw unexpected('property, value, source', line);
    return {
      property: line.slice(0, first),
      value: line.slice(first + 1, last),
      source: line.slice(last + 1),
    };
  });

/** Output of `listPools`; empty when no pool is imported. Throws UnreadableOutput. */
export const parsePools = (stdout: Uint8Array): PoolRow[] =>
  rows(stdout, poolColumns).map((row) => ({
    name: row.name,
    sizeBytes: bytes('size', row.size),
    allocatedBytes: bytes('allocated', row.allocated),
    freeBytes: bytes('free', row.free),
    health: oneOf('health', row.health, [
      'ONLINE',
      'DEGRADED',
      'FAULTED',
      'OFFLINE',
      'REMOVED',
      'UNAVAIL',
      'SUSPENDED',
    ]),
    guid: guid(row.guid),
    readonly: oneOf('readonly', row.readonly, ['on', 'off']) === 'on',
  }));

/** Output of `listSnapshots`, oldest first. Throws UnreadableOutput. */
export const parseSnapshots = (stdout: Uint8Array): SnapshotRow[] =>
  rows(stdout, snapshotColumns).map((row) => {
    const [dataset, snapshot, more] = row.name.split('@');
    if (!dataset || !snapshot || more !== undefined) throw unexpected('dataset@snapshot', row.name);
    return {
      dataset,
      snapshot,
      usedBytes: bytes('used', row.used),
      referencedBytes: bytes('referenced', row.referenced),
      creation: bytes('creation', row.creation),
      guid: guid(row.guid),
    };
  });

/** Output of `showVersion`. Throws UnreadableOutput. */
export function parseVersion(stdout: Uint8Array): ZfsVersion {
  const text = lines(stdout);
  const [tools, module] = [
    /^zfs-(\d.*)$/.exec(text[0] ?? ''),
    /^zfs-kmod-((\d+)\.(\d+)\..*)$/.exec(text[1] ?? ''),
  ];
  if (text.length !== 2 || !tools?.[1] || !module?.[1])
    throw unexpected('zfs-N.N.N and zfs-kmod-N.N.N', text.join(' '));
  return { tools: tools[1], module: module[1], major: Number(module[2]), minor: Number(module[3]) };
}

function lines(stdout: Uint8Array): string[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(stdout);
  } catch (cause) {
    throw new UnreadableOutput('bytes that are not UTF-8', { cause });
  }
  if (text === '') return [];
  if (!text.endsWith('\n'))
    throw new UnreadableOutput(`output that ends within a line: "${text.slice(-80)}"`);
  return text.slice(0, -1).split('\n');
}

/** Splits at tabs; what is beyond the last column belongs to it. */
function rows<Column extends string>(
  stdout: Uint8Array,
  columns: readonly Column[],
): Record<Column, string>[] {
  return lines(stdout).map((line) => {
    const fields = line.split('\t');
    if (fields.length < columns.length) throw unexpected(columns.join(', '), line);
    const last = fields.slice(columns.length - 1).join('\t');
    const values = [...fields.slice(0, columns.length - 1), last];
    return Object.fromEntries(columns.map((column, index) => [column, values[index]])) as Record<
      Column,
      string
    >;
  });
}

function bytes(property: string, value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number))
    throw unexpected(`a number as ${property}`, value);
  return number;
}

function guid(value: string): string {
  if (!/^\d{1,20}$/.test(value)) throw unexpected('a 64-bit number as guid', value);
  return value;
}

function oneOf<Value extends string>(property: string, value: string, known: readonly Value[]): Value {
  const found = known.find((each) => each === value);
  if (found === undefined) throw unexpected(`${known.join(' | ')} as ${property}`, value);
  return found;
}

const unexpected = (expected: string, seen: string): UnreadableOutput =>
  new UnreadableOutput(`expected ${expected}, got "${seen}"`);
