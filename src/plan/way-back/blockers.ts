import type { Config, MoveConfig } from '../../config/config.ts';
import type { Findings } from '../../inspect/findings.ts';
import { rsyncBlockers } from '../blockers/rsync.ts';
import { shareAway } from '../blockers/share-away.ts';
import { sourceBlockers } from '../blockers/source.ts';
import { sshTo } from '../blockers/ssh-to.ts';
import { type MoveContext, workloadsOf } from '../context.ts';
import type { Blocker } from '../plan.ts';
import { cutoverSnapshot } from '../share-layout.ts';
import { rollbackBlocker } from './errors.ts';
import type { Choice, MoveFacts, ShareFacts } from './facts.ts';
import type { TargetOff } from './target-off.ts';

/**
 * Who must answer: the node, and both guests.
 * @param off the target is off, and is dealt with through the API
 */
export function notReached(
  config: Config,
  findings: Findings,
  move: MoveConfig,
  off: TargetOff | undefined,
): Blocker[] {
  const { node } = config.shares[move.to.share] ?? { node: '' };
  const found: Blocker[] = [];
  const add = (kind: string, name: string, ssh: string, more: string[] = []) => {
    const why = findings.notSeen.find((entry) => entry.subject === `${kind} ${name}`);
    found.push(
      rollbackBlocker('rollback/not-reached', {
        move: move.name,
        seen: why === undefined ? `${name} does not run, or was not reached` : `${name}: ${why.seen}`,
        next: [
          ...(why === undefined ? [`${sshTo(config, ssh)} true`] : [why.next, ...(why.more ?? [])]),
          ...more,
        ],
      }),
    );
  };
  found.push(...shareAway(config, findings, move));
  if (findings.nodes[node] === undefined) add('node', node, config.nodes[node]?.ssh ?? node);
  const onNode = (name: string, words: string) => {
    const at = Object.values(config.nodes).find(
      (each) => findings.nodes[each.name]?.hostname === findings.guests[name]?.node,
    );
    return `${sshTo(config, at?.ssh ?? node)} qm ${words} ${config.guests[name]?.vmid}`;
  };
  const { from, to } = move;
  if (findings.guests[from.guest]?.running === false)
    found.push(
      rollbackBlocker('rollback/not-reached', {
        move: move.name,
        seen: `${from.guest} is off: what goes back there cannot start`,
        next: [
          `${onNode(from.guest, 'start')}   # its workloads are fenced, and stay down until the way back is gone`,
        ],
      }),
    );
  else if (findings.guests[from.guest]?.system === undefined)
    add('guest', from.guest, config.guests[from.guest]?.ssh ?? from.guest);
  if (off === undefined && findings.guests[to.guest]?.system === undefined) {
    const stop =
      findings.guests[to.guest]?.running === true
        ? [`${onNode(to.guest, 'stop')}   # if it does not come back: a guest that is off need not be asked`]
        : [];
    add('guest', to.guest, config.guests[to.guest]?.ssh ?? to.guest, stop);
  }
  return found;
}

export function noRecord(config: Config, move: MoveConfig, when: 'before' | 'after'): Blocker {
  return rollbackBlocker('rollback/no-record', {
    move: move.name,
    seen:
      when === 'before'
        ? `${move.to.path} is claimed for ${move.name}, and no run beside ${config.file} has done it`
        : `${move.name} was handed over to ${move.to.guest}, and no run beside ${config.file} has done it`,
    next: [
      'run drayage in the folder whose .drayage/runs has that run',
      ...(when === 'after' ? ['drayage take-over   # if that folder is lost'] : []),
      `or go back by hand: docs/recovery.md, "${when === 'before' ? 'Before the release' : 'After the release'}"`,
    ],
  });
}

/** Why a move that was handed over cannot be taken back as things are. */
export function afterBlockers(given: {
  readonly context: MoveContext;
  readonly facts: MoveFacts;
  readonly share: ShareFacts;
  readonly choice: Choice;
  readonly now: Findings;
}): Blocker[] {
  const { context, facts, share, choice, now } = given;
  const { move, config } = context;
  const found: Blocker[] = [];
  const add = (code: Parameters<typeof rollbackBlocker>[0], seen: string, next: string[]) =>
    found.push(rollbackBlocker(code, { move: move.name, seen, next }));
  const byHand = 'docs/recovery.md, "After the release"';
  const source = config.guests[move.from.guest]?.ssh ?? move.from.guest;
  const snapshot = `${context.share.dataset}@${cutoverSnapshot(move)}`;
  if (!share.snapshots.includes(cutoverSnapshot(move)))
    add('rollback/no-snapshot', `${snapshot} does not exist`, [byHand]);
  if (choice === 'discard' && facts.carryBack !== 'none')
    add(
      'rollback/carry-back-begun',
      `an earlier rollback has written to ${move.from.guest}:${move.from.path}`,
      [`drayage rollback --move ${move.name} --carry-back`, byHand],
    );
  if (choice === 'carry-back' && facts.carryBack === 'none' && facts.source?.asLeft !== true)
    add(
      'rollback/source-changed',
      `names and metadata below ${move.from.path} on ${move.from.guest} are not those of ${snapshot}`,
      [
        `${sshTo(config, source)} find ${move.from.path} -newerct '<time of the window>'   # what was written`,
        `drayage rollback --move ${move.name} --discard   # starts on what is there now`,
        byHand,
      ],
    );
  const gone = facts.written?.gone ?? 0;
  if (choice === 'carry-back' && gone > move.maxDelete)
    add(
      'rollback/too-many-deletions',
      `${gone} entries are gone from ${move.to.path}; maxDelete is ${move.maxDelete}`,
      [
        `set moves.${move.name}.maxDelete: ${gone} in ${config.file}`,
        `drayage rollback --move ${move.name} --carry-back`,
      ],
    );
  const system = now.guests[move.to.guest]?.system;
  if (system !== undefined) {
    const came = new Set(
      [...context.units, ...context.containers].map(({ name, user }) => `${user ?? ''}/${name}`),
    );
    const uses = workloadsOf(move, system);
    const running = [
      ...uses.units.filter(({ active }) => active),
      ...uses.containers.filter((container) => container.running),
    ].filter(({ name, user }) => !came.has(`${user ?? ''}/${name}`));
    for (const { name, user } of running)
      add(
        'rollback/other-workloads',
        `${name}${user === undefined ? '' : ` of ${user}`} on ${move.to.guest} uses ${move.from.path}`,
        [
          `stop it on ${move.to.guest}, and see that nothing starts it again`,
          `drayage rollback --move ${move.name}`,
        ],
      );
  }
  if (choice === 'carry-back') found.push(...rsyncBlockers(config, now, move));
  return [...found, ...sourceBlockers(config, now, move).filter(({ code }) => aboutThePlace.has(code))];
}

/** What is wrong with the place itself; what it holds is as it was when it was moved. */
const aboutThePlace = new Set([
  'plan/source-missing',
  'plan/source-unreadable',
  'plan/source-not-a-directory',
  'plan/source-empty',
  'plan/source-is-link',
  'plan/source-not-mounted',
  'plan/source-submounts',
]);
