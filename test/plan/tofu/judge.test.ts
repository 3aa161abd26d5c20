import { describe, expect, it } from 'vitest';
import type { DrayageError } from '../../../src/errors/error.ts';
import { plainPalette } from '../../../src/errors/palette.ts';
import { type Judged, judge, refusals } from '../../../src/plan/tofu/judge.ts';
import { judgementAsText } from '../../../src/plan/tofu/render.ts';
import { refuseUnlessAllowed } from '../../../src/stack/plan.ts';
import { parsePlanJson } from '../../../src/tofu/plan-json.ts';
import {
  mappingAddress,
  mappingChange,
  mappingValues,
  planWith,
  vmAddress,
  vmChange,
  vmValues,
} from './plan-json.ts';

const judged = (changes: readonly object[], more: object = {}, existing?: ReadonlySet<number>) =>
  judge(parsePlanJson(planWith(changes, more), 'tofu'), existing);
const one = (change: object, existing?: ReadonlySet<number>) =>
  judged([change], {}, existing).changes[0] as Judged;
const whys = (change: object) => one(change).refused;
const text = (changes: readonly object[], allow: readonly string[] = [], more: object = {}) =>
  judgementAsText(judged(changes, more), allow, plainPalette).join('\n');

describe('an action that takes something away', () => {
  it.each([
    ['delete', ['delete'], 'it would be destroyed'],
    ['replace', ['delete', 'create'], 'it would be destroyed and made again'],
    ['replace', ['create', 'delete'], 'it would be destroyed and made again'],
    ['forget', ['forget'], 'OpenTofu would forget it, and leave it in the cluster'],
    ['forget', ['forget', 'create'], 'OpenTofu would forget it and make another one'],
    ['unknown', ['defer'], 'drayage does not know the actions defer'],
    ['unknown', ['update', 'read'], 'drayage does not know the actions update, read'],
    ['unknown', [], 'drayage does not know the actions (none)'],
  ])('is refused: %s, as %j', (kind, actions, why) => {
    expect(one(vmChange(actions))).toMatchObject({ kind, refused: [why] });
    expect(refusals(judged([vmChange(actions)]), [])).toEqual([{ address: vmAddress, why }]);
  });

  it('is refused for every type of resource, one of the operator too', () => {
    const foreign = { address: 'local_file.note', mode: 'managed', type: 'local_file', name: 'note' };
    expect(refusals(judged([{ ...foreign, change: { actions: ['delete'] } }]), [])).toHaveLength(1);
  });

  it('says why, and for which attribute, as OpenTofu does', () => {
    const replaced = vmChange(
      ['delete', 'create'],
      { replace_paths: [['clone', 0, 'vm_id']] },
      { action_reason: 'replace_because_cannot_update' },
    );
    expect(whys(replaced)).toEqual([
      'it would be destroyed and made again (replace because cannot update), for clone.0.vm_id',
    ]);
    const moved = vmChange(['delete'], {}, { action_reason: 'delete_because_no_move_target' });
    expect(whys(moved)).toEqual(['it would be destroyed (delete because no move target)']);
  });

  it('is refused for a deposed object, which has an address of its own', () => {
    const deposed = judged([vmChange(['delete'], {}, { deposed: 'a1b2c3d4' })]);
    expect(refusals(deposed, [vmAddress])).toHaveLength(1);
    expect(refusals(deposed, [`${vmAddress}:deposed:a1b2c3d4`])).toEqual([]);
  });

  it('is let through by its exact address, and by no other', () => {
    const plan = judged([vmChange(['delete'])]);
    expect(refusals(plan, [vmAddress])).toEqual([]);
    expect(refusals(plan, ['proxmox_virtual_environment_vm.stack'])).toHaveLength(1);
    expect(refusals(plan, ['proxmox_virtual_environment_vm.*'])).toHaveLength(1);
  });
});

