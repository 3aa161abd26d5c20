import type { PlanJson, ResourceChange } from '../../tofu/plan-json.ts';
import { type ChangedAttribute, changedAttributes } from './changed.ts';
import { isMachine, mappingTypes, movesMachines, vmType } from './provider.ts';

/** What one change would do, and why it must not be done without a word. */
export interface Judged {
  /** What `--allow` takes: the address, and for a deposed object `ADDRESS:deposed:KEY`. */
  readonly address: string;
  readonly type: string;
  readonly kind: 'create' | 'update' | 'delete' | 'replace' | 'forget' | 'read' | 'none' | 'unknown';
  readonly movedFrom?: string;
  readonly importing?: string;
  readonly changed: readonly ChangedAttribute[];
  /** Number of the virtual machine that it is about. */
  readonly vmid?: number;
  /** Id of the directory mapping that it is. */
  readonly mapping?: string;
  /** Reasons to refuse; empty: nothing speaks against it. */
  readonly refused: readonly string[];
  /** Changes that the provider carries out by stopping and starting the machine, in this apply. */
  readonly restarts: readonly string[];
  /** The same, where the provider leaves it to the operator: they take effect at the next stop and start. */
  readonly pending: readonly string[];
}

export interface Judgement {
  readonly changes: readonly Judged[];
  /** What was changed outside of OpenTofu since the state was written. */
  readonly drift: readonly { readonly address: string; readonly what: string }[];
  readonly outputs: readonly string[];
  /** Reasons to refuse the plan as a whole. */
  readonly refused: readonly string[];
  readonly empty: boolean;
}

/** Attributes of a virtual machine that the provider changes while it runs, or that are its own settings. */
const live = new Set([
  'clone',
  'delete_unreferenced_disks_on_destroy',
  'description',
  'hook_script_file_id',
  'id',
  'ipv4_addresses',
  'ipv6_addresses',
  'mac_addresses',
  'migrate',
  'name',
  'network_interface_names',
  'on_boot',
  'pool_id',
  'protection',
  'purge_on_destroy',
  'reboot',
  'reboot_after_update',
  'startup',
  'stop_on_destroy',
  'tags',
]);
/** Attributes that are power and place themselves: told on their own, and refused. */
const powerAndPlace = ['started', 'node_name', 'template'] as const;

const isLive = (attribute: string) =>
  live.has(attribute) ||
  attribute.startsWith('timeout_') ||
  (powerAndPlace as readonly string[]).includes(attribute);

/**
 * What a plan would do. Pure.
 * @param existing numbers of the virtual machines that the cluster has; absent: it was not asked
 */
export function judge(plan: PlanJson, existing?: ReadonlySet<number>): Judgement {
  const changes = plan.resource_changes
    .map((change) => judgeChange(change, existing))
    .filter(
      (judged) => judged.kind !== 'none' || judged.importing !== undefined || judged.movedFrom !== undefined,
    );
  const outputs = Object.entries(plan.output_changes)
    .filter(([, { actions }]) => actions.join() !== 'no-op')
    .map(([name]) => name);
  const refused = [
    ...(plan.errored ? ['the plan ended with an error, and is not complete'] : []),
    ...(plan.complete || plan.errored ? [] : ['the plan is not complete: further changes would follow']),
    ...(plan.deferred_changes.length === 0 ? [] : [`${plan.deferred_changes.length} changes are deferred`]),
    ...(plan.action_invocations.length === 0
      ? []
      : [`${plan.action_invocations.length} actions of a provider would be invoked`]),
  ];
  return {
    changes,
    drift: plan.resource_drift.map((drifted) => ({
      address: drifted.address,
      what: drifted.change.actions.includes('delete')
        ? 'is gone'
        : `was changed: ${changedAttributes(drifted.change)
            .map(({ path }) => path)
            .join(', ')}`,
    })),
    outputs,
    refused,
    empty:
      changes.every(({ kind, importing, movedFrom }) => kind === 'read' && !importing && !movedFrom) &&
      outputs.length === 0,
  };
}

