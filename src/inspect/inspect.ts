import type { Config, GuestConfig, MoveConfig } from '../config/config.ts';
import { probe } from '../guest/probe.ts';
import { readSystem } from '../guest/system.ts';
import type { Host, Hosts } from '../ssh/host.ts';
import type {
  Findings,
  GuestFindings,
  GuestSystem,
  MoveFindings,
  NodeFindings,
  Noted,
  NotSeen,
  ShareFindings,
  SourceFindings,
} from './findings.ts';
import { readWorkloads } from './guest-workloads.ts';
import { readKnownIds, unknownOwners } from './known-ids.ts';
import { otherSources, readMissing } from './missing-sources.ts';
import { readNode } from './node.ts';
import { seen } from './not-seen.ts';
import { readNoted } from './noted.ts';
import type { ProxmoxReader } from './proxmox-reader.ts';
import { readShare } from './share.ts';
import { readSource } from './source.ts';

/** Where inspection looks, and through what. */
export interface InspectQuestion {
  readonly config: Config;
  readonly hosts: Hosts;
  readonly proxmox: ProxmoxReader;
  /** Names of moves; default: every move. Only the machines and shares that they concern are looked at. */
  readonly only?: readonly string[];
  /** ISO time. */
  readonly now: string;
  /** Told what is looked at, as it begins; of a source again and again, with the entries counted so far. */
  readonly looking?: (at: Looking) => void;
}

export interface Looking {
  readonly what: string;
  readonly entries?: number;
}

/** Seconds for a look at a path that may be a share whose virtiofsd is gone: it would never answer. */
const shareTimeoutSeconds = 30;

/**
 * Looks at the cluster, the nodes, the guests, the shares and the source paths, and changes nothing. What cannot be seen
 * is named in `notSeen` with what would show it; a guest that cannot be reached has no `system`.
 * @throws what `proxmox.cluster()` throws: without the API there is nothing to inspect.
 */
export async function inspect(question: InspectQuestion): Promise<Findings> {
  const { config, hosts } = question;
  const notSeen: NotSeen[] = [];
  const moves = Object.values(config.moves).filter((move) => question.only?.includes(move.name) ?? true);
  const shares = Object.values(config.shares).filter((share) =>
    moves.some((move) => move.to.share === share.name),
  );
  const nodeNames = [...new Set(shares.map((share) => share.node))];
  const guestNames = [...new Set(moves.flatMap((move) => [move.from.guest, move.to.guest]))];

  question.looking?.({ what: 'the cluster' });
  const { cluster, notSeen: hidden } = await question.proxmox.cluster();
  notSeen.push(...hidden);

  const nodes: Record<string, NodeFindings> = {};
  const foundShares: Record<string, ShareFindings> = {};
  const targets = new Map<string, NonNullable<MoveFindings['target']>>();
  const noted = new Map<string, Noted>();
  const lookAtNode = async (name: string): Promise<void> => {
    question.looking?.({ what: `node ${name}` });
    const host = hosts(name);
    const found = await seen(notSeen, `node ${name}`, 'the node', () => readNode(host));
    if (found === undefined) return;
    nodes[name] = found.node;
    notSeen.push(...found.notSeen);
    for (const share of shares.filter((candidate) => candidate.node === name)) {
      const own = moves.filter((move) => move.to.share === share.name);
      const read = await seen(notSeen, `share ${share.name}`, 'the dataset', () =>
        readShare(host, share, own),
      );
      if (read === undefined) continue;
      foundShares[share.name] = read.share;
      for (const [move, target] of read.targets) targets.set(move, target);
      for (const move of own) {
        const note = read.notes.get(move.name);
        if (note === undefined) continue;
        const found = await seen(notSeen, `move ${move.name}`, 'the note in the share', async () =>
          readNoted(share, move, note),
        );
        if (found !== undefined) noted.set(move.name, found);
      }
    }
  };

  const guests: Record<string, GuestFindings> = {};
  const sources = new Map<string, SourceFindings>();
  const targetPaths = new Map<string, NonNullable<MoveFindings['targetPath']>>();
  const lookAtGuest = async (name: string): Promise<void> => {
    const configured = config.guests[name] as GuestConfig;
    const vm = await seen(notSeen, `guest ${name}`, `VM ${configured.vmid}`, () =>
      question.proxmox.vm(configured.vmid),
    );
    if (vm === undefined) return;
    notSeen.push(...vm.notSeen);
    if (!vm.vm.running) {
      guests[name] = { name, ...vm.vm };
      notSeen.push({
        subject: `guest ${name}`,
        what: 'the system inside',
        seen: `VM ${configured.vmid} is stopped`,
        next: `qm start ${configured.vmid}   # on ${vm.vm.node}`,
      });
      return;
    }
    question.looking?.({ what: `guest ${name}` });
    const host = hosts(name);
    const own = moves.filter((move) => move.from.guest === name || move.to.guest === name);
    const system = await seen(notSeen, `guest ${name}`, 'the system inside', () =>
      readGuestSystem(host, own, notSeen),
    );
    guests[name] = { name, ...vm.vm, ...(system === undefined ? {} : { system }) };
    if (system === undefined) return;
    for (const move of own) {
      if (move.from.guest === name) {
        const read = await seen(notSeen, `move ${move.name}`, `${move.from.path} on ${name}`, () =>
          readSource({
            ...sourceQuestion(host, move, system),
            onCounted: (entries) => question.looking?.({ what: `${move.from.path} on ${name}`, entries }),
          }),
        );
        if (read === undefined) continue;
        sources.set(move.name, read.source);
        notSeen.push(...read.notSeen);
      } else {
        const state = await seen(notSeen, `move ${move.name}`, `${move.from.path} on ${name}`, () =>
          readTargetPath(host, move.from.path, system),
        );
        if (state !== undefined) targetPaths.set(move.name, state);
      }
    }
  };

  await Promise.all([...nodeNames.map(lookAtNode), ...guestNames.map(lookAtGuest)]);

  const missing = new Map<string, readonly string[]>();
  const lookForBindSources = async (move: MoveConfig): Promise<void> => {
    const from = guests[move.from.guest]?.system;
    if (from === undefined || guests[move.to.guest]?.system === undefined) return;
    const found = await seen(notSeen, `move ${move.name}`, `bind sources on ${move.to.guest}`, () =>
      readMissing(hosts(move.to.guest), otherSources(move, Object.values(config.moves), from)),
    );
    if (found !== undefined && found.length > 0) missing.set(move.name, found);
  };
  await Promise.all(moves.map(lookForBindSources));

  const strangers = new Map<string, ReturnType<typeof unknownOwners>>();
  const lookForOwners = async (move: MoveConfig): Promise<void> => {
    const source = sources.get(move.name);
    if (source?.state !== 'directory' || guests[move.to.guest]?.system === undefined) return;
    const found = await seen(notSeen, `move ${move.name}`, `users of ${move.to.guest}`, async () => {
      const [from, to] = await Promise.all(
        [move.from.guest, move.to.guest].map((name) => readKnownIds(hosts(name))),
      );
      return to === undefined ? [] : unknownOwners(source.owners, from, to);
    });
    if (found !== undefined && found.length > 0) strangers.set(move.name, found);
  };
  await Promise.all(moves.map(lookForOwners));

  const foundMoves: Record<string, MoveFindings> = {};
  for (const move of moves) {
    const source = sources.get(move.name);
    if (source === undefined) continue;
    const target = targets.get(move.name);
    const note = noted.get(move.name);
    const targetPath = targetPaths.get(move.name);
    const missingOnTarget = missing.get(move.name);
    const unknown = strangers.get(move.name);
    foundMoves[move.name] = {
      name: move.name,
      source,
      ...(target === undefined ? {} : { target }),
      ...(note === undefined ? {} : { noted: note }),
      ...(targetPath === undefined ? {} : { targetPath }),
      ...(missingOnTarget === undefined ? {} : { missingOnTarget }),
      ...(unknown === undefined ? {} : { unknownOwners: unknown }),
    };
  }
  return {
    format: 1,
    inspectedAt: question.now,
    cluster,
    nodes: inOrder(nodes, nodeNames),
    guests: inOrder(guests, guestNames),
    shares: inOrder(
      foundShares,
      shares.map((share) => share.name),
    ),
    moves: foundMoves,
    notSeen: notSeen.sort((a, b) => order(a).localeCompare(order(b), 'en')),
  };
}