describe('an action that takes nothing away', () => {
  it.each([['no-op'], ['create'], ['update'], ['read']])('is not refused: %s', (action) => {
    expect(refusals(judged([vmChange([action])]), [])).toEqual([]);
  });

  it('is no change when there is nothing but no-op and reading', () => {
    expect(judged([vmChange(['no-op'])])).toMatchObject({ changes: [], empty: true });
    expect(text([vmChange(['no-op'])])).toContain('nothing to do');
    const data = { address: 'data.x.y', mode: 'data', type: 'x', name: 'y', change: { actions: ['read'] } };
    expect(judged([data]).empty).toBe(true);
    expect(judged([], { output_changes: { stack2_ip: { actions: ['update'] } } }).empty).toBe(false);
  });

  it('is shown when it imports or moves, though nothing else changes', () => {
    const imported = vmChange(['no-op'], { importing: { id: 'alder/114' } });
    expect(judged([imported])).toMatchObject({ empty: false, refused: [] });
    expect(text([imported])).toContain(`${vmAddress}   (import alder/114)`);
    const moved = vmChange(['no-op'], {}, { previous_address: 'proxmox_virtual_environment_vm.old' });
    expect(text([moved])).toContain('(moved from proxmox_virtual_environment_vm.old)');
    expect(judged([moved]).empty).toBe(false);
  });

  it('is refused all the same where a machine of that number exists', () => {
    const create = vmChange(['create'], { before: null });
    expect(one(create, new Set([104])).refused).toEqual([]);
    expect(one(create, new Set([104, 114])).refused).toEqual([
      'the cluster has a VM 114 already, which the state does not know: it would have to be imported',
    ]);
  });
});

describe('an update that takes data away', () => {
  const update = (after: object) => vmChange(['update'], { after: { ...vmValues, ...after } });

  it('is refused: a disk gone or smaller, a share gone', () => {
    expect(whys(update({ disk: vmValues.disk.slice(0, 1) }))).toEqual([
      'its disk virtio1 would be taken away',
    ]);
    expect(whys(update({ disk: [{ ...vmValues.disk[0], size: 32 }, vmValues.disk[1]] }))).toEqual([
      'its disk virtio0 would become smaller',
    ]);
    expect(whys(update({ virtiofs: [] }))).toEqual(['its virtiofs device containers would be taken away']);
    expect(whys(update({ disk: [{ ...vmValues.disk[0], size: 128 }, vmValues.disk[1]] }))).toEqual([]);
  });

  it('is refused: the entry of another node gone from a mapping, or its path another one', () => {
    const [alder, birch] = mappingValues.map;
    const whysOf = (map: unknown) => whys(mappingChange(['update'], { ...mappingValues, map }));
    expect(whysOf([alder])).toEqual(['the entry of node birch would be taken away']);
    expect(whysOf([alder, { ...birch, path: '/other' }])).toEqual([
      'the path of node birch would change from /spare/containers to /other',
    ]);
    expect(whysOf([birch, alder, { node: 'cedar', path: '/c' }])).toEqual([]);
    expect(
      refusals(judged([mappingChange(['update'], { ...mappingValues, map: [alder] })]), [mappingAddress]),
    ).toEqual([]);
  });
});

