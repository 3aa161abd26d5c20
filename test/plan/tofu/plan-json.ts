/** Plan JSON as `show -json` prints it (the shape seen from Terraform 1.11.4), around one change. */
export function planWith(changes: readonly object[], more: object = {}): string {
  return JSON.stringify({
    format_version: '1.2',
    terraform_version: '1.11.4',
    planned_values: { root_module: {} },
    resource_changes: changes,
    timestamp: '2026-11-27T13:17:23Z',
    applyable: true,
    complete: true,
    errored: false,
    ...more,
  });
}

export const vmAddress = 'proxmox_virtual_environment_vm.stack2';
export const mappingAddress = 'proxmox_hardware_mapping_dir.containers';

/** A machine as the provider has it in a plan. */
export const vmValues = {
  id: '114',
  name: 'stack2',
  vm_id: 114,
  node_name: 'alder',
  reboot_after_update: false,
  cpu: [{ cores: 8, type: 'host' }],
  memory: [{ dedicated: 16384 }],
  disk: [
    { interface: 'virtio0', size: 64, datastore_id: 'tank' },
    { interface: 'virtio1', size: 250, datastore_id: 'tank' },
  ],
  virtiofs: [{ mapping: 'containers', cache: 'auto' }],
  initialization: [{ user_account: [{ username: 'mara', password: 'hunter2-old' }] }],
};

type Change = {
  before?: unknown;
  after?: unknown;
  [key: string]: unknown;
};

export function vmChange(actions: readonly string[], change: Change = {}, more: object = {}): object {
  return {
    address: vmAddress,
    mode: 'managed',
    type: 'proxmox_virtual_environment_vm',
    name: 'stack2',
    provider_name: 'registry.opentofu.org/bpg/proxmox',
    ...more,
    change: {
      actions,
      before: vmValues,
      after: vmValues,
      after_unknown: {},
      before_sensitive: {},
      after_sensitive: {},
      ...change,
    },
  };
}

export const mappingValues = {
  id: 'containers',
  name: 'containers',
  map: [
    { node: 'alder', path: '/tank/containers' },
    { node: 'birch', path: '/spare/containers' },
  ],
};

export function mappingChange(actions: readonly string[], after: unknown): object {
  return {
    address: mappingAddress,
    mode: 'managed',
    type: 'proxmox_hardware_mapping_dir',
    name: 'containers',
    change: { actions, before: mappingValues, after, after_unknown: {} },
  };
}
