import type { Config } from '../../config/config.ts';
import { mountUnitName } from '../../guest/unit-name.ts';
import type { Check, Operation } from '../operation.ts';
import { emptyStep, type Step } from '../plan.ts';
import { shareLayout } from '../share-layout.ts';
import { running } from '../steps/running.ts';
import { startStep } from '../steps/start.ts';
import { stopStep } from '../steps/stop.ts';
import { workloadList } from '../steps/workload-names.ts';
import { givenAway, type Passage, pathsOn, type Traveller } from './context.ts';

/** Everything about the guests that the steps share. */
export interface Caravan {
  readonly config: Config;
  readonly phase: string;
  readonly passages: readonly Passage[];
  readonly travellers: readonly Traveller[];
  /** Names of both nodes in the cluster. */
  readonly from: string;
  readonly to: string;
}

const vm = (node: string, { config }: Traveller) => `/nodes/${node}/qemu/${config.vmid}`;

function state(
  node: string,
  traveller: Traveller,
  equals: 'running' | 'stopped',
): Extract<Check, { kind: 'call' }> {
  const { name, vmid } = traveller.config;
  return {
    kind: 'call',
    path: `${vm(node, traveller)}/status/current`,
    at: 'status',
    equals,
    what: `${name} (VM ${vmid}) ${equals === 'running' ? 'runs' : 'is stopped'} on ${node}`,
  };
}

function isOn(node: string, traveller: Traveller): Check {
  const { name, vmid } = traveller.config;
  return {
    kind: 'call',
    path: `${vm(node, traveller)}/config`,
    at: 'digest',
    present: true,
    what: `${name} (VM ${vmid}) is on ${node}`,
  };
}

/** Before the window a guest is on the node that is left, or, when it stays behind, on the share's own. */
const homeOf = (caravan: Caravan, traveller: Traveller): string =>
  traveller.stays ? traveller.facts.node : caravan.from;

/** No guest of these shares runs: nothing can be written, and no virtiofsd holds the place. */
export function allStopped(caravan: Caravan): Check[] {
  return caravan.travellers.map((traveller) => state(homeOf(caravan, traveller), traveller, 'stopped'));
}

/** The hand-over of all shares has begun: what came before it is not done again. */
export function past(caravan: Caravan): Check[] {
  const copied = caravan.passages.filter(({ oneDirectory }) => !oneDirectory);
  if (copied.length > 0) return copied.flatMap(givenAway);
  return carried(caravan).map((traveller) => isOn(caravan.to, traveller));
}

const carried = ({ travellers }: Caravan) => travellers.filter(({ stays }) => !stays);

function answers({ config }: Traveller, within: number): Extract<Check, { kind: 'run' }> {
  const { name } = config;
  return {
    kind: 'run',
    host: name,
    argv: ['true'],
    expect: { exitCode: 0 },
    within,
    what: `${name} answers by ssh`,
  };
}

function step(caravan: Caravan, id: string, rest: Partial<Step> & Pick<Step, 'title' | 'why'>): Step {
  return {
    id,
    phase: caravan.phase,
    stage: 'cutover',
    ...emptyStep(),
    ...rest,
  };
}

/**
 * The downtime begins: in each guest the workloads first, each with the time it asks for, then the guest, which virtiofs
 * ties to its node. One step, whose end is a guest that is off: a run that goes on cannot ask inside it any more.
 */
export function stopSteps(caravan: Caravan): Step[] {
  return caravan.travellers
    .filter(({ facts }) => facts.running)
    .map((traveller) => stopGuest(caravan, traveller));
}