describe('power and place of a machine', () => {
  const update = (before: object, after: object, more: object = {}) =>
    vmChange(['update'], { before: { ...vmValues, ...before }, after: { ...vmValues, ...after }, ...more });

  it.each([
    ['started', { started: true }, { started: false }, 'it would be stopped'],
    ['stopped', { started: false }, { started: true }, 'it would be started'],
    [
      'carried',
      { node_name: 'alder' },
      { node_name: 'birch' },
      'it would be carried from node alder to birch',
    ],
    ['a template', {}, { template: true }, 'it would be made a template, which never runs again'],
  ])('is not changed without a word: %s', (_, before, after, why) => {
    expect(whys(update(before, after))).toEqual([why]);
    expect(refusals(judged([update(before, after)]), [vmAddress])).toEqual([]);
    expect(one(update(before, after))).toMatchObject({ restarts: [], pending: [] });
  });

  it('is refused where it would be known only during the apply, and for a container too', () => {
    const unknown = update({ started: true }, {}, { after_unknown: { started: true } });
    expect(whys(unknown)).toEqual(['its started would be known only during the apply']);
    const container = {
      ...update({ started: true, cpu: 1 }, { started: false, cpu: 2 }),
      type: 'proxmox_virtual_environment_container',
    };
    expect(whys(container)).toEqual(['it would be stopped']);
  });

  it('is the same as before, and nothing is refused', () => {
    expect(whys(update({ started: true, name: 'a' }, { started: true, name: 'b', template: false }))).toEqual(
      [],
    );
  });

  it('can be changed by high availability: its resources are refused, with the machine that they name', () => {
    const ha = (type: string, actions: string[]) => ({
      ...vmChange(actions, { before: null, after: { resource_id: 'vm:114', state: 'stopped' } }),
      address: `${type}.stack2`,
      type,
    });
    for (const type of ['proxmox_virtual_environment_haresource', 'proxmox_haresource'])
      expect(one(ha(type, ['create']))).toMatchObject({
        vmid: 114,
        refused: ['high availability may stop, start or migrate a machine because of it'],
      });
    expect(whys(ha('proxmox_virtual_environment_harule', ['update']))).toHaveLength(1);
  });
});

describe('what would restart', () => {
  const change = (after: object) => one(vmChange(['update'], { after: { ...vmValues, ...after } }));
  const more = [...vmValues.virtiofs, { mapping: 'media', cache: 'auto' }];

  it('is told: with reboot_after_update, and where nobody has said it, because the provider then restarts', () => {
    expect(change({ virtiofs: more, reboot_after_update: true })).toMatchObject({
      restarts: ['virtiofs'],
      pending: [],
    });
    const { reboot_after_update: _, ...unsaid } = { ...vmValues, cpu: [{ cores: 4, type: 'host' }] };
    expect(one(vmChange(['update'], { after: unsaid }))).toMatchObject({
      restarts: expect.arrayContaining(['cpu']),
    });
  });

  it('is refused, unless its address is named', () => {
    const restarting = vmChange(['update'], {
      after: { ...vmValues, virtiofs: more, reboot_after_update: true },
    });
    expect(whys(restarting)).toEqual(['it would be stopped and started, for virtiofs']);
    expect(refusals(judged([restarting]), [vmAddress])).toEqual([]);
  });

  it('is told apart from what waits for the next stop and start', () => {
    expect(change({ virtiofs: more })).toMatchObject({ restarts: [], pending: ['virtiofs'] });
    const shown = text([vmChange(['update'], { after: { ...vmValues, virtiofs: more } })]);
    expect(shown).toContain('takes effect when the machine is stopped and started: virtiofs');
    expect(shown).not.toContain('restarts the machine');
  });

  it('is nothing for what is changed while it runs', () => {
    expect(change({ name: 'stack3', tags: ['a'], protection: true })).toMatchObject({
      restarts: [],
      pending: [],
    });
  });
});

describe('a plan that is not whole', () => {
  it('is refused as a whole, and no --allow helps', () => {
    for (const more of [
      { errored: true },
      { complete: false },
      { deferred_changes: [{}] },
      { action_invocations: [{}] },
    ])
      expect(refusals(judged([vmChange(['update'])], more), [vmAddress])).toHaveLength(1);
  });

  it('is refused with an unknown format, and read with a newer minor one', () => {
    expect(judge(parsePlanJson(planWith([], { format_version: '1.9' }), 'tofu')).empty).toBe(true);
    try {
      parsePlanJson(planWith([], { format_version: '2.0' }), 'tofu');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'tofu/unknown-format',
        exit: 5,
        next: ['tofu version', expect.any(String)],
      });
    }
  });

  it('is an error when it is no plan at all, and nothing of it is shown', () => {
    for (const output of ['', 'not json hunter2', '{"secret":"hunter2"}', '[]', 'null'])
      try {
        parsePlanJson(output, 'tofu');
        expect.unreachable();
      } catch (error) {
        expect((error as DrayageError).code).toBe('tofu/unreadable-output');
        expect(JSON.stringify(error)).not.toContain('hunter2');
      }
  });
});

