import type { GuestWish } from '../../config/config.ts';
import type { Edit, Plain } from '../../config/edit.ts';
import { knownAfter } from '../known.ts';
import type { Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { newGuestBlockers } from './blockers.ts';
import { enterSteps } from './enter.ts';
import type { NewGuestFacts, SeenVm } from './facts.ts';
import { finishSteps, leftoversOf } from './finish-steps.ts';
import { isEntered, madeFor } from './made-by.ts';
import {
  agentStep,
  configureStep,
  createStep,
  resizeStep,
  startStep,
  stillBeingMade,
  type Vm,
} from './new-steps.ts';

export interface NewGuest {
  readonly wish: GuestWish;
  /** `create` is not in drayage.yaml yet, and is entered with the number. */
  readonly enterCreate: boolean;
  /** The number is not in drayage.yaml yet. */
  readonly enterVmid: boolean;
  /** OpenTofu has made it: what it does not set is still to be set, as long as the machine does not run. */
  readonly byTofu?: {
    /** Mappings of the virtiofs devices that it shall have. */
    readonly mappings: readonly string[];
  };
}

/** The guest as it is now, where drayage has made it already or has begun to. */
export function guestNow(
  facts: NewGuestFacts,
  wish: GuestWish,
): { vm: SeenVm; state: 'half' | 'whole' } | undefined {
  const made = facts.alike.flatMap((vm) => {
    const state = madeFor(wish.name, vm);
    if (state === undefined && !isEntered(vm, wish)) return [];
    return [{ vm, state: state ?? ('whole' as const) }];
  });
  return made.length === 1 ? made[0] : undefined;
}

/** Makes a guest from a template, or goes on with one that is half made. Pure. */
export function makeNewGuest(facts: NewGuestFacts, wanted: NewGuest, version: string): Plan {
  const { wish } = wanted;
  const now = guestNow(facts, wish);
  const blockers = newGuestBlockers(facts, wish);
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
  const making = makingSteps(facts, wanted, now, vm);
  const needs = making.flatMap(({ id }) => (/^(configure|finish)-guest /.test(id) ? [id] : []));
  const before = now?.vm.config ?? template ?? {};
  const leftovers = making.length === 0 ? [] : leftoversOf(template ?? {}, before, wanted.byTofu?.mappings);
  const entry = enterSteps(
    { name, file: facts.file, needs: [`agent ${name}`] },
    editsOf(wanted, vmid),
    notes,
  );
  return [...making, startStep(vm, needs, leftovers), agentStep(vm), ...entry];
}

function makingSteps(
  facts: NewGuestFacts,
  { wish, byTofu }: NewGuest,
  now: ReturnType<typeof guestNow>,
  vm: Vm,
): Step[] {
  const template = facts.template?.config;
  if (template === undefined || facts.template === undefined) return [];
  if (now?.state !== 'whole')
    return [
      createStep(facts.template, wish, vm),
      ...resizeStep(template, wish, vm, stillBeingMade(vm)),
      configureStep(template, facts, wish, vm),
    ];
  const { config } = now.vm;
  if (byTofu === undefined || config === undefined || now.vm.running) return [];
  return finishSteps({ template, config, wish, vm, facts, mappings: byTofu.mappings });
}

/** What drayage.yaml gets: how the guest was wished for, and its number. */
export function editsOf({ wish, enterCreate, enterVmid }: NewGuest, vmid: string): Edit[] {
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
