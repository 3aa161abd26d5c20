import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { GuestWish } from '../config/config.ts';
import { DrayageError } from '../errors/error.ts';
import type { ConfigFile, NewGuestFacts, SeenVm } from '../plan/guest/facts.ts';
import { changesOf } from '../plan/guest/vm-changes.ts';
import { parseAnswer } from '../proxmox/answer.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';
import { missingPrivileges, type PrivilegeNeed } from '../proxmox/permissions.ts';
import { disksOf, keysOf, type VmConfig } from '../proxmox/vm-config.ts';
import { createError } from './errors.ts';

export interface CreateQuestion {
  readonly client: ProxmoxClient;
  /** Path of drayage.yaml. */
  readonly file: string;
  readonly wish: GuestWish;
  readonly say: (text: string) => void;
  readonly signal?: AbortSignal;
  /** Seconds to wait for a clone that is under way. */
  readonly patience?: number;
}

const clonePatienceSeconds = 4 * 3600;
const pollMs = 2000;

/** Everything that making a guest needs to know. Changes nothing; waits where a clone may be the guest's own. */
export async function readNewGuestFacts(question: CreateQuestion): Promise<NewGuestFacts> {
  const { client, wish } = question;
  const file = await readConfigText(question.file);
  const sshKeys = await readSshKeys(wish);
  const { vms, stuck } = await settledVms(question);
  const template = vms.find(({ vmid }) => vmid === wish.create.template);
  const alike = vms.filter(({ vmid, name }) => name === (wish.vmName ?? wish.name) || vmid === wish.vmid);
  const seen = template === undefined ? undefined : await withConfig(client, template);
  return {
    file,
    ...(seen === undefined ? {} : { template: seen }),
    templates: vms.filter((vm) => vm.template).map(({ vmid, name }) => ({ vmid, name })),
    alike: await Promise.all(alike.map((vm) => withConfig(client, vm))),
    ...(stuck === undefined ? {} : { stuck }),
    missing: await missingPrivileges(client, await needsOf(client, wish, seen)),
    ...(sshKeys === undefined ? {} : { sshKeys }),
  };
}

/** The templates that this token may see, with what they are made of. */
export async function listTemplates(client: ProxmoxClient): Promise<SeenVm[]> {
  const templates = (await listVms(client)).filter(({ template }) => template);
  return Promise.all(templates.map((vm) => withConfig(client, vm)));
}

/** drayage.yaml itself, so that it can be written again with one thing more. */
export async function readConfigText(file: string): Promise<ConfigFile> {
  const path = await realpath(file);
  const bytes = await readFile(path);
  const { mode } = await stat(path);
  return {
    path,
    text: bytes.toString('utf8'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
  };
}

async function readSshKeys({ name, create }: GuestWish): Promise<string | undefined> {
  const path = create.cloudInit?.sshKeyFile;
  if (path === undefined) return undefined;
  const next = [`ls -l ${path}`, `the public half of a key pair, such as ~/.ssh/id_ed25519.pub`];
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw createError('create/ssh-key-file', { seen: `${name}: ${cause.message}`, next, cause });
  });
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  // A private key must never go to the API.
  const wrong = keys.findIndex(
    (key) => !/^(ssh-(ed25519|rsa)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]+( .*)?$/.test(key),
  );
  if (keys.length === 0 || wrong >= 0)
    throw createError('create/ssh-key-file', {
      seen: `${name}: ${path} ${keys.length === 0 ? 'holds no key' : `has a line that is no public key`}`,
      next,
    });
  return keys.join('\n');
}

const vmsSchema = z.array(
  z.looseObject({
    vmid: z.coerce.number(),
    type: z.string().default('qemu'),
    name: z.string().default(''),
    node: z.string(),
    status: z.string().default('unknown'),
    template: z.coerce.number().default(0),
    lock: z.string().optional(),
  }),
);

