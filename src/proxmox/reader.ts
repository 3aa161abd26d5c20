import { z } from 'zod';
import { DrayageError } from '../errors/error.ts';
import type {
  ClusterFindings,
  DirectoryMapping,
  GuestFindings,
  NotSeen,
  VirtiofsDevice,
  VmSummary,
} from '../inspect/findings.ts';
import { parseAnswer } from './answer.ts';
import type { ProxmoxClient } from './client.ts';
import { proxmoxError } from './errors.ts';
import { parseMappingEntry } from './mapping.ts';
import { missingPrivileges, privilegesForTargets, privilegesToInspect, type Wanted } from './permissions.ts';
import { isOn, parsePropertyString } from './property-string.ts';
import { parseVirtiofs } from './virtiofs.ts';

const number = z.coerce.number();
const versionSchema = z.object({ version: z.string(), release: z.string().optional() });
const nodesSchema = z.array(z.object({ node: z.string(), status: z.string() }));
const statusSchema = z.array(z.object({ type: z.string(), quorate: z.coerce.number().optional() }));
const mappingsSchema = z.array(
  z.object({
    id: z.string(),
    map: z.array(z.string()).default([]),
    description: z.string().optional(),
    digest: z.string().default(''),
  }),
);
const vmsSchema = z.array(
  z.object({
    vmid: number,
    type: z.string().default('qemu'),
    name: z.string().default(''),
    node: z.string(),
    status: z.string().default('unknown'),
  }),
);
const configSchema = z.looseObject({
  digest: z.string(),
  memory: z.union([z.string(), z.number()]).transform(String).optional(),
  hotplug: z.union([z.string(), z.number()]).transform(String).optional(),
  ostype: z.string().optional(),
  agent: z.union([z.string(), z.number()]).transform(String).optional(),
});

/**
 * Reads the cluster as inspection needs it; changes nothing.
 * @param wanted what must be visible: the lists of the API leave out silently what a token may not see; and what apply
 *   will change, for `missingPrivileges`
 */
export function proxmoxReader(client: ProxmoxClient, wanted?: Wanted) {
  return {
    async cluster(): Promise<{ cluster: ClusterFindings; notSeen: NotSeen[] }> {
      const notSeen: NotSeen[] = [];
      const allowed = async <T>(what: string, schema: z.ZodType<T>, path: string): Promise<T | undefined> => {
        try {
          return parseAnswer(schema, await client.get(path), path);
        } catch (error) {
          if (!(error instanceof DrayageError) || error.code !== 'proxmox/permission') throw error;
          notSeen.push({
            subject: 'cluster',
            what,
            seen: error.seen,
            next: error.next.join('; '),
          });
          return undefined;
        }
      };
      if (wanted !== undefined)
        notSeen.push(...(await missingPrivileges(client, privilegesToInspect(wanted))));
      const version = parseAnswer(versionSchema, await client.get('/version'), '/version');
      const nodes = await allowed('nodes', nodesSchema, '/nodes');
      const status = await allowed('quorum', statusSchema, '/cluster/status');
      const mappings = await allowed('directory mappings', mappingsSchema, '/cluster/mapping/dir');
      const vms = await allowed('virtual machines', vmsSchema, '/cluster/resources?type=vm');
      const quorate = status?.find((entry) => entry.type === 'cluster')?.quorate;
      const cluster = {
        version: version.version,
        ...(version.release === undefined ? {} : { release: version.release }),
        // A single node without a cluster has no quorum to lose.
        ...(status === undefined ? {} : { quorate: quorate === undefined || quorate === 1 }),
        nodes: (nodes ?? []).map((node) => ({ name: node.node, online: node.status === 'online' })),
        mappings: (mappings ?? []).map(mappingOf),
        vms: await summaries(client, vms ?? [], nodes ?? []),
      };
      const targets = wanted?.targets;
      if (targets === undefined) return { cluster, notSeen };
      const missing = await missingPrivileges(client, privilegesForTargets(targets, cluster));
      return { cluster: { ...cluster, missingPrivileges: missing }, notSeen };
    },

    async vm(vmid: number) {
      const all = parseAnswer(
        vmsSchema,
        await client.get('/cluster/resources?type=vm'),
        '/cluster/resources',
      );
      const found = all.find((candidate) => candidate.vmid === vmid);
      if (found === undefined) {
        throw proxmoxError('proxmox/not-found', {
          seen: `no virtual machine ${vmid} among the ${all.length} that this token may see`,
          next: [
            'pvesh get /cluster/resources --type vm',
            `on the node: pveum acl modify /vms/${vmid} --tokens 'USER@REALM!NAME' --roles PVEAuditor`,
          ],
        });
      }
      const path = `/nodes/${found.node}/qemu/${vmid}/config`;
      const config = parseAnswer(configSchema, await client.get(path), path);
      const current = parseAnswer(configSchema, await client.get(`${path}?current=1`), path);
      const running = found.status === 'running';
      return {
        vm: { vmid, node: found.node, running, vm: vmOf(config, current, running) },
        notSeen: [] as NotSeen[],
      };
    },
  };
}

