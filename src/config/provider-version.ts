/** The version of the provider that drayage pins where drayage.yaml names none. */
export const defaultProviderVersion = '0.111.1';

/** Resource types of a directory mapping: the long name before 0.100.0 (#2723), where it became deprecated. */
export const mappingTypes = [
  'proxmox_virtual_environment_hardware_mapping_dir',
  'proxmox_hardware_mapping_dir',
] as const;
export type MappingType = (typeof mappingTypes)[number];

/** What of the generated files depends on the version of the provider bpg/proxmox. */
export interface ProviderDialect {
  /** The constraint as it stands in `required_providers`. */
  readonly constraint: string;
  readonly mappingType: MappingType;
  /** `purge_on_destroy` and `delete_unreferenced_disks_on_destroy` are known (#2345; certainly from 0.90.0 on). */
  readonly destroyOptions: boolean;
}

/**
 * The dialect of a pin: one version (`0.111.1`), or the patches of one minor version (`~> 0.93.0`). Wider ranges would
 * span dialects.
 */
export function readProviderPin(
  pin: string,
): { readonly dialect: ProviderDialect } | { readonly problem: string } {
  const match = /^(?:(?:=|~>)\s*)?(\d+)\.(\d+)\.(\d+)$/.exec(pin.trim());
  if (match === null) return { problem: 'is not one version, or the patches of one minor version' };
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major >= 1) return { problem: 'is newer than drayage knows: 1.0 has other names' };
  if (minor < 76) return { problem: 'does not know virtiofs and directory mappings, which came with 0.76.0' };
  return {
    dialect: {
      constraint: pin.trim(),
      mappingType: mappingTypes[minor >= 100 ? 1 : 0],
      destroyOptions: minor >= 90,
    },
  };
}
