import type { ClusterFindings, GuestFindings, NotSeen } from './findings.ts';

/** A virtual machine as its configuration and its state show it. */
export type VmFindings = Pick<GuestFindings, 'vmid' | 'node' | 'running' | 'vm'>;

/**
 * What inspection asks of the Proxmox VE API. Reads only. A part that the token may not see is left out and named in
 * `notSeen` with the privilege that shows it; an API that cannot be asked at all throws.
 */
export interface ProxmoxReader {
  cluster(): Promise<{ readonly cluster: ClusterFindings; readonly notSeen: readonly NotSeen[] }>;
  /** @throws a DrayageError when no virtual machine of that number can be seen */
  vm(vmid: number): Promise<{ readonly vm: VmFindings; readonly notSeen: readonly NotSeen[] }>;
}
