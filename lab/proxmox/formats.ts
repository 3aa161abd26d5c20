/** The formats of PVE's schema that the emulator checks, with PVE's texts. */
import { flag, type NamedFormat, type Param, type PropertyFormat, params, text } from './params.ts';

const format = (name: string, good: RegExp, wrong: (value: string) => string): NamedFormat => ({
  name,
  check: (value) => (good.test(value) ? undefined : wrong(value)),
});

const configIdPattern = /^[a-z][a-z0-9_-]+$/i;
const configId = format('pve-configid', configIdPattern, (v) => `invalid configuration ID '${v}'`);
const nodeName = format(
  'pve-node',
  /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/,
  () => 'value does not look like a valid node name',
);
const dnsName = format(
  'dns-name',
  /^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/,
  () => 'value does not look like a valid DNS name',
);
/** Not anchored at its end in the source: `/a(b)` passes, `/` alone does not. */
const mappingPath = format(
  'pve-storage-path-in-property-string',
  /^\/[^;,=()]+/,
  () =>
    'Value does not look like a valid absolute path. These symbols are currently not allowed in path: ;,=()',
);
const configIdList: NamedFormat = {
  name: 'pve-configid-list',
  check: (value) =>
    splitList(value)
      .map((id) => configId.check(id))
      .find((wrong) => wrong !== undefined),
};

/** `a,b;c d` -> its parts, as PVE::Tools::split_list. */
export const splitList = (value: string): string[] => value.split(/[,;\s]+/).filter((part) => part !== '');

export const id = text({ format: configId });
export const snapshotName = text({ format: configId, maxLength: 40 });
export const idList = text({ format: configIdList });
export const node = text({ format: nodeName });
export const guestName = text({ format: dnsName });
export const vmid: Param = {
  type: 'integer',
  minimum: 100,
  maximum: 999_999_999,
  format: format('pve-vmid', /^[1-9]\d{2,8}$/, () => 'value does not look like a valid VM ID'),
};

/** One entry of a directory mapping's `map`. */
export const mapEntry: PropertyFormat = { fields: { node, path: text({ format: mappingPath }) } };

/** `virtiofsN` of a VM's configuration. */
export const virtiofs: PropertyFormat = {
  defaultKey: 'dirid',
  fields: params({
    dirid: id,
    'cache?': text({ enum: ['auto', 'always', 'metadata', 'never'] }),
    'direct-io?': flag,
    'expose-acl?': flag,
    'expose-xattr?': flag,
  }),
};

/** `memory` of a VM's configuration. */
export const memory: PropertyFormat = {
  defaultKey: 'current',
  fields: { current: { type: 'integer', minimum: 16 } },
};