function stopGuest(caravan: Caravan, traveller: Traveller): Step {
  const { name, vmid } = traveller.config;
  const home = homeOf(caravan, traveller);
  const stopped = state(home, traveller, 'stopped');
  // Undone after the guest was started again: it is waited for.
  const ready = [answers(traveller, 300), ...seesShares(traveller, 120)];
  const { workloads } = traveller;
  const some = workloads !== undefined && workloads.units.length + workloads.containers.length > 0;
  const stop = some ? stopStep(workloads, ready) : undefined;
  const why = traveller.stays
    ? `It stays on ${home}, stopped, as long as the share is away: it would find no current data.`
    : 'A guest with virtiofs cannot be migrated while it runs, and its virtiofsd has to let go of the share.';
  return step(caravan, `stop guest ${name}`, {
    title: some
      ? `Stop ${workloadList(workloads)} on ${name}, and shut ${name} down (VM ${vmid})`
      : `Shut down ${name} (VM ${vmid})`,
    why: `The downtime begins here. ${some ? 'A workload gets the time to stop that it asks for; a guest that shuts down may give it less. ' : ''}${why}`,
    probe: past(caravan),
    operations: [
      ...(stop?.operations ?? []).map((operation) => ({ ...operation, unless: [stopped] })),
      shutdown(home, traveller, 'shut the guest down'),
    ],
    proof: [{ ...stopped, within: 30 }],
    undo: [
      {
        kind: 'call',
        method: 'POST',
        path: `${vm(home, traveller)}/status/start`,
        params: {},
        timeoutSeconds: 120,
        unless: [state(home, traveller, 'running')],
        what: `start ${name} again`,
      },
      ...(stop?.undo ?? []),
    ],
  });
}

function shutdown(home: string, traveller: Traveller, what: string): Operation {
  return {
    kind: 'call',
    method: 'POST',
    path: `${vm(home, traveller)}/status/shutdown`,
    params: { timeout: 180 },
    timeoutSeconds: 240,
    unless: [state(home, traveller, 'stopped')],
    what,
  };
}

/**
 * Of a run that goes on after the marker is gone: a guest that somebody has started since then found no marker, so nothing
 * of its workloads runs; it has to be off again before the place is handed over.
 */
export function shutAgain(caravan: Caravan): Operation[] {
  return caravan.travellers
    .filter(({ facts }) => facts.running)
    .map((traveller) =>
      shutdown(
        homeOf(caravan, traveller),
        traveller,
        `shut ${traveller.config.name} down, if somebody has started it meanwhile`,
      ),
    );
}

function migration(caravan: Caravan, traveller: Traveller, guards: readonly Check[]): Operation {
  const { name } = traveller.config;
  return {
    kind: 'call',
    method: 'POST',
    path: `${vm(caravan.from, traveller)}/migrate`,
    params: { target: caravan.to },
    timeoutSeconds: 4 * 3600,
    unless: [isOn(caravan.to, traveller)],
    guards: [state(caravan.from, traveller, 'stopped'), ...guards],
    what: `migrate ${name}, which is stopped`,
  };
}

/**
 * Where nothing is copied, the migration itself is the hand-over: a guest that was moved is not moved back by a failure
 * of another one.
 */
export function releaseGuests(caravan: Caravan): Step[] {
  const guests = carried(caravan);
  const [first] = caravan.passages;
  if (guests.length === 0 || first === undefined) return [];
  return [
    step(caravan, `release ${first.key}`, {
      move: first.key,
      title: `Migrate ${guests.map(({ config }) => config.name).join(', ')} to ${caravan.to}`,
      why: 'Both nodes have the same directory of one file system, so no data is copied: only the configurations move.',
      probe: guests.map((traveller) => isOn(caravan.to, traveller)),
      operations: guests.map((traveller) => migration(caravan, traveller, allStopped(caravan))),
      proof: guests.map((traveller) => isOn(caravan.to, traveller)),
      irreversible: `From here on the guests belong to ${caravan.to}.`,
    }),
  ];
}

