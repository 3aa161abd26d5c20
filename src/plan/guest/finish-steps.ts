import type { GuestWish } from '../../config/config.ts';
import { parsePropertyString } from '../../proxmox/property-string.ts';
import { firstDisk, keysOf, type VmConfig } from '../../proxmox/vm-config.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';
import type { NewGuestFacts } from './facts.ts';
import { guestStep } from './guest-step.ts';
import { hasNo, isStopped, resizeStep, type Vm, withoutDevices } from './new-steps.ts';
import { changesOf } from './vm-changes.ts';

/** What the provider leaves as the clone has it: it has no word for `hotplug`, and drayage writes no `initialization`. */
const notTofus = ['hotplug', 'ciuser', 'sshkeys', 'ipconfig0', 'nameserver'] as const;

/**
 * What OpenTofu does not set on a guest that it has made, before its first start. Only what is still word for word the
 * template's is changed: what somebody has set since stays.
 */
export function finishSteps(given: {
  readonly template: VmConfig;
  /** The guest's own. */
  readonly config: VmConfig;
  readonly wish: GuestWish;
  readonly vm: Vm;
  readonly facts: Pick<NewGuestFacts, 'sshKeys'>;
  readonly mappings: readonly string[];
}): Step[] {
  const { template, config, wish, vm, facts, mappings } = given;
  const wanted = changesOf(template, wish, facts.sshKeys === undefined ? {} : { sshKeys: facts.sshKeys });
  const params = Object.fromEntries(
    notTofus.flatMap((key) => {
      const value = wanted.params[key];
      const open = value !== undefined && config[key] === template[key] && config[key] !== String(value);
      return open ? [[key, value]] : [];
    }),
  );
  const removes = leftoversOf(template, config, mappings);
  const [disk, origin] = [firstDisk(config), firstDisk(template)];
  const grows = disk?.key === origin?.key && disk?.size === origin?.size;
  const resize = grows ? resizeStep(template, wish, vm, isStopped(vm)) : [];
  if (Object.keys(params).length === 0 && removes.length === 0) return withoutNeeds(resize);
  const done: Check[] = [
    ...Object.entries(params).map(
      ([key, value]): Check => ({
        kind: 'call',
        path: `${vm.path}/config`,
        at: key,
        equals: value,
        what: `its ${key} is set`,
      }),
    ),
    ...removes.map((key) => hasNo(vm, key)),
  ];
  return [
    ...withoutNeeds(resize),
    guestStep(vm, 'finish-guest', {
      title: `Set on ${vm.name} what OpenTofu does not: ${[...Object.keys(params), ...removes.map((key) => `no ${key}`)].join(', ')}`,
      why: `Before its first start.${withoutDevices(removes)} The provider keeps what a clone has of it.`,
      probe: done,
      operations: [
        {
          kind: 'call',
          method: 'PUT',
          path: `${vm.path}/config`,
          params: { ...params, ...(removes.length === 0 ? {} : { delete: removes.join(',') }) },
          guards: [isStopped(vm)],
          what: 'set all of it in one call',
        },
      ],
      proof: done,
    }),
  ];
}

/** Keys of the virtiofs devices that a machine has from its template, and nobody wants for it. */
export function leftoversOf(
  template: VmConfig,
  config: VmConfig,
  mappings: readonly string[] = [],
): string[] {
  return keysOf(config, 'virtiofs').filter((key) => {
    const { dirid } = parsePropertyString(config[key] ?? '', 'dirid');
    return config[key] === template[key] && !mappings.includes(dirid ?? '');
  });
}

/** No step of drayage has made the machine. */
const withoutNeeds = (steps: readonly Step[]): Step[] => steps.map((step) => ({ ...step, needs: [] }));
