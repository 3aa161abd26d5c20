import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../index.ts';
import { knownGuests, nodeName } from '../room/layout.ts';
import { planted } from '../services/install.ts';
import {
  type Facts,
  listingFormat,
  portableListing,
  sections,
  settledDigests,
  settledListing,
} from './end-state.ts';
import { call } from './operator.ts';

const source = '/mnt/docker';
const share = '/nvmeprom/containers';
export const place = `${share}/doc1`;

/** The operator's own commands: not what drayage sent. */
export async function on(lab: Lab, host: string, script: string): Promise<string> {
  const ran = await lab.ssh(host, ['bash', '-c', script], { timeoutMs: 300_000 });
  if (ran.exitCode !== 0) throw new Error(`${host}: exit code ${ran.exitCode}: ${ran.stderr.toString()}`);
  return ran.stdout.toString();
}

/** What the node has: datasets, snapshots, drayage's own folder in the share. */
const nodeScript = `
export LC_ALL=C
echo '## datasets'; zfs list -Hp -o name,mountpoint,mounted -t filesystem -r nvmeprom
zfs get -Hp -o name,property,value acltype,xattr nvmeprom/containers 2>/dev/null
echo '## snapshots'; zfs list -H -t snapshot -o name -r nvmeprom
echo '## top'; ls -A /nvmeprom; stat -c '%A %u:%g' ${share} 2>/dev/null
echo '## marks'; cd ${share}/.drayage 2>/dev/null && find . -printf '%p %y %m %U:%G\\n' && find . -type f -size -64k | sort | while read -r file; do
  printf '%s %s\\n' "$file" "$(tr '\\n' ' ' <"$file")"
done
true`;

const listing = (path: string) => `cd ${path} && find . -printf '${listingFormat}'`;
const digests = (path: string) => `cd ${path} && find . -type f -print0 | xargs -0 -r sha256sum`;
const attributes = (path: string) =>
  `cd ${path} && getfattr --recursive --no-dereference --dump --match=- --encoding=hex . 2>/dev/null | awk '/^# file: /{file=$0; next} NF {print file, $0}'`;

/** Everything that a migration may change and everything that it must not, except the data itself. */
export async function observe(lab: Lab): Promise<Facts> {
  const script = readFileSync(join(import.meta.dirname, 'observe.sh'), 'utf8');
  const vm = (vmid: number) => `/nodes/${nodeName}/qemu/${vmid}`;
  const guests = Object.entries(knownGuests);
  const [doc1, doc2, node, mappings, ...vms] = await Promise.all([
    on(lab, 'doc1', script),
    on(lab, 'doc2', script),
    on(lab, 'prom', nodeScript),
    call(lab, 'GET', '/cluster/mapping/dir'),
    ...guests.flatMap(([, { vmid }]) => [
      call(lab, 'GET', `${vm(vmid)}/config`),
      call(lab, 'GET', `${vm(vmid)}/pending`),
    ]),
  ]);
  return {
    ...sections(doc1, 'doc1'),
    ...sections(doc2, 'doc2'),
    ...sections(node, 'prom'),
    'API mappings': (mappings as unknown[]).map((mapping) => JSON.stringify(mapping)),
    'API machines': vms.map((vm) => JSON.stringify(vm)),
  };
}

/** Every name below the source with all of its metadata, ctime and inode included. */
export async function sourceListing(lab: Lab): Promise<string[]> {
  const text = await on(
    lab,
    'doc1',
    `cd ${source} && find . -printf '%P\\t%y %m %U:%G %s %T@ %C@ %i %n %l\\n'`,
  );
  return settledListing(text);
}

/** What the source and its copy have that the other has not: names, metadata, attributes, content. */
export async function dataDifferences(lab: Lab): Promise<string[]> {
  const [left, right] = await Promise.all(
    [
      ['doc1', source],
      ['prom', place],
    ].map(async ([host = '', path = '']) => ({
      // A socket is nothing that can be copied.
      listing: portableListing(await on(lab, host, listing(path))).filter((line) => !/\ts /.test(line)),
      content: settledDigests(await on(lab, host, digests(path))),
      attributes: (await on(lab, host, attributes(path))).split('\n').sort(),
    })),
  );
  if (left === undefined || right === undefined) throw new Error('no listing');
  if (left.listing.length < 5000) throw new Error(`only ${left.listing.length} entries below ${source}`);
  return (['listing', 'content', 'attributes'] as const).flatMap((what) => {
    const [a, b] = [new Set(left[what]), new Set(right[what])];
    return [
      ...left[what].filter((line) => !b.has(line)).map((line) => `${what}: only on doc1: ${line}`),
      ...right[what].filter((line) => !a.has(line)).map((line) => `${what}: only in the share: ${line}`),
    ];
  });
}

/** The writer's log as it lies in the share, up to its last whole line. */
export async function writerLog(lab: Lab): Promise<Buffer> {
  const ran = await lab.ssh('prom', ['cat', planted.writerLog.replace(source, place)]);
  return ran.stdout.subarray(0, ran.stdout.lastIndexOf('\n') + 1);
}
