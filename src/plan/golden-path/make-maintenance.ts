/**
 * The golden path: shares and their guests go to another node, and come back. Pure, as every plan.
 *
 * What carries the data is chosen from what was found: nothing, where both nodes have one directory of a cluster file
 * system; `zfs send` between two datasets that have begun with one another, or can (`stream.ts`, `by-stream.ts`); else the
 * copy engine (`carry.ts`: a seed with its rounds, the final pass, the comparison). Everything around it stays: the mapping,
 * the stop, the hand-over of the marker, the migration, the seal, the comparison afterwards.
 */
import type { Config } from '../../config/config.ts';
import type { Check } from '../operation.ts';
import type { Blocker, Plan, Step } from '../plan.ts';
import { planId } from '../plan-id.ts';
import { maintenanceBlockers } from './blockers.ts';
import { isStreamed, pruneStep, streamFinalStep, streamKeyStep, streamSeedStep } from './by-stream.ts';
import {
  canSeal,
  finalPassStep,
  fullPass,
  proveStep,
  releaseStep,
  sealStep,
  seedStep,
  snapshotStep,
} from './carry.ts';
import { isCurrent, type Passage, passages, type Traveller, travellers } from './context.ts';
import type { Journey, MaintenanceFacts } from './facts.ts';
import {
  allStopped,
  arrivalSteps,
  type Caravan,
  releaseGuests,
  runsIn,
  seesShares,
  shutAgain,
  stopSteps,
} from './guests.ts';
import { phaseOf } from './names.ts';
import { prepareSteps } from './prepare.ts';
import { sizesOf } from './size.ts';

/** The steps that carry the data of one share, by stage. */
interface DataSteps {
  readonly seed: readonly Step[];
  readonly cutover: readonly Step[];
}

function dataSteps(passage: Passage, still: readonly Check[]): DataSteps {
  if (passage.oneDirectory) return { seed: [], cutover: [] };
  if (isStreamed(passage))
    return {
      seed: [streamSeedStep(passage), ...streamKeyStep(passage)],
      cutover: [streamFinalStep(passage, still)],
    };
  return {
    seed: [seedStep(passage)],
    cutover: [finalPassStep(passage, still), ...snapshotStep(passage, still)],
  };
}

export function makeMaintenance(
  config: Config,
  facts: MaintenanceFacts,
  journey: Journey,
  version: string,
): Plan {
  const carried = passages(config, facts, journey);
  const guests = travellers(
    config,
    facts,
    journey,
    carried.map(({ share }) => share),
  );
  const blockers = maintenanceBlockers({ config, facts, journey, passages: carried, travellers: guests });
  const [first] = carried;
  const steps =
    first === undefined
      ? []
      : stepsOf(facts, {
          config,
          phase: phaseOf(journey),
          passages: carried,
          travellers: guests,
          from: first.from.clusterNode,
          to: first.to.clusterNode,
        });
  const plan = {
    format: 1 as const,
    drayage: version,
    phases: [{ name: phaseOf(journey), moves: carried.map(({ key }) => key) }],
    steps,
    blockers: distinct(blockers),
    notes: notesOf(carried, guests, journey),
  };
  return { ...plan, id: planId(plan), estimates: sizesOf(carried, guests) };
}

function stepsOf(facts: MaintenanceFacts, caravan: Caravan): Step[] {
  const copied = caravan.passages.filter(({ oneDirectory }) => !oneDirectory);
  const still = allStopped(caravan);
  const data = caravan.passages.map((passage) => dataSteps(passage, still));
  const handedOver = copied.map((passage) => isCurrent(passage, passage.to));
  const inside = caravan.travellers.filter(({ stays, facts }) => !stays && facts.running);
  const proof = inside.flatMap((traveller) => [...seesShares(traveller, 60), ...runsIn(traveller)]);
  return [
    ...caravan.passages.flatMap((passage) => prepareSteps(passage, facts)),
    ...data.flatMap(({ seed }) => seed),
    ...stopSteps(caravan),
    ...data.flatMap(({ cutover }) => cutover),
    ...copied.map((passage) => releaseStep(passage, still, shutAgain(caravan))),
    ...(copied.length === 0 ? releaseGuests(caravan) : []),
    ...arrivalSteps(caravan, handedOver),
    ...copied.filter(({ from }) => canSeal(from)).map(sealStep),
    ...copied.map((passage) => proveStep(passage, proof)),
    ...copied.flatMap(pruneStep),
  ];
}

function notesOf(carried: readonly Passage[], guests: readonly Traveller[], { node }: Journey): string[] {
  return [
    ...carried.flatMap((passage) => {
      const { share, from, to, oneDirectory } = passage;
      if (oneDirectory)
        return [
          `${share.name}: ${from.path} is the same directory of ${from.facts.fsType} ${from.facts.source} on both nodes, so nothing is copied; only the guests move.`,
        ];
      const reason = fullPass(passage);
      return [
        ...(canSeal(from)
          ? []
          : [
              `${from.node}:${from.path} cannot be made immutable (${from.facts.fsType}): only the missing marker protects it.`,
            ]),
        passage.stream === undefined
          ? `${share.name} is copied by rsync from ${from.node}:${from.path} to ${to.node}:${to.path}: ${passage.because}.`
          : `${share.name} is carried by zfs send from ${from.node}:${passage.stream.from} to ${to.node}:${passage.stream.to}: ${passage.because}.`,
        ...(reason === undefined
          ? []
          : [`The downtime includes reading all of ${share.name} on both sides: ${reason}.`]),
      ];
    }),
    ...guests
      .filter(({ stays }) => stays)
      .map(
        ({ config, facts }) =>
          `${config.name} stays on ${facts.node}, stopped while the share is on ${node}.`,
      ),
    ...guests
      .filter(({ stays, facts }) => !stays && facts.localDisks.length > 0)
      .map(
        ({ config, facts }) =>
          `${config.name} has disks that are not on shared storage (${facts.localDisks.join(', ')}): Proxmox VE copies them while it migrates the guest, within the downtime, and the projection does not know how long that takes.`,
      ),
    ...guests.filter(({ facts }) => !facts.running).map(({ config }) => `${config.name} does not run now.`),
  ];
}

function distinct(blockers: readonly Blocker[]): Blocker[] {
  return [...new Map(blockers.map((blocker) => [`${blocker.code} ${blocker.seen}`, blocker])).values()];
}
