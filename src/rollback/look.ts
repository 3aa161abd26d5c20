import type { Config, MoveConfig, ShareConfig } from '../config/config.ts';
import { notData } from '../copy/not-data.ts';
import type { Findings } from '../inspect/findings.ts';
import { moveContext } from '../plan/context.ts';
import type { Step } from '../plan/plan.ts';
import { cutoverSnapshot, snapshotPath } from '../plan/share-layout.ts';
import { excludes } from '../plan/steps/copy.ts';
import { rollbackNotes } from '../plan/way-back/after.ts';
import type { MoveFacts, RollbackFacts, ShareFacts } from '../plan/way-back/facts.ts';
import { listingDifference, listingDigest } from '../plan/way-back/listing.ts';
import { wasHandedOver } from '../plan/way-back/make-rollback.ts';
import type { Host, Hosts } from '../ssh/host.ts';
import { listSnapshots } from '../zfs/commands.ts';
import { rollbackError } from './errors.ts';
import { mostRecords, parseWritten } from './written.ts';

/** A listing of a large tree takes minutes; one that hangs is a share whose disk is gone. */
const listingSeconds = 3600;

interface Known {
  readonly config: Config;
  readonly findings: Findings;
  readonly hosts: Hosts;
  /** Of the runs of this folder. */
  readonly performed: readonly Step[];
  readonly recorded: ReadonlyMap<string, NonNullable<MoveFacts['recorded']>>;
  readonly window: (move: string) => MoveFacts['window'];
  /** Names of the moves to look at. */
  readonly moves: readonly string[];
}

/** What a rollback must know beside the findings. Looks only. @throws rollback/not-seen, rollback/unreadable-output */
export async function readRollbackFacts(known: Known): Promise<RollbackFacts> {
  const { config, findings } = known;
  const moves = Object.values(config.moves).filter(({ name }) => known.moves.includes(name));
  const shares: Record<string, ShareFacts> = {};
  for (const name of new Set(moves.map(({ to }) => to.share))) {
    const share = config.shares[name] as ShareConfig;
    shares[name] = await shareFacts(known, share);
  }
  const found: Record<string, MoveFacts> = {};
  for (const move of moves) {
    const recorded = known.recorded.get(move.name);
    const base = {
      performed: known.performed.filter((step) => step.move === move.name).map((step) => ({ step })),
      window: known.window(move.name),
      ...(recorded === undefined ? {} : { recorded }),
    };
    found[move.name] = wasHandedOver(findings, move.name)
      ? { ...base, ...(await handedOverFacts(known, move, shares[move.to.share] as ShareFacts)) }
      : { ...base, carryBack: 'none' };
  }
  return { moves: found, shares };
}

async function shareFacts(
  { config, findings, hosts, performed }: Known,
  share: ShareConfig,
): Promise<ShareFacts> {
  const of = new Set(['dataset', 'marker', 'mapping'].map((kind) => `${kind} ${share.name}`));
  const made = performed.filter(({ id }) => of.has(id)).map((step) => ({ step }));
  if (findings.shares[share.name]?.dataset?.mounted !== true)
    return { performed: made, snapshots: [], strangers: [] };
  const node = hosts(share.node);
  const snapshots = (await text(node, listSnapshots(share.dataset)))
    .split('\n')
    .flatMap((line) => line.split('\t')[0]?.split('@')[1] ?? []);
  const top = (await text(node, ['find', share.path, '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\\0']))
    .split('\0')
    .filter((name) => name !== '');
  const places = Object.values(config.moves).flatMap(({ to }) => (to.share === share.name ? [to.as] : []));
  const expected = new Set([...notData, ...places.map((place) => place.split('/')[0] as string)]);
  const strangers = places.includes('.') ? [] : top.filter((name) => !expected.has(name));
  return { performed: made, snapshots, strangers };
}

async function handedOverFacts(
  { config, findings, hosts, recorded }: Known,
  move: MoveConfig,
  shareFound: ShareFacts,
): Promise<Pick<MoveFacts, 'carryBack' | 'written' | 'source'>> {
  const share = config.shares[move.to.share] as ShareConfig;
  const then = recorded.get(move.name);
  const context = then === undefined ? undefined : moveContext(config, then.findings, move);
  if (context === undefined) return { carryBack: 'none' };
  const node = hosts(share.node);
  const notes = rollbackNotes(context);
  const there = async (path: string) => (await node.run(['test', '-e', path])).exitCode === 0;
  const carryBack = (await there(notes.done)) ? 'done' : (await there(notes.begun)) ? 'begun' : 'none';
  if (!shareFound.snapshots.includes(cutoverSnapshot(move))) return { carryBack };
  const exclude = excludes(context);
  const before = snapshotPath(share, move);
  const written = parseWritten(
    await text(node, listingDifference(move, { before, now: move.to.path }, exclude, mostRecords)),
  );
  if (carryBack !== 'none' || findings.guests[move.from.guest]?.system === undefined)
    return { carryBack, written };
  const digest = async (host: Host, path: string, fields?: '%i %C@') =>
    (await text(host, listingDigest(move, path, exclude, fields))).trim();
  const source = hosts(move.from.guest);
  // First the state: what is done to the source after it shows when it is asked again.
  const state = await digest(source, move.from.path, '%i %C@');
  const [now, left] = await Promise.all([digest(source, move.from.path), digest(node, before)]);
  return { carryBack, written, source: { asLeft: now === left, state } };
}

/** Bytes as latin1. */
async function text(host: Host, argv: readonly string[]): Promise<string> {
  const result = await host.run(argv, { timeoutSeconds: listingSeconds });
  if (result.exitCode === 0) return result.stdout.toString('latin1');
  throw rollbackError('rollback/not-seen', {
    seen: `${host.name}: ${argv.join(' ').slice(0, 500)}: exit code ${result.exitCode}: ${result.stderr.toString('utf8').trim()}`,
    next: [`ssh ${host.name}   # look at the cause`, 'drayage rollback'],
  });
}
