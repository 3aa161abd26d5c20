import { DrayageError } from '../errors/error.ts';
import type { ProxmoxClient } from './client.ts';

/** `silent`: configured, and it does not answer. `none`: Proxmox VE is told of no agent. */
export type AgentState = 'answers' | 'silent' | 'none' | 'not-seen';

/** Whether the guest agent of a running virtual machine answers; a look that changes nothing. */
export async function agentState(client: ProxmoxClient, node: string, vmid: number): Promise<AgentState> {
  try {
    await client.get(`/nodes/${node}/qemu/${vmid}/agent/network-get-interfaces`);
    return 'answers';
  } catch (error) {
    if (!(error instanceof DrayageError)) throw error;
    // PVE::QemuServer::Agent: "No QEMU guest agent configured", "QEMU guest agent is not running".
    if (/no qemu guest agent configured/i.test(error.seen)) return 'none';
    if (/guest agent is not running/i.test(error.seen)) return 'silent';
    return 'not-seen';
  }
}
