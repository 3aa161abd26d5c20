/** /etc/pve/nodes/NODE/qemu-server/VMID.conf: `key: value` lines, then `[PENDING]` and a section for each snapshot. */
import { createHash } from 'node:crypto';
import { died } from './api-error.ts';

export type Options = Record<string, string>;

export interface VmConf {
  /** Without the comment marks; PVE ends each line with a newline. */
  description: string | undefined;
  options: Options;
  pending: Options;
  /** Keys that go at the next start. */
  pendingDelete: string[];
  snapshots: Record<string, { description: string | undefined; options: Options }>;
}

export const emptyConf = (): VmConf => ({
  description: undefined,
  options: {},
  pending: {},
  pendingDelete: [],
  snapshots: {},
});

/** SHA1 of the file, as every answer with a `digest` gives it. */
export const confDigest = (text: string): string => createHash('sha1').update(text).digest('hex');

/** @throws ApiError 500 on a line of another shape */
export function parseVmConf(text: string): VmConf {
  const conf = emptyConf();
  let section = '';
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const header = /^\[([\w-]+)\]\s*$/.exec(line);
    if (header?.[1] !== undefined) {
      section = header[1];
      if (section !== 'PENDING') conf.snapshots[section] = { description: undefined, options: {} };
      continue;
    }
    const place = section === '' ? conf : section === 'PENDING' ? undefined : conf.snapshots[section];
    if (line.startsWith('#')) {
      if (place) place.description = `${place.description ?? ''}${decodeURIComponent(line.slice(1))}\n`;
      continue;
    }
    const option = /^([a-z][a-z_-]*\d*):\s*(.*?)\s*$/.exec(line);
    if (!option) throw died(`unable to parse config: ${line}`);
    const [, key = '', value = ''] = option;
    if (place) place.options[key] = value;
    else if (key === 'delete') conf.pendingDelete.push(...value.split(/[,;\s]+/).filter((k) => k !== ''));
    else conf.pending[key] = value;
  }
  return conf;
}

export function formatVmConf(conf: VmConf): string {
  const pending = [
    ...lines(conf.pending),
    ...(conf.pendingDelete.length > 0 ? [`delete: ${[...conf.pendingDelete].sort().join(',')}`] : []),
  ];
  const sections = [
    [...comment(conf.description), ...lines(conf.options)],
    ...(pending.length > 0 ? [['[PENDING]', ...pending]] : []),
    ...Object.entries(conf.snapshots).map(([name, snapshot]) => [
      `[${name}]`,
      ...comment(snapshot.description),
      ...lines(snapshot.options),
    ]),
  ];
  return `${sections.map((section) => section.join('\n')).join('\n\n')}\n`;
}

const lines = (options: Options): string[] =>
  Object.keys(options)
    .sort()
    .map((key) => `${key}: ${options[key]}`);

const comment = (description: string | undefined): string[] =>
  description === undefined
    ? []
    : description
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => `#${line.replace(/[^\t -$&-~]/gu, (char) => encodeURIComponent(char))}`);

/** What the next start will use: pending values merged, pending deletions gone. */
export function mergePending(conf: VmConf): Options {
  const merged = { ...conf.options, ...conf.pending };
  for (const key of conf.pendingDelete) delete merged[key.replace(/^!/, '')];
  return merged;
}

/** Makes the pending changes current, as a start of QEMU does. */
export function applyPending(conf: VmConf, keep: (key: string) => boolean = () => false): VmConf {
  const options = { ...conf.options };
  const pending: Options = {};
  for (const [key, value] of Object.entries(conf.pending))
    if (keep(key)) pending[key] = value;
    else options[key] = value;
  for (const key of conf.pendingDelete) if (!keep(key)) delete options[key];
  return { ...conf, options, pending, pendingDelete: conf.pendingDelete.filter(keep) };
}
