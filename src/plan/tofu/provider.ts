import { type MappingType, mappingTypes, type ProviderDialect } from '../../config/provider-version.ts';

export { type MappingType, mappingTypes, type ProviderDialect };

export const vmType = 'proxmox_virtual_environment_vm';

/** Resources that are a machine: they have `started`, `node_name` and `vm_id`. The experimental ones are among them. */
export const isMachine = (type: string): boolean =>
  /^proxmox_(virtual_environment_)?(vm2?|cloned_vm|container)$/.test(type);

/** Resources by which the HA manager of Proxmox VE starts, stops and migrates machines. */
export const movesMachines = (type: string): boolean =>
  /^proxmox_(virtual_environment_)?ha(resource|group|rule)$/.test(type);