/** Every reason for which this plan is not applied, by address; those that are named by `allow` are left out. */
export function refusals(
  judgement: Judgement,
  allow: readonly string[],
): { address?: string; why: string }[] {
  return [
    ...judgement.refused.map((why) => ({ why })),
    ...judgement.changes
      .filter(({ address }) => !allow.includes(address))
      .flatMap(({ address, refused }) => refused.map((why) => ({ address, why }))),
  ];
}

function judgeChange(given: ResourceChange, existing: ReadonlySet<number> | undefined): Judged {
  const { change, type, deposed } = given;
  const kind = kindOf(given);
  const changed = kind === 'update' ? changedAttributes(change) : [];
  const isVm = isMachine(type);
  const mapping = (mappingTypes as readonly string[]).includes(type) ? nameOf(change) : undefined;
  const vmid = numberOf(type, change);
  const moved = given.previous_address !== undefined && given.previous_address !== given.address;
  const needsStop =
    type === vmType && kind === 'update' ? topLevel(changed).filter((name) => !isLive(name)) : [];
  // Absent is the provider's default, which is true.
  const restarts = value(change.after, 'reboot_after_update') !== false;
  return {
    address: deposed === undefined ? given.address : `${given.address}:deposed:${deposed}`,
    type,
    kind,
    ...(moved ? { movedFrom: given.previous_address as string } : {}),
    ...(change.importing == null ? {} : { importing: change.importing.id ?? 'not known yet' }),
    changed,
    ...(vmid === undefined ? {} : { vmid }),
    ...(mapping === undefined ? {} : { mapping }),
    refused: [
      ...actionRefused(given, kind),
      ...(kind === 'create' && isVm ? createRefused(change.after, existing) : []),
      ...(kind === 'update' && isVm ? [...vmRefused(given), ...powerRefused(given)] : []),
      ...(restarts && needsStop.length > 0
        ? [`it would be stopped and started, for ${needsStop.join(', ')}`]
        : []),
      ...(kind === 'update' && mapping !== undefined ? mappingRefused(given) : []),
      ...(movesMachines(type) && (kind === 'create' || kind === 'update')
        ? ['high availability may stop, start or migrate a machine because of it']
        : []),
    ],
    restarts: restarts ? needsStop : [],
    pending: restarts ? [] : needsStop,
  };
}

const known = new Set(['no-op', 'create', 'read', 'update', 'delete', 'forget']);

function kindOf({ mode, change }: ResourceChange): Judged['kind'] {
  const { actions } = change;
  if (actions.length === 0 || actions.some((action) => !known.has(action))) return 'unknown';
  if (actions.includes('delete')) return actions.includes('create') ? 'replace' : 'delete';
  if (actions.includes('forget')) return 'forget';
  if (actions.length > 1) return 'unknown';
  const [action] = actions;
  if (mode === 'data') return action === 'read' || action === 'no-op' ? 'read' : 'unknown';
  if (action === 'no-op') return 'none';
  return action as 'create' | 'update' | 'read';
}

function actionRefused(given: ResourceChange, kind: Judged['kind']): string[] {
  const { action_reason: reason, change } = given;
  const because = reason === undefined ? '' : ` (${reason.replaceAll('_', ' ')})`;
  const paths = (change.replace_paths ?? []).map((path) => path.join('.'));
  switch (kind) {
    case 'delete':
      return [`it would be destroyed${because}`];
    case 'replace':
      return [
        `it would be destroyed and made again${because}${paths.length === 0 ? '' : `, for ${paths.join(', ')}`}`,
      ];
    case 'forget':
      return [
        change.actions.includes('create')
          ? `OpenTofu would forget it and make another one${because}`
          : `OpenTofu would forget it, and leave it in the cluster${because}`,
      ];
    case 'unknown':
      return [`drayage does not know the actions ${change.actions.join(', ') || '(none)'}`];
    default:
      return [];
  }
}

