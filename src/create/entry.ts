import type { ClusterFindings } from '../inspect/findings.ts';
import { editSource } from '../nix/edit-fleet.ts';
import { type EditedFile, editedFile } from '../nix/edited-file.ts';
import { namesOf } from '../nix/find-host.ts';
import type { Fleet, FleetHost } from '../nix/fleet.ts';
import type { NewGuestFacts } from '../plan/guest/facts.ts';
import { leftoversOf } from '../plan/guest/finish-steps.ts';
import { hostValues } from '../plan/guest/host-values.ts';
import type { NewGuest } from '../plan/guest/make-new.ts';

/** A guest whose number is chosen. */
export type Numbered = NewGuest & { readonly wish: { readonly vmid: number } };

export const isHostOf = (host: FleetHost, { wish }: NewGuest): boolean => namesOf(host).includes(wish.name);

/**
 * hosts.nix with the new host, which is not written yet; undefined: there is none, or it has the host already.
 * @throws nix/not-editable, nix/taken, nix/other-difference
 */
export async function hostsWith(
  fleet: Fleet | undefined,
  wanted: Numbered,
  { template }: Pick<NewGuestFacts, 'template'>,
): Promise<{ after: Fleet['source']; file: EditedFile } | undefined> {
  const has = fleet?.hosts.some((host) => isHostOf(host, wanted)) ?? true;
  if (fleet === undefined || has || template?.config === undefined) return undefined;
  const { config, node } = template;
  const values = hostValues(wanted.wish, { config, node, defaults: fleet.proxmox });
  const edit = { kind: 'host', attribute: wanted.wish.name, values } as const;
  const { before, after, ...proof } = await editSource(fleet.source, edit);
  return { after, file: await editedFile(before, after, proof) };
}

/** The cluster as it is when the virtiofs devices that the guest has from its template are gone. */
export function withoutLeftovers(
  cluster: ClusterFindings,
  { template, alike }: Pick<NewGuestFacts, 'template' | 'alike'>,
  fleet: Fleet | undefined,
  wanted: Numbered,
): ClusterFindings {
  const { vmid } = wanted.wish;
  const config = alike.find((vm) => vm.vmid === vmid)?.config ?? {};
  const leftovers = leftoversOf(template?.config ?? {}, config, mappingsOf(fleet, wanted));
  const vms = cluster.vms.map((vm) => {
    if (vm.vmid !== vmid || vm.virtiofs === undefined) return vm;
    return { ...vm, virtiofs: vm.virtiofs.filter(({ key }) => !leftovers.includes(key)) };
  });
  return { ...cluster, vms };
}

/** Mappings of the virtiofs devices that hosts.nix gives it. */
export function mappingsOf(fleet: Fleet | undefined, wanted: NewGuest): string[] {
  const host = fleet?.hosts.find((one) => isHostOf(one, wanted));
  return (host?.proxmox?.virtiofs ?? []).map(({ mapping }) => mapping);
}
