import { type FleetFileEdit, writeFleetStep } from '../fleet/write-hosts.ts';
import type { Blocker, Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import type { TofuVm } from '../tofu/fleet.ts';
import { resourceName } from '../tofu/names.ts';
import { type FileWrite, fileSteps } from '../tofu/operations.ts';
import { vmType } from '../tofu/provider.ts';
import { newGuestBlockers } from './blockers.ts';
import { enterSteps } from './enter.ts';
import { guestBlocker } from './errors.ts';
import type { NewGuestFacts } from './facts.ts';
import { editsOf, type NewGuest } from './make-new.ts';

/** What has to be in the operator's files before OpenTofu makes a guest. */
export interface GuestEntry {
  /** With its number. */
  readonly wanted: NewGuest & { readonly wish: { readonly vmid: number } };
  /** hosts.nix with the new host; absent: there is none, or it has the host already. */
  readonly hosts?: FleetFileEdit;
  /** hosts.nix describes it, or does when it is written. */
  readonly inHosts: boolean;
  /** Files of OpenTofu that become others. */
  readonly files: readonly FileWrite[];
  /** The guest as OpenTofu will have it. */
  readonly vm: TofuVm | undefined;
}

/** Enters a guest in hosts.nix, drayage.yaml and the files of OpenTofu, which makes it afterwards. Pure. */
export function makeEntry(facts: NewGuestFacts, entry: GuestEntry, version: string): Plan {
  const { wanted, hosts, inHosts, files, vm } = entry;
  const { wish } = wanted;
  const { name } = wish;
  const notes: string[] = [];
  const own = enterSteps({ name, file: facts.file, needs: [] }, editsOf(wanted, String(wish.vmid)), notes);
  const blockers = [
    ...newGuestBlockers(facts, wish),
    ...(notes.length > 0 && !inHosts ? [notDescribed(facts, name, notes)] : []),
    ...(vm === undefined ? [] : templateOf(facts, wanted, vm)),
  ];
  const phase = `guest ${name}`;
  const steps: Step[] = [
    ...(hosts === undefined ? [] : [writeFleetStep(hosts)]),
    ...own,
    ...fileSteps(files, `${name} in the files of OpenTofu`).map((step, index) =>
      shortened(step, resourceOf(files[index]?.text ?? '', vm?.host ?? name)),
    ),
  ].map((step) => ({ ...step, phase }));
  if (steps.length > 0)
    notes.push(
      `Then OpenTofu is run: its plan is shown and judged before it makes ${name}. After it, drayage sets what OpenTofu does not, and starts ${name}.`,
    );
  const plan = {
    format: 1 as const,
    drayage: version,
    phases: [{ name: phase, moves: [] }],
    steps,
    blockers,
    notes,
  };
  return { ...plan, id: planId(plan), estimates: {} };
}

/** Neither file could be edited: OpenTofu would not know of the guest. */
function notDescribed({ file }: NewGuestFacts, name: string, notes: readonly string[]): Blocker {
  return guestBlocker('guest/not-entered', {
    seen: `${name} is not in the files that OpenTofu's are made from`,
    next: [...notes, `drayage guest new ${name}   # when it is in ${file.path}`],
  });
}

/** OpenTofu clones the template that `_proxmox` names, on the node of the new machine. */
function templateOf({ template }: NewGuestFacts, { wish }: NewGuest, vm: TofuVm): Blocker[] {
  const other = `or through the API: drayage guest new ${wish.name} --api`;
  if (vm.template !== undefined && vm.template !== wish.create.template)
    return [
      guestBlocker('guest/other-template', {
        seen: `${vm.from} has OpenTofu clone VM ${vm.template}; ${wish.name} shall come from VM ${wish.create.template}`,
        next: [
          `--template ${vm.template}`,
          `${vm.template} as templateVmid of _proxmox in ${vm.from}`,
          other,
        ],
      }),
    ];
  if (template === undefined || vm.node === template.node) return [];
  return [
    guestBlocker('guest/other-template', {
      seen: `VM ${template.vmid} is on ${template.node}; OpenTofu would look for it on ${vm.node || 'no node'}`,
      next: [`node = "${template.node}" for ${wish.name} in hosts.nix`, other],
    }),
  ];
}

/** The step as it is, and only what is new in its file shown. */
function shortened(step: Step, excerpt: string): Step {
  const operations = step.operations.map((operation) =>
    operation.kind === 'write' && excerpt !== '' ? { ...operation, excerpt } : operation,
  );
  return { ...step, operations };
}

function resourceOf(text: string, host: string): string {
  const resources = (JSON.parse(text) as { resource?: Record<string, Record<string, unknown>> }).resource;
  const body = resources?.[vmType]?.[resourceName(host)];
  return body === undefined ? '' : JSON.stringify({ [resourceName(host)]: body }, undefined, 2);
}