function mappingOf(found: z.infer<typeof mappingsSchema>[number]): DirectoryMapping {
  return {
    id: found.id,
    entries: found.map.map(parseMappingEntry),
    ...(found.description === undefined ? {} : { description: found.description }),
    digest: found.digest,
  };
}

/** Requests for configurations that are under way at once: pveproxy serves three workers by default. */
const configsAtOnce = 3;

/** Every guest of the cluster, with its virtiofs devices where the configuration may be read. */
async function summaries(
  client: ProxmoxClient,
  vms: z.infer<typeof vmsSchema>,
  nodes: z.infer<typeof nodesSchema>,
): Promise<VmSummary[]> {
  const found: VmSummary[] = [];
  const queue = [...vms.entries()];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, vm] = next;
      const { vmid, name, node } = vm;
      const running = vm.status === 'running';
      // A node that is off would be waited for, and a container has no devices.
      const off = nodes.some((candidate) => candidate.node === node && candidate.status !== 'online');
      const virtiofs = off || vm.type !== 'qemu' ? undefined : await devicesIfReadable(client, vm, running);
      found[index] = { vmid, name, node, running, ...(virtiofs === undefined ? {} : { virtiofs }) };
    }
  };
  await Promise.all(Array.from({ length: configsAtOnce }, work));
  return found;
}

/** undefined: this token may not read it, its node does not answer, or it was removed a moment ago. */
async function devicesIfReadable(
  client: ProxmoxClient,
  { vmid, node }: { readonly vmid: number; readonly node: string },
  running: boolean,
): Promise<VirtiofsDevice[] | undefined> {
  const path = `/nodes/${node}/qemu/${vmid}/config`;
  try {
    const config = parseAnswer(configSchema, await client.get(path), path);
    if (devicesOf(config, config, running).length === 0) return [];
    const current = running ? parseAnswer(configSchema, await client.get(`${path}?current=1`), path) : config;
    return devicesOf(config, current, running);
  } catch (error) {
    if (error instanceof DrayageError && leftWithout.includes(error.code)) return undefined;
    throw error;
  }
}

const leftWithout = ['proxmox/permission', 'proxmox/not-found', 'proxmox/unreachable'];

type VmConfig = z.infer<typeof configSchema>;

function vmOf(config: VmConfig, current: VmConfig, running: boolean): GuestFindings['vm'] {
  const { memory, hotplug, ostype, agent } = config;
  const agentOptions = parsePropertyString(agent ?? '', 'enabled');
  return {
    digest: config.digest,
    ...(memory === undefined ? {} : { memory }),
    ...(hotplug === undefined ? {} : { hotplug }),
    ...(ostype === undefined ? {} : { ostype }),
    agent: isOn(agentOptions.enabled),
    pciPassthrough: Object.keys(config).filter((key) => /^hostpci\d+$/.test(key)),
    virtiofs: devicesOf(config, current, running),
  };
}

function devicesOf(config: VmConfig, current: VmConfig, running: boolean): VirtiofsDevice[] {
  return Object.entries(config)
    .filter(([key]) => /^virtiofs\d+$/.test(key))
    .map(([key, value]) =>
      deviceOf(key, String(value), running && String(current[key] ?? '') !== String(value)),
    )
    .sort((a, b) => a.key.localeCompare(b.key));
}

function deviceOf(key: string, raw: string, pending: boolean): VirtiofsDevice {
  const options = parseVirtiofs(raw);
  if (options === undefined) {
    throw proxmoxError('proxmox/unexpected', { seen: `${key}: ${raw}`, next: ['drayage inspect'] });
  }
  return { key, raw, ...options, pending };
}