/** Every virtual machine that this token may see; containers are left out. */
export async function listVms(client: ProxmoxClient): Promise<(SeenVm & { readonly lock?: string })[]> {
  const path = '/cluster/resources?type=vm';
  return parseAnswer(vmsSchema, await client.get(path), path)
    .filter(({ type }) => type === 'qemu')
    .map(({ vmid, name, node, status, template, lock }) => ({
      vmid,
      name,
      node,
      running: status === 'running',
      template: template === 1,
      ...(lock === undefined ? {} : { lock }),
    }));
}

/**
 * The virtual machines once no clone is under way that may be the guest's: a clone has no name until its end
 * (qemu-server writes `# qmclone temporary file` first).
 */
async function settledVms(
  question: CreateQuestion,
): Promise<{ vms: SeenVm[]; stuck?: Pick<SeenVm, 'vmid' | 'node'> }> {
  const { client, wish, say, signal } = question;
  const until = Date.now() + (question.patience ?? clonePatienceSeconds) * 1000;
  for (let told = false; ; told = true) {
    const vms = await listVms(client);
    const cloning = vms.find(
      ({ lock, name, vmid }) =>
        lock === 'clone' && ['', wish.vmName ?? wish.name, `VM ${vmid}`].includes(name),
    );
    if (cloning === undefined) return { vms };
    const running = await clonesOn(client, cloning.node);
    if (!running) await demandAllTasks(client, cloning, wish);
    if (!running) {
      // Between the look at the machines and the one at the tasks, it may have ended well.
      const again = (await listVms(client)).find(({ vmid }) => vmid === cloning.vmid);
      if (again?.lock === 'clone') return { vms, stuck: cloning };
      continue;
    }
    if (Date.now() > until)
      throw createError('create/clone-goes-on', {
        seen: `VM ${cloning.vmid} on ${cloning.node} is still being cloned`,
        next: [`pvesh get /nodes/${cloning.node}/tasks --source active`, `drayage guest new ${wish.name}`],
      });
    if (!told) say(`VM ${cloning.vmid} is being cloned: waiting whether it is ${wish.name} ...`);
    await wait(pollMs, undefined, signal === undefined ? {} : { signal });
  }
}

const tasksSchema = z.array(z.looseObject({ type: z.string().optional() }));

async function clonesOn(client: ProxmoxClient, node: string): Promise<boolean> {
  const path = `/nodes/${node}/tasks?source=active&typefilter=qmclone`;
  return parseAnswer(tasksSchema, await client.get(path), path).length > 0;
}

/** The list of tasks leaves out silently those of others: no clone among them says nothing then. */
async function demandAllTasks(client: ProxmoxClient, vm: SeenVm, wish: GuestWish): Promise<void> {
  const path = `/nodes/${vm.node}`;
  const [missing] = await missingPrivileges(client, [
    { path, anyOf: ['Sys.Audit'], for: 'seeing whether a clone runs' },
  ]);
  if (missing === undefined) return;
  throw createError('create/clone-goes-on', {
    seen: `VM ${vm.vmid} on ${vm.node} is locked (clone); ${missing.seen}, so whether a task runs for it cannot be told`,
    next: [`drayage guest new ${wish.name}   # when the clone has ended`, ...missing.next.split('; ')],
  });
}

const configSchema = z.record(z.string(), z.union([z.string(), z.number()]).transform(String));

async function withConfig(client: ProxmoxClient, vm: SeenVm): Promise<SeenVm> {
  try {
    return { ...vm, config: await readVmConfig(client, vm) };
  } catch (error) {
    if (error instanceof DrayageError && ['proxmox/permission', 'proxmox/not-found'].includes(error.code))
      return vm;
    throw error;
  }
}

export async function readVmConfig(
  client: Pick<ProxmoxClient, 'get'>,
  { node, vmid }: Pick<SeenVm, 'node' | 'vmid'>,
): Promise<VmConfig> {
  const path = `/nodes/${node}/qemu/${vmid}/config`;
  return parseAnswer(configSchema, await client.get(path), path);
}