function createRefused(after: unknown, existing: ReadonlySet<number> | undefined): string[] {
  const vmid = value(after, 'vm_id');
  return typeof vmid === 'number' && existing?.has(vmid)
    ? [`the cluster has a VM ${vmid} already, which the state does not know: it would have to be imported`]
    : [];
}

/** What takes data away from a machine without destroying it. */
function vmRefused({ change }: ResourceChange): string[] {
  const missing = (block: string, key: string): string[] => {
    const names = (side: unknown) => blocks(side, block).map((one) => String(one[key]));
    if (unknown(change.after_unknown, block)) return [];
    const after = names(change.after);
    return names(change.before).filter((name) => !after.includes(name));
  };
  const smaller = blocks(change.before, 'disk').flatMap((before) => {
    const after = blocks(change.after, 'disk').find((one) => one.interface === before.interface);
    return after !== undefined && Number(after.size) < Number(before.size) ? [String(before.interface)] : [];
  });
  return [
    ...missing('disk', 'interface').map((name) => `its disk ${name} would be taken away`),
    ...smaller.map((name) => `its disk ${name} would become smaller`),
    ...missing('virtiofs', 'mapping').map((name) => `its virtiofs device ${name} would be taken away`),
  ];
}

/** Power and place of a machine are drayage's and the operator's: an apply must not start, stop or carry one by the way. */
function powerRefused({ change }: ResourceChange): string[] {
  const words = {
    started: (to: unknown) => (to === true ? 'it would be started' : 'it would be stopped'),
    node_name: (to: unknown) => `it would be carried from node ${value(change.before, 'node_name')} to ${to}`,
    template: (to: unknown) =>
      to === true
        ? 'it would be made a template, which never runs again'
        : 'it would be no template any more',
  } as const;
  return powerAndPlace.flatMap((name) => {
    if (unknown(change.after_unknown, name)) return [`its ${name} would be known only during the apply`];
    const [before, after] = [change.before, change.after].map((side) => value(side, name) ?? false);
    return before === after ? [] : [words[name](after)];
  });
}

/** The number of the machine of a change: its own, or the one that a resource of high availability names. */
function numberOf(type: string, { before, after }: ResourceChange['change']): number | undefined {
  const said = (key: string) => value(after, key) ?? value(before, key);
  if (movesMachines(type)) {
    const [, number] = /^vm:(\d+)$/.exec(String(said('resource_id'))) ?? [];
    return number === undefined ? undefined : Number(number);
  }
  const vmid = isMachine(type) ? said('vm_id') : undefined;
  return typeof vmid === 'number' ? vmid : undefined;
}

function nameOf({ before, after }: ResourceChange['change']): string | undefined {
  const name = value(after, 'name') ?? value(before, 'name');
  return typeof name === 'string' ? name : undefined;
}

/** The list of a mapping is replaced as a whole: machines on a node without an entry do not start any more. */
function mappingRefused({ change }: ResourceChange): string[] {
  const entries = (side: unknown) => blocks(side, 'map');
  if (unknown(change.after_unknown, 'map')) return [];
  return entries(change.before).flatMap(({ node, path }) => {
    const after = entries(change.after).find((entry) => entry.node === node);
    if (after === undefined) return [`the entry of node ${String(node)} would be taken away`];
    return after.path === path
      ? []
      : [`the path of node ${String(node)} would change from ${String(path)} to ${String(after.path)}`];
  });
}

const topLevel = (changed: readonly ChangedAttribute[]) => [
  ...new Set(changed.map(({ path }) => path.split(/[.[]/)[0] as string)),
];

function value(side: unknown, key: string): unknown {
  return side !== null && typeof side === 'object' ? (side as Record<string, unknown>)[key] : undefined;
}

function blocks(side: unknown, key: string): Record<string, unknown>[] {
  const found = value(side, key);
  return Array.isArray(found) ? found.filter((one) => one !== null && typeof one === 'object') : [];
}

/** Not known before the apply, as a whole or somewhere below. */
function unknown(side: unknown, key: string): boolean {
  const any = (one: unknown): boolean =>
    one === true || (one !== null && typeof one === 'object' && Object.values(one).some(any));
  return any(value(side, key));
}
