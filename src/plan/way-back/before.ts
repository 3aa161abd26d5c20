import type { Config, MoveConfig, ShareConfig } from '../../config/config.ts';
import { mountUnitName } from '../../guest/unit-name.ts';
import type { Findings } from '../../inspect/findings.ts';
import { destroySnapshot } from '../../zfs/commands.ts';
import { type MoveContext, shareContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { cutoverSnapshot, moveLayout } from '../share-layout.ts';
import { running } from '../steps/running.ts';
import type { MoveFacts, ShareFacts } from './facts.ts';

/** Another move of the same guest needs the device and the mount of the share too. */
export interface Before {
  readonly config: Config;
  readonly findings: Findings;
  readonly move: MoveConfig;
  readonly facts: MoveFacts;
  readonly share: ShareFacts;
  readonly keepsGuest: boolean;
}

/** Takes back, the last one first, what the steps of a move have made; the source was never stopped, or runs again. */
export function beforeSteps(given: Before): { steps: Step[]; left: string[] } {
  const steps: Step[] = [];
  const left: string[] = [];
  for (const { step } of given.facts.performed.toReversed()) {
    if (step.stage !== 'prepare' && step.stage !== 'seed') continue;
    const operations = step.undo.filter((operation) => isToUndo(given, step, operation));
    if (operations.length > 0) steps.push(undoStep(given, step, operations));
    else if (step.undo.length === 0) left.push(...leftBy(given, step));
  }
  const snapshot = dropSnapshot(given);
  const device = given.facts.performed.find(({ step }) => step.id === `device ${given.move.name}`)?.step;
  const restart = device === undefined || given.keepsGuest ? undefined : restartGuest(given, device);
  const place = steps.findIndex((step) => step.id === `undo place ${given.move.name}`);
  const last = place === -1 ? steps.length : place;
  return {
    steps: [
      ...steps.slice(0, last),
      ...(restart === undefined ? [] : [restart]),
      ...(snapshot === undefined ? [] : [snapshot]),
      ...steps.slice(last),
    ],
    left,
  };
}

/** A window that is still open is taken back first: fences before starts, in the order in which they were begun. */
export function windowSteps(move: MoveConfig, facts: MoveFacts, then: MoveContext | undefined): Step[] {
  const back = facts.window.filter(({ undo }) => undo.length > 0);
  return back.map(({ step, undo }, index) => ({
    id: `undo ${step}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Take the window back: ${step}`,
    why: `A run left the window of ${move.name} open. Nothing was handed over: ${move.from.guest} takes up its work again.`,
    needs: [],
    probe: [],
    operations: [...undo],
    proof: index === back.length - 1 && then !== undefined ? running(then, 'source') : [],
    undo: [],
  }));
}

/** What is gone already, or is needed by another move, is left alone. */
function isToUndo(given: Before, step: Step, operation: Operation): boolean {
  const { config, findings, move } = given;
  const share = config.shares[move.to.share] as ShareConfig;
  if (step.id === `place ${move.name}`) return findings.moves[move.name]?.target?.claimed === true;
  if (step.id === `device ${move.name}`) {
    const devices = findings.guests[move.to.guest]?.vm.virtiofs ?? [];
    return !given.keepsGuest && devices.some((device) => device.mapping === share.mapping);
  }
  if (step.id === `mount-units ${move.name}` && given.keepsGuest && move.to.as !== '.') {
    const shared = [share.mount, mountUnitName(share.mount)];
    return operation.kind !== 'run' || !operation.argv.some((word) => shared.includes(word));
  }
  return true;
}

function undoStep({ move }: Before, step: Step, operations: readonly Operation[]): Step {
  return {
    id: `undo ${step.id}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Take back: ${step.title}`,
    why: 'drayage has made it, and nothing that was there before.',
    needs: [],
    probe: [],
    operations: [...operations],
    proof: [],
    undo: [],
  };
}

function leftBy({ move }: Before, step: Step): string[] {
  const said: Record<string, string> = {
    images: `Images that were loaded on ${move.to.guest} stay in its store: podman image prune there, when nothing needs them.`,
    conditions: `The conditions (50-drayage.conf) of the units on ${move.to.guest} stay: others have defined these units, and without the conditions they would start beside those on ${move.from.guest}.`,
    'mount-units': `The mounts in ${move.to.guest} are described in its own configuration: remove them there by hand.`,
  };
  const known = said[step.id.split(' ')[0] as string];
  return known === undefined ? [] : [known];
}

/** Of a window that was taken back; what was handed over and came back is kept by snapshots of another name. */
function dropSnapshot({ config, findings, move, share }: Before): Step | undefined {
  const name = cutoverSnapshot(move);
  const of = config.shares[move.to.share] as ShareConfig;
  if (!share.snapshots.includes(name) || share.snapshots.some((other) => keptFor(move).test(other)))
    return undefined;
  const context = shareContext(config, findings, of);
  return {
    id: `undo snapshot ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Destroy the snapshot ${of.dataset}@${name}`,
    why: 'It is of a window that was taken back: nothing was ever written after it.',
    needs: [],
    probe: [],
    operations: [
      {
        kind: 'run',
        host: of.node,
        argv: destroySnapshot(of.dataset, name),
        guards: [...context.guards, notHanded(of, move)],
        what: 'destroy it',
      },
    ],
    proof: [],
    undo: [],
  };
}

/** Snapshots that keep what a target wrote before an earlier way back. */
export function keptFor(move: MoveConfig): RegExp {
  return new RegExp(`^drayage-${move.name}-rollback-\\d+$`);
}

function notHanded(share: ShareConfig, move: MoveConfig): Check {
  return {
    kind: 'run',
    host: share.node,
    argv: ['test', '!', '-e', moveLayout(share.path, move.name).handedOver],
    expect: { exitCode: 0 },
    what: `${move.name} was not handed over to ${move.to.guest}`,
  };
}

/** A running QEMU keeps its device, and virtiofsd the dataset, until the VM is stopped. */
function restartGuest({ config, findings, move }: Before, device: Step): Step | undefined {
  const remove = device.undo[0];
  const guest = findings.guests[move.to.guest];
  if (remove?.kind !== 'call' || guest === undefined) return undefined;
  const key = remove.params.delete;
  if (typeof key !== 'string') return undefined;
  const vmid = config.guests[move.to.guest]?.vmid;
  const vm = `/nodes/${guest.node}/qemu/${vmid}`;
  const running = (guest.system?.containers ?? []).filter((container) => container.running);
  const gone: Check = {
    kind: 'call',
    path: `${vm}/config?current=1`,
    at: key,
    absent: true,
    what: `the running VM ${vmid} does not have ${key} any more`,
  };
  const up: Check = {
    kind: 'call',
    path: `${vm}/status/current`,
    at: 'status',
    equals: 'running',
    what: `VM ${vmid} runs`,
  };
  return {
    id: `restart-guest ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Stop and start ${move.to.guest}, so that it lets go of the share`,
    why:
      running.length === 0
        ? 'The device goes when QEMU stops, and virtiofsd with it. No container runs there.'
        : `The device goes when QEMU stops, and virtiofsd with it. These containers on ${move.to.guest} stop meanwhile: ${running.map(({ name }) => name).join(', ')}.`,
    needs: [],
    probe: [up, gone],
    operations: [
      ...(guest.running
        ? [
            {
              kind: 'call' as const,
              method: 'POST' as const,
              path: `${vm}/status/shutdown`,
              params: { timeout: 180 },
              timeoutSeconds: 240,
              what: 'shut the guest down',
            },
          ]
        : []),
      {
        kind: 'call',
        method: 'POST',
        path: `${vm}/status/start`,
        params: {},
        timeoutSeconds: 120,
        what: 'start it',
      },
    ],
    proof: [{ ...up, within: 60 }, gone],
    undo: [],
  };
}