describe('what was changed outside of OpenTofu', () => {
  it('is told by its address and the names of its attributes', () => {
    const drift = [
      vmChange(['update'], { after: { ...vmValues, memory: [{ dedicated: 8192 }] } }),
      { ...vmChange(['delete']), address: 'proxmox_virtual_environment_vm.gone' },
    ];
    const shown = text([], [], { resource_drift: drift });
    expect(shown).toContain(`${vmAddress} was changed: memory[0].dedicated, outside of OpenTofu`);
    expect(shown).toContain('proxmox_virtual_environment_vm.gone is gone, outside of OpenTofu');
  });
});

describe('values', () => {
  const initialization = [{ user_account: [{ username: 'mara', password: 'hunter2-new' }] }];

  it('are shown only where they are harmless; a password is not, flagged or not', () => {
    const change = vmChange(['update'], {
      after: { ...vmValues, initialization, cpu: [{ cores: 4, type: 'host' }] },
    });
    const shown = text([change]);
    expect(shown).toContain('cpu[0].cores: 8 -> 4');
    expect(shown).toContain('initialization[0].user_account[0].password: changes (its value is not shown)');
    expect(JSON.stringify(judged([change]))).not.toContain('hunter2');
  });

  it('are not shown where they are flagged as sensitive, at whatever depth', () => {
    const after = { ...vmValues, name: 'hunter2-name', cpu: [{ cores: 4, type: 'hunter2-type' }] };
    for (const after_sensitive of [{ name: true, cpu: true }, { name: true, cpu: [{ type: true }] }, true]) {
      const change = vmChange(['update'], { after, after_sensitive });
      expect(JSON.stringify(judged([change]))).not.toContain('hunter2');
    }
    const before = { ...vmValues, name: 'hunter2-name' };
    const was = vmChange(['update'], { before, before_sensitive: { name: true } });
    expect(JSON.stringify(judged([was]))).not.toContain('hunter2');
  });

  it('that are not known yet are said to be so', () => {
    const change = vmChange(['update'], {
      after: { ...vmValues, vm_id: undefined },
      after_unknown: { vm_id: true },
    });
    expect(text([change])).toContain('vm_id: 114 -> (known after apply)');
  });
});

describe('the guard', () => {
  const thrown = (changes: readonly object[], allow: readonly string[]) => {
    try {
      refuseUnlessAllowed(judged(changes), allow, 'apply');
      return undefined;
    } catch (error) {
      return error as DrayageError;
    }
  };

  it('names every address, and the word that would let it through', () => {
    expect(thrown([vmChange(['delete', 'create'])], [])).toMatchObject({
      code: 'tofu/refused',
      exit: 5,
      seen: `${vmAddress}: it would be destroyed and made again`,
      next: [
        expect.stringContaining('drayage tofu generate'),
        `drayage tofu apply --allow '${vmAddress}'   # only if this is what you want`,
      ],
    });
    expect(thrown([vmChange(['delete', 'create'])], [vmAddress])).toBeUndefined();
  });

  it('refuses a word for something else: a mistyped address must not pass for consent', () => {
    expect(thrown([vmChange(['update'])], [vmAddress])).toMatchObject({
      code: 'tofu/unknown-address',
      exit: 2,
      next: ['drayage tofu apply'],
    });
    expect(thrown([vmChange(['update'])], ['state'])).toBeUndefined();
  });
});
