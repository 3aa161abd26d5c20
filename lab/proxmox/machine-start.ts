/** From a VM's configuration to what QEMU is started with, and the errors of a start (QemuServer.pm, Virtiofs.pm, Memory.pm). */
import { join } from 'node:path';
import type { MachineStart, VirtiofsDevice } from '../contracts.ts';
import { died } from './api-error.ts';
import type { Cluster } from './endpoint.ts';
import { virtiofs as virtiofsFormat } from './formats.ts';
import { checkDirectory, entriesFor } from './mapping-check.ts';
import { parsePropertyString } from './property-string.ts';
import { readDirMappings } from './section-config.ts';
import type { Options } from './vm-conf-file.ts';
import { isDisk } from './vm-options.ts';

/** @throws ApiError whose message is the exitstatus of the start task */
export function machineStart(cluster: Cluster, node: string, vmid: number, options: Options): MachineStart {
  const virtiofs = virtiofsKeys(options).map((key) =>
    virtiofsDevice(cluster, node, key, options[key] ?? '', options),
  );
  return {
    vmid,
    name: options.name ?? `VM${vmid}`,
    memoryMiB: memory(options, virtiofs.length > 0),
    cores: Number(options.cores ?? 1) * Number(options.sockets ?? 1),
    disks: diskKeys(options).map((key) => diskPath(cluster, volumeOf(options[key] ?? ''))),
    nics: nics(options),
    virtiofs,
    agent: agentEnabled(options),
    ...(node !== cluster.options.node && { nodeRoot: cluster.rootOf(node) }),
  };
}

export const virtiofsKeys = (options: Options): string[] =>
  Object.keys(options)
    .filter((key) => /^virtiofs\d$/.test(key))
    .sort();

export const diridOf = (value: string): string => String(parsePropertyString(value, virtiofsFormat).dirid);

export const agentEnabled = (options: Options): boolean =>
  (options.agent ?? '').split(',').some((part) => /^(enabled=)?(1|on|yes|true)$/i.test(part));

function virtiofsDevice(
  cluster: Cluster,
  node: string,
  key: string,
  value: string,
  options: Options,
): VirtiofsDevice {
  const asked = parsePropertyString(value, virtiofsFormat, key);
  const mapping = readDirMappings(cluster.mappingFile).ids.get(String(asked.dirid));
  if (!mapping) throw died(`Directory ID ${asked.dirid} does not exist.`);
  const [entry, ...more] = entriesFor(mapping, node);
  if (!entry) throw died(`No directory mapping for node ${node}.`);
  if (more.length > 0) throw died(`More than than one directory mapping for node ${node}.`);
  const wrong = checkDirectory(cluster.rootOf(node), entry.path);
  if (wrong !== undefined) throw died(`directory mapping invalid: ${wrong}`);
  if (asked['expose-acl'] === 1 && /^w/.test(options.ostype ?? ''))
    throw died(
      'Please disable ACLs for virtiofs on Windows VMs, otherwise the virtiofs shared directory cannot be mounted.',
    );
  const cache = asked.cache as VirtiofsDevice['cache'];
  return {
    index: Number(key.slice('virtiofs'.length)),
    tag: String(asked.dirid),
    sharedDirectory: entry.path,
    // --posix-acl implies --xattr in virtiofsd; PVE passes --xattr only when it is asked for.
    xattr: asked['expose-xattr'] === 1,
    posixAcl: asked['expose-acl'] === 1,
    directIo: asked['direct-io'] === 1,
    ...(cache === undefined ? {} : { cache }),
  };
}

/** Shared memory takes the raw value of `memory` when numa is off: only a plain integer survives QEMU. */
function memory(options: Options, shared: boolean): number {
  const raw = options.memory;
  if (!shared) return Number((raw ?? '512').replace(/^current=/, ''));
  if ((options.hotplug ?? '').split(/[,;\s]+/).includes('memory'))
    throw died('Memory hotplug does not work in combination with virtio-fs.');
  if (options.numa === '1') return Number((raw ?? '512').replace(/^current=/, ''));
  if (raw === undefined || !/^\d+$/.test(raw)) throw died('start failed: QEMU exited with code 1');
  return Number(raw);
}

/** Disks in the order in which a guest names them; no cdrom, no unused volume. */
export function diskKeys(options: Options): string[] {
  const order = ['virtio', 'scsi', 'sata', 'ide'];
  const split = (key: string) => /^([a-z]+)(\d+)$/.exec(key) ?? ['', '', '0'];
  return Object.keys(options)
    .filter((key) => isDisk(key) && order.includes(split(key)[1] ?? ''))
    .filter(
      (key) => !/(^|,)media=cdrom(,|$)/.test(options[key] ?? '') && volumeOf(options[key] ?? '') !== 'none',
    )
    .sort((a, b) => {
      const [[, busA = '', nrA], [, busB = '', nrB]] = [split(a), split(b)];
      return order.indexOf(busA) - order.indexOf(busB) || Number(nrA) - Number(nrB);
    });
}

/** `local:104/vm-104-disk-0.qcow2` of a drive's value. */
export const volumeOf = (drive: string): string => (drive.split(',')[0] ?? '').replace(/^file=/, '');

/** Where a volume's file lies. @throws ApiError 500 for another storage */
export function diskPath(cluster: Cluster, volume: string): string {
  const found = /^local:(\d+\/[\w.-]+)$/.exec(volume);
  if (!found?.[1]) throw died(`unable to parse volume ID '${volume}'`);
  return join(cluster.options.imagesFolder, found[1]);
}

function nics(options: Options): { mac: string; bridge: string }[] {
  return Object.keys(options)
    .filter((key) => /^net\d+$/.test(key))
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)))
    .map((key) => {
      const value = options[key] ?? '';
      const mac = /(?:^|,)(?:[\w-]+|macaddr)=([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})(?:,|$)/.exec(value)?.[1];
      const bridge = /(?:^|,)bridge=([^,]+)/.exec(value)?.[1];
      if (mac === undefined || bridge === undefined)
        throw died(`${key}: the lab needs a MAC address and a bridge, got '${value}'`);
      return { mac, bridge };
    });
}
