import type { GuestWish } from '../../config/config.ts';
import type { Edit, Plain } from '../../config/edit.ts';
import { knownAfter } from '../known.ts';
import type { Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { newGuestBlockers } from './blockers.ts';
import { enterSteps } from './enter.ts';
import { guestBlocker } from './errors.ts';
import type { NewGuestFacts, SeenVm } from './facts.ts';
import { madeFor } from './made-by.ts';
import { agentStep, configureStep, createStep, resizeStep, startStep, type Vm } from './new-steps.ts';

export interface NewGuest {
  readonly wish: GuestWish;
  /** `create` is not in drayage.yaml yet, and is entered with the number. */
  readonly enterCreate: boolean;
  /** The number is not in drayage.yaml yet. */
  readonly enterVmid: boolean;
  /** OpenTofu keeps the virtual machines, and nobody said that this one is to be made through the API. */
  readonly byTofu?: boolean;
}

/** The guest as it is now, where drayage has made it already or has begun to. */
export function guestNow(
  facts: NewGuestFacts,
  wish: GuestWish,
): { vm: SeenVm; state: 'half' | 'whole' } | undefined {
  const made = facts.alike.flatMap((vm) => {
    const state = madeFor(wish.name, vm);
    // What drayage.yaml has by number and the cluster by the same name is this guest, whoever made it.
    const entered = wish.vmid === vm.vmid && wish.name === vm.name && !vm.template;
    if (state === undefined && !entered) return [];
    return [{ vm, state: state ?? ('whole' as const) }];
  });
  return made.length === 1 ? made[0] : undefined;
}

/** Makes a guest from a template, or goes on with one that is half made. Pure. */
export function makeNewGuest(facts: NewGuestFacts, wanted: NewGuest, version: string): Plan {
  const { wish } = wanted;
  const now = guestNow(facts, wish);
  const blockers = [
    ...newGuestBlockers(facts, wish),
    ...(wanted.byTofu === true && now === undefined ? [keptByTofu(wish.name)] : []),
  ];
  const notes: string[] = [];
  const steps =
    facts.template?.config === undefined && now?.state !== 'whole'
      ? []
      : guestSteps(facts, wanted, now, notes);
  const plan = {
    format: 1 as const,
    drayage: version,
    phases: [{ name: `guest ${wish.name}`, moves: [] }],
    steps,
    blockers,
    notes,
  };
  return { ...plan, id: planId(plan), estimates: {} };
}

function guestSteps(
  facts: NewGuestFacts,
  wanted: NewGuest,
  now: ReturnType<typeof guestNow>,
  notes: string[],
): Step[] {
  const { wish } = wanted;
  const { name } = wish;
  const vmid = now === undefined ? knownAfter(`create-guest ${name}`) : String(now.vm.vmid);
  const node = now?.vm.node ?? facts.template?.node ?? '';
  const vm: Vm = { name, vmid, path: `/nodes/${node}/qemu/${vmid}` };
  const template = facts.template?.config;
  const making =
    now?.state === 'whole' || template === undefined || facts.template === undefined
      ? []
      : [
          createStep(facts.template, wish, vm),
          ...resizeStep(template, wish, vm),
          configureStep(template, facts, wish, vm),
        ];
  const entry = enterSteps({ name, file: facts.file, needs: [`agent ${name}`] }, editsOf(wanted, vm), notes);
  return [...making, startStep(vm, template ?? {}, making.length > 0), agentStep(vm), ...entry];
}

function keptByTofu(name: string) {
  return guestBlocker('guest/kept-by-opentofu', {
    seen: `${name} does not exist yet, and drayage.yaml has \`tofu\``,
    next: [
      `let OpenTofu make it: describe ${name} where it reads your machines, then drayage tofu generate, drayage tofu apply, drayage guest integrate ${name}`,
      `or through the API: drayage guest new ${name} --api, then drayage tofu generate, which writes an import block for it`,
    ],
  });
}

/** What drayage.yaml gets: how the guest was wished for, and its number. */
function editsOf({ wish, enterCreate, enterVmid }: NewGuest, { vmid }: Vm): Edit[] {
  const number = /^\d+$/.test(vmid) ? Number(vmid) : vmid;
  return [
    ...(enterCreate ? [edit(wish.name, 'create', plainOf(wish.create))] : []),
    ...(enterVmid ? [edit(wish.name, 'vmid', number)] : []),
  ];
}

const edit = (guest: string, key: string, value: Plain): Edit => ({ path: ['guests', guest, key], value });

function plainOf(value: object): Plain {
  return JSON.parse(JSON.stringify(value)) as Plain;
}
