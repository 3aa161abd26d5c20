import type { GuestWish } from '../../config/config.ts';
import { agentIsOn, firstDisk, hasCloudInit, sizeInBytes } from '../../proxmox/vm-config.ts';
import type { Blocker } from '../plan.ts';
import { guestBlocker } from './errors.ts';
import type { NewGuestFacts, SeenVm } from './facts.ts';
import { isEntered, madeFor } from './made-by.ts';

/** Why the guest cannot be made as the cluster is now. A guest that is whole needs no template any more. */
export function newGuestBlockers(facts: NewGuestFacts, wish: GuestWish): Blocker[] {
  const made = facts.alike.filter((vm) => madeFor(wish.name, vm) !== undefined);
  if (made.length > 1)
    return [
      guestBlocker('guest/made-twice', {
        seen: `${made.map(named).join(' and ')} were made for ${wish.name}`,
        next: made.map(({ vmid, node }) => `look which one is not wanted; on ${node}: qm destroy ${vmid}`),
      }),
    ];
  const taken = takenBlockers(facts, wish);
  const entered = facts.alike.some((vm) => isEntered(vm, wish));
  const whole = entered || made.some((vm) => madeFor(wish.name, vm) === 'whole');
  return whole
    ? taken
    : [...taken, ...stuckBlockers(facts), ...templateBlockers(facts, wish), ...missingBlockers(facts)];
}

const named = ({ vmid, name, node }: SeenVm) => `VM ${vmid} (${name}, on ${node})`;

function takenBlockers(facts: NewGuestFacts, wish: GuestWish): Blocker[] {
  const others = facts.alike.filter((vm) => madeFor(wish.name, vm) === undefined);
  return others.flatMap((vm) => {
    if (isEntered(vm, wish)) return [];
    if (vm.vmid === wish.vmid)
      return [
        guestBlocker('guest/vmid-taken', {
          seen: `${named(vm)} has the number that ${wish.name} shall have`,
          next: [
            `another number, or none, where it stands: --vmid, guests.${wish.name}.vmid in drayage.yaml, proxmox.vmid in hosts.nix`,
          ],
        }),
      ];
    return [
      guestBlocker('guest/name-taken', {
        seen: `${named(vm)} has the name ${wish.vmName ?? wish.name}`,
        next: [
          'drayage guest new with another name',
          `if it is that guest: write guests.${wish.name}.vmid: ${vm.vmid} in drayage.yaml, then drayage guest integrate ${wish.name}`,
        ],
      }),
    ];
  });
}

function stuckBlockers({ stuck }: NewGuestFacts): Blocker[] {
  if (stuck === undefined) return [];
  const { vmid, node } = stuck;
  return [
    guestBlocker('guest/clone-left-behind', {
      seen: `VM ${vmid} on ${node} is locked (clone), and no clone runs on ${node}`,
      next: [`on ${node}, when you are sure that it is of no use: qm unlock ${vmid} && qm destroy ${vmid}`],
    }),
  ];
}

function templateBlockers(facts: NewGuestFacts, { create }: GuestWish): Blocker[] {
  const { template, templates } = facts;
  const there =
    templates.length === 0
      ? 'this token sees no template'
      : `templates are ${templates.map(({ vmid, name }) => `${vmid} (${name})`).join(', ')}`;
  if (template === undefined)
    return [
      guestBlocker('guest/no-template', {
        seen: `no VM ${create.template}; ${there}`,
        next: [
          'pvesh get /cluster/resources --type vm',
          `on the node: pveum acl modify /vms/${create.template} --tokens 'USER@REALM!NAME' --roles PVETemplateUser`,
        ],
      }),
    ];
  if (!template.template)
    return [
      guestBlocker('guest/not-a-template', {
        seen: `${named(template)} is no template; ${there}`,
        next: [
          `the number of a template as create.template, or --template`,
          `only if it is meant to be one, and nothing runs in it: qm template ${template.vmid}   # on ${template.node}`,
        ],
      }),
    ];
  // Without its configuration nothing can be said; the privilege that is missing is told.
  if (template.config === undefined) return [];
  return configBlockers(template, template.config, create);
}

function configBlockers(
  template: SeenVm,
  config: NonNullable<SeenVm['config']>,
  create: GuestWish['create'],
): Blocker[] {
  const found: Blocker[] = [];
  const { vmid, node } = template;
  if (!agentIsOn(config))
    found.push(
      guestBlocker('guest/template-without-agent', {
        seen: `${named(template)}: agent is ${config.agent ?? 'not set'}`,
        next: [`on ${node}: qm set ${vmid} --agent 1   # qemu-guest-agent must be installed in it too`],
      }),
    );
  if (create.cloudInit !== undefined && !hasCloudInit(config))
    found.push(
      guestBlocker('guest/template-without-cloud-init', {
        seen: `${named(template)} has no cloud-init drive`,
        next: [
          `on ${node}: qm set ${vmid} --ide2 STORAGE:cloudinit   # and cloud-init in it`,
          'or leave cloudInit out',
        ],
      }),
    );
  if (create.disk !== undefined) found.push(...diskBlockers(template, config, create.disk));
  return found;
}

function diskBlockers(template: SeenVm, config: NonNullable<SeenVm['config']>, wanted: string): Blocker[] {
  const disk = firstDisk(config);
  if (disk === undefined)
    return [
      guestBlocker('guest/template-without-disk', {
        seen: `${named(template)} has no disk`,
        next: [`qm config ${template.vmid}   # on ${template.node}`],
      }),
    ];
  if ((disk.size ?? 0) <= (sizeInBytes(wanted) ?? 0)) return [];
  return [
    guestBlocker('guest/disk-too-small', {
      seen: `${disk.key} of ${named(template)} has ${disk.size} bytes; ${wanted} is asked for`,
      next: ['a larger `disk`, or none'],
    }),
  ];
}

function missingBlockers({ missing }: NewGuestFacts): Blocker[] {
  return missing.map(({ subject, what, seen, next }) =>
    guestBlocker('guest/missing-privilege', {
      seen: `${subject}: ${seen} (${what})`,
      next: next.split('; '),
    }),
  );
}