/** What making the guest takes (qemu-server, API2/Qemu.pm: clone_vm, update_vm, resize_vm; API2/Qemu/Agent.pm). */
async function needsOf(
  client: ProxmoxClient,
  wish: GuestWish,
  template: SeenVm | undefined,
): Promise<PrivilegeNeed[]> {
  const vmid = wish.vmid ?? z.coerce.number().parse(await client.get('/cluster/nextid'));
  const on = (privilege: string, what: string): PrivilegeNeed => ({
    path: `/vms/${vmid}`,
    anyOf: [privilege],
    for: what,
  });
  const source = `/vms/${wish.create.template}`;
  return [
    { path: source, anyOf: ['VM.Audit'], for: `seeing template ${wish.create.template}` },
    { path: source, anyOf: ['VM.Clone'], for: `cloning template ${wish.create.template}` },
    on('VM.Allocate', `making VM ${vmid}`),
    on('VM.Audit', `seeing VM ${vmid}`),
    on('VM.PowerMgmt', `starting VM ${vmid}`),
    {
      path: `/vms/${vmid}`,
      anyOf: ['VM.GuestAgent.Audit', 'VM.GuestAgent.Unrestricted'],
      for: 'asking the guest agent',
    },
    ...(template?.config === undefined ? [] : configNeeds(template.config, wish, on)),
  ];
}

const privilegeOf: Readonly<Record<string, string>> = {
  cores: 'VM.Config.CPU',
  memory: 'VM.Config.Memory',
  bios: 'VM.Config.HWType',
  machine: 'VM.Config.HWType',
  net0: 'VM.Config.Network',
  ciuser: 'VM.Config.Cloudinit',
  sshkeys: 'VM.Config.Cloudinit',
  ipconfig0: 'VM.Config.Cloudinit',
  nameserver: 'VM.Config.Cloudinit',
};

function configNeeds(
  config: VmConfig,
  wish: GuestWish,
  on: (privilege: string, what: string) => PrivilegeNeed,
): PrivilegeNeed[] {
  const { params, removes, growsDisk } = changesOf(config, wish, {});
  const storages =
    wish.create.storage === undefined ? disksOf(config).map(({ storage }) => storage) : [wish.create.storage];
  const bridges = keysOf(config, 'net').flatMap(
    (key) => /(?:^|,)bridge=([^,]+)/.exec(config[key] ?? '')?.[1] ?? [],
  );
  const wanted = wish.create.net === undefined ? bridges : [...bridges, wish.create.net.bridge];
  const changed = Object.keys(params).map((key) => privilegeOf[key] ?? 'VM.Config.Options');
  const disk = removes.length > 0 || growsDisk !== undefined ? ['VM.Config.Disk'] : [];
  return [
    ...[...new Set(storages)].map(
      (storage): PrivilegeNeed => ({
        path: `/storage/${storage}`,
        anyOf: ['Datastore.AllocateSpace'],
        for: `making disks on storage ${storage}`,
      }),
    ),
    ...[...new Set(wanted)].map(
      (bridge): PrivilegeNeed => ({
        path: `/sdn/zones/localnetwork/${bridge}`,
        anyOf: ['SDN.Use'],
        for: `using bridge ${bridge}`,
      }),
    ),
    ...removes.map((key): PrivilegeNeed => {
      const id = /^(?:dirid=)?([^,]+)/.exec(config[key] ?? '')?.[1] ?? '';
      return {
        path: `/mapping/dir/${id}`,
        anyOf: ['Mapping.Use'],
        for: `cloning a template that uses the directory mapping ${id}`,
      };
    }),
    ...[...new Set([...changed, 'VM.Config.Options', ...disk])].map((privilege) =>
      on(privilege, 'configuring the guest'),
    ),
  ];
}