/** @param handedOver every share has its marker on the new node, and nowhere else */
export function arrivalSteps(caravan: Caravan, handedOver: readonly Check[]): Step[] {
  const back = caravan.passages.some(({ journey }) => journey.direction === 'leave');
  const alone = caravan.passages.every(({ oneDirectory }) => oneDirectory);
  return [
    ...(alone ? [] : carried(caravan).map((traveller) => migrate(caravan, traveller, handedOver))),
    ...caravan.travellers.flatMap((traveller) => {
      const starts = traveller.stays ? back : traveller.facts.running;
      return starts ? start(caravan, traveller, handedOver) : [];
    }),
  ];
}

function migrate(caravan: Caravan, traveller: Traveller, handedOver: readonly Check[]): Step {
  const { name, vmid } = traveller.config;
  const there = isOn(caravan.to, traveller);
  const { localDisks } = traveller.facts;
  return step(caravan, `migrate guest ${name}`, {
    title: `Migrate ${name} (VM ${vmid}) from ${caravan.from} to ${caravan.to}, stopped`,
    why: `An offline migration moves the configuration, and takes the mapping's path of the new node as it is.${localDisks.length === 0 ? '' : ` Its disks ${localDisks.join(', ')} are copied by Proxmox VE, within the downtime.`}`,
    probe: [there],
    operations: [
      shutdown(caravan.from, traveller, 'shut it down, if somebody has started it meanwhile'),
      migration(caravan, traveller, handedOver),
    ],
    proof: [there],
  });
}

/** Inside the guest: the marker of each share through virtiofs. */
export function seesShares({ config, shares }: Traveller, within: number): Check[] {
  return shares.map((share) => ({
    kind: 'run',
    host: config.name,
    argv: ['test', '-e', shareLayout(share.mount).marker],
    expect: { exitCode: 0 },
    within,
    what: `${config.name} sees the marker of ${share.name} through virtiofs`,
  }));
}

/** What ran in a guest before runs in it. */
export function runsIn({ workloads }: Traveller): Check[] {
  return workloads === undefined ? [] : running(workloads, 'target');
}

function start(caravan: Caravan, traveller: Traveller, handedOver: readonly Check[]): Step[] {
  const { name, vmid } = traveller.config;
  const node = traveller.stays ? traveller.facts.node : caravan.to;
  const runs = state(node, traveller, 'running');
  const sees = seesShares(traveller, 120);
  const { workloads } = traveller;
  const paths = pathsOn(caravan.config, name, traveller.shares);
  const again = workloads === undefined ? undefined : startStep(workloads);
  return [
    step(caravan, `boot guest ${name}`, {
      title: `Start ${name} (VM ${vmid}) on ${node}`,
      why: `Its virtiofsd serves the place of ${node}. Workloads that start at boot find the mount, the marker and the release.`,
      probe: [runs, answers(traveller, 0)],
      operations: [
        {
          kind: 'call',
          method: 'POST',
          path: `${vm(node, traveller)}/status/start`,
          params: {},
          timeoutSeconds: 120,
          unless: [runs],
          guards: [...handedOver],
          what: 'start the guest',
        },
      ],
      proof: [{ ...runs, within: 60 }, answers(traveller, 300)],
    }),
    step(caravan, `mounted guest ${name}`, {
      title: `${name} sees the share`,
      why: 'A mapping that points elsewhere would be an empty directory, or the sealed place: the marker tells them apart.',
      probe: seesShares(traveller, 0),
      operations: [
        {
          kind: 'run',
          host: name,
          argv: ['systemctl', 'start', '--', ...paths.map(mountUnitName)],
          timeoutSeconds: 90,
          what: 'mount what the boot has not mounted yet',
        },
      ],
      proof: sees,
    }),
    ...(again === undefined || again.operations.length === 0
      ? []
      : [
          step(caravan, `start guest ${name}`, {
            title: `Start on ${name} what ran there before`,
            why: 'The downtime ends here.',
            probe: again.probe,
            operations: again.operations,
            proof: again.proof,
          }),
        ]),
  ];
}