async function readGuestSystem(
  host: Host,
  moves: readonly MoveConfig[],
  notSeen: NotSeen[],
): Promise<GuestSystem> {
  const facts = await readSystem(host);
  const movedPaths = [...new Set(moves.map((move) => move.from.path))];
  const outgoing = moves.filter((move) => move.from.guest === host.name);
  const { notSeen: hidden, ...workloads } = await readWorkloads(host, facts, {
    movedPaths,
    alsoUnits: outgoing.flatMap((move) => move.alsoUnits),
    isSource: outgoing.length > 0,
  });
  notSeen.push(...hidden);
  const { rootStore: _rootStore, users, ...system } = facts;
  // Each running container has mounts of its own inside the store; they come and go.
  const inStore = (target: string) =>
    workloads.stores.some((store) => target.startsWith(`${store.graphRoot}/`));
  return {
    ...system,
    mounts: system.mounts.filter((mount) => !inStore(mount.target)),
    users: users.map(({ managerRuns: _managerRuns, storePath: _storePath, ...user }) => user),
    ...workloads,
  };
}

function sourceQuestion(host: Host, move: MoveConfig, system: GuestSystem): Parameters<typeof readSource>[0] {
  return {
    host,
    path: move.from.path,
    exclude: move.exclude,
    mounts: system.mounts,
    storeRoots: system.stores.map((store) => store.graphRoot),
    missingTools: system.missingTools,
  };
}

/** The place of the source path on the target guest. What is mounted there is not touched: a dead share never answers. */
async function readTargetPath(
  host: Host,
  path: string,
  system: GuestSystem,
): Promise<NonNullable<MoveFindings['targetPath']>> {
  if (system.mounts.some((mount) => mount.target === path)) return 'mounted';
  const answers = await probe(
    host,
    {
      stat: ['stat', '--printf=%F', '--', path],
      inside: ['find', path, '-mindepth', '1', '-maxdepth', '1', '-printf', 'x', '-quit'],
    },
    shareTimeoutSeconds,
  );
  if (answers.stat.exitCode !== 0) return 'missing';
  return answers.stat.stdout === 'directory' && answers.inside.stdout === '' ? 'empty' : 'occupied';
}

function inOrder<T>(found: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(
    names.flatMap((name) => (found[name] === undefined ? [] : [[name, found[name]]])),
  );
}

function order(entry: NotSeen): string {
  return `${entry.subject} ${entry.what}`;
}
