import { isOn, parsePropertyString } from './property-string.ts';

/** Devices that a VM can have: `virtiofs0` to `virtiofs9` (qemu-server, PVE/QemuServer/Virtiofs.pm). */
export const maxVirtiofsDevices = 10;

export type VirtiofsCache = 'auto' | 'always' | 'metadata' | 'never';

export interface VirtiofsOptions {
  readonly mapping: string;
  readonly cache: VirtiofsCache;
  readonly directIo: boolean;
  readonly exposeXattr: boolean;
  readonly exposeAcl: boolean;
}

/** The value of a `virtiofsN` key. What is the default is not written. */
export function virtiofsValue(options: VirtiofsOptions): string {
  return [
    `dirid=${options.mapping}`,
    ...(options.cache === 'auto' ? [] : [`cache=${options.cache}`]),
    ...(options.directIo ? ['direct-io=1'] : []),
    ...(options.exposeAcl ? ['expose-acl=1'] : []),
    ...(options.exposeXattr ? ['expose-xattr=1'] : []),
  ].join(',');
}

/** undefined when the value has a cache mode that the format does not know. */
export function parseVirtiofs(value: string): VirtiofsOptions | undefined {
  const properties = parsePropertyString(value, 'dirid');
  const cache = properties.cache ?? 'auto';
  if (!/^(auto|always|metadata|never)$/.test(cache) || properties.dirid === undefined) return undefined;
  return {
    mapping: properties.dirid,
    cache: cache as VirtiofsCache,
    directIo: isOn(properties['direct-io']),
    exposeXattr: isOn(properties['expose-xattr']),
    exposeAcl: isOn(properties['expose-acl']),
  };
}

/** The first key that no device has. @throws RangeError when all ten are taken. */
export function freeVirtiofsKey(taken: readonly string[]): string {
  for (let index = 0; index < maxVirtiofsDevices; index += 1) {
    if (!taken.includes(`virtiofs${index}`)) return `virtiofs${index}`;
  }
  throw new RangeError('all ten virtiofs devices are taken');
}
