import { type MappingType, mappingTypes, type ProviderDialect } from '../../config/provider-version.ts';

export { type MappingType, mappingTypes, type ProviderDialect };

export const vmType = 'proxmox_virtual_environment_vm';
