import type { GuestWish } from '../../config/config.ts';
import { sizeInBytes, type VmConfig } from '../../proxmox/vm-config.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';
import type { NewGuestFacts, SeenVm } from './facts.ts';
import { guestStep } from './guest-step.ts';
import { beingMade, wasMade } from './made-by.ts';
import { changesOf } from './vm-changes.ts';

/** Seconds: disks are copied whole. */
const cloneSeconds = 4 * 3600;

/** The guest's machine, whether it is there yet or not. */
export interface Vm {
  readonly name: string;
  /** A number, or a placeholder. */
  readonly vmid: string;
  readonly path: string;
}

/** A look at one key of the configuration. */
function configured(vm: Vm, at: string, matches: string, what: string): Extract<Check, { kind: 'call' }> {
  return { kind: 'call', path: `${vm.path}/config`, at, matches, what };
}

export function createStep(template: SeenVm, wish: GuestWish, vm: Vm): Step {
  const { storage } = wish.create;
  const there: Check[] = [
    configured(vm, 'name', `^${wish.name}$`, `there is a virtual machine ${wish.name}`),
    { kind: 'call', path: `${vm.path}/config`, at: 'lock', absent: true, what: 'no task holds it' },
  ];
  return guestStep(vm, 'create-guest', {
    title: `Clone template ${template.vmid} (${template.name}) as ${wish.name}`,
    why: 'A full clone: its disks depend on nothing. Until it is configured its description says that drayage is making it, so that a run that is cut off goes on with it instead of making another one.',
    probe: there,
    operations: [
      {
        kind: 'clone',
        path: `/nodes/${template.node}/qemu/${template.vmid}/clone`,
        ...(wish.vmid === undefined ? {} : { newid: wish.vmid }),
        params: {
          name: wish.name,
          full: 1,
          description: beingMade(wish.name),
          ...(storage === undefined ? {} : { storage }),
        },
        timeoutSeconds: cloneSeconds,
        what: wish.vmid === undefined ? 'clone it under the next free number' : `clone it as VM ${wish.vmid}`,
      },
    ],
    proof: there,
  });
}

/** @param guard what must hold so that it is still the machine that is being made */
export function resizeStep(template: VmConfig, wish: GuestWish, vm: Vm, guard: Check): Step[] {
  const { growsDisk } = changesOf(template, wish, {});
  if (growsDisk === undefined) return [];
  const { key, size } = growsDisk;
  const bytes = sizeInBytes(size) ?? 0;
  const same = ['G', 'T'].filter((unit) => bytes % (sizeInBytes(`1${unit}`) ?? 1) === 0);
  const shown = same.map((unit) => `${bytes / (sizeInBytes(`1${unit}`) ?? 1)}${unit}`);
  const grown = configured(vm, key, `(^|,)size=(${shown.join('|')})(,|$)`, `${key} has ${size}`);
  return [
    guestStep(vm, 'resize-guest', {
      title: `Grow ${key} of ${vm.name} to ${size}`,
      why: 'The guest sees a larger disk when it boots. Its partition and file system grow where the template is made for that (cloud-init does it).',
      needs: [`create-guest ${vm.name}`],
      probe: [grown],
      operations: [
        {
          kind: 'call',
          method: 'PUT',
          path: `${vm.path}/resize`,
          params: { disk: key, size },
          guards: [guard],
          timeoutSeconds: 600,
          what: 'grow the disk',
        },
      ],
      proof: [{ ...grown, within: 30 }],
      irreversible: 'Proxmox VE never shrinks a disk.',
    }),
  ];
}

export function configureStep(template: VmConfig, facts: NewGuestFacts, wish: GuestWish, vm: Vm): Step {
  const { params, removes, memory } = changesOf(
    template,
    wish,
    facts.sshKeys === undefined ? {} : { sshKeys: facts.sshKeys },
  );
  const done: Check[] = [
    configured(vm, 'description', 'Made by drayage for the guest ', `${wish.name} is configured`),
  ];
  const proof: Check[] = [
    ...done,
    configured(vm, 'memory', `^${memory}$`, `its memory is the plain number ${memory}`),
    ...removes.map((key) => hasNo(vm, key)),
  ];
  return guestStep(vm, 'configure-guest', {
    title: `Configure ${vm.name}: ${summary(params)}`,
    why: `Before its first start.${withoutDevices(removes)} Memory is a plain number and cannot be plugged while it runs: QEMU refuses anything else with virtiofs.`,
    needs: [`create-guest ${vm.name}`],
    probe: done,
    operations: [
      {
        kind: 'call',
        method: 'PUT',
        path: `${vm.path}/config`,
        params: {
          ...params,
          description: wasMade(wish.name, wish.create.template),
          ...(removes.length === 0 ? {} : { delete: removes.join(',') }),
        },
        guards: [stillBeingMade(vm), isStopped(vm)],
        what: 'set all of it in one call',
      },
    ],
    proof,
  });
}

function summary(params: Readonly<Record<string, string | number>>): string {
  const shown = ['cores', 'memory', 'bios', 'machine', 'net0', 'tags', 'ipconfig0'];
  return shown.flatMap((key) => (params[key] === undefined ? [] : [`${key} ${params[key]}`])).join(', ');
}

export function isStopped(vm: Vm): Check {
  return {
    kind: 'call',
    path: `${vm.path}/status/current`,
    at: 'status',
    equals: 'stopped',
    what: 'it is stopped',
  };
}

export function stillBeingMade(vm: Vm): Check {
  return configured(
    vm,
    'description',
    'drayage is making the guest ',
    `${vm.name} is still being made by drayage`,
  );
}

/** Why virtiofs devices of the template do not stay. */
export function withoutDevices(keys: readonly string[]): string {
  if (keys.length === 0) return '';
  return ` ${keys.join(', ')} of the template ${keys.length === 1 ? 'goes' : 'go'}: two machines would write into one directory.`;
}

export function hasNo(vm: Vm, key: string): Check {
  return { kind: 'call', path: `${vm.path}/config`, at: key, absent: true, what: `it has no ${key}` };
}

/** @param leftovers keys of virtiofs devices with which it must not start */
export function startStep(vm: Vm, needs: readonly string[], leftovers: readonly string[]): Step {
  const runs = {
    kind: 'call',
    path: `${vm.path}/status/current`,
    at: 'status',
    equals: 'running',
    what: `${vm.name} runs`,
  } as const;
  return guestStep(vm, 'start-guest', {
    title: `Start ${vm.name}`,
    why: 'Its address and its host key are known when it runs.',
    needs: [...needs],
    probe: [runs],
    operations: [
      {
        kind: 'call',
        method: 'POST',
        path: `${vm.path}/status/start`,
        params: {},
        guards: leftovers.map((key) => ({ ...hasNo(vm, key), what: `it has no ${key} of its template` })),
        timeoutSeconds: 120,
        what: 'start it',
      },
    ],
    proof: [{ ...runs, within: 60 }],
  });
}

export function agentStep(vm: Vm): Step {
  const answers: Check = {
    kind: 'call',
    path: `${vm.path}/agent/info`,
    at: 'result.version',
    matches: '.',
    what: `the guest agent of ${vm.name} answers`,
  };
  return guestStep(vm, 'agent', {
    title: `${vm.name} has booted`,
    why: 'The guest agent is the word from inside that comes over the API, before anything is known of the network.',
    needs: [`start-guest ${vm.name}`],
    probe: [answers],
    proof: [{ ...answers, within: 600 }],
  });
}
