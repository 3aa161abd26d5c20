import { isDeepStrictEqual } from 'node:util';
import { DrayageError } from '../errors/error.ts';
import { unknownIn, withKnown } from '../plan/known.ts';
import type { Check } from '../plan/operation.ts';
import { compareCheck } from './compare.ts';
import { applyError } from './errors.ts';
import { holders, quietScript } from './quiet.ts';
import type { World } from './world.ts';

/** Does a check hold, and what was seen. */
export interface Answer {
  readonly holds: boolean;
  readonly seen: string;
}

const pollMs = 1000;
/** Looks are quick; one that hangs is a share whose virtiofsd is gone. */
const lookTimeoutSeconds = 60;

/**
 * Looks whether a check holds; changes nothing. With `within`, a check that does not hold yet, or a machine that does
 * not answer yet, is looked at again until the time is over.
 * @throws DrayageError when it cannot be told.
 */
export async function holds(check: Check, world: World, step: string, patient = true): Promise<Answer> {
  const within = patient && (check.kind === 'run' || check.kind === 'call') ? (check.within ?? 0) : 0;
  const until = world.now() + within * 1000;
  for (;;) {
    try {
      const answer = await look(check, world, step);
      if (answer.holds || world.now() >= until || world.stop.aborted) return answer;
    } catch (error) {
      if (!(error instanceof DrayageError) || world.now() >= until || world.stop.aborted) throw error;
    }
    await world.sleep(pollMs);
  }
}

/** Looks at once over one connection: sshd allows ten sessions in it by default (MaxSessions, sshd_config(5)). */
const looksAtOnce = 6;

/** The first of the checks that does not hold; undefined: all hold. Looks change nothing, so several are made at once. */
export async function firstNotHeld(
  checks: readonly Check[],
  world: World,
  step: string,
  patient = true,
): Promise<{ check: Check; seen: string } | undefined> {
  for (const some of batches(checks)) {
    const answers = await Promise.allSettled(some.map((check) => holds(check, world, step, patient)));
    for (const [index, answer] of answers.entries()) {
      if (answer.status === 'rejected') throw answer.reason;
      if (!answer.value.holds) return { check: some[index] as Check, seen: answer.value.seen };
    }
  }
  return undefined;
}

/** Checks that may be made at once. Whether a path is quiet is looked at alone: a look into it beside that holds it open. */
function batches(checks: readonly Check[]): Check[][] {
  const made: Check[][] = [];
  for (const check of checks) {
    const last = made.at(-1);
    const fits = last !== undefined && last.length < looksAtOnce && last[0]?.kind !== 'quiet';
    if (fits && check.kind !== 'quiet') last.push(check);
    else made.push([check]);
  }
  return made;
}

async function look(planned: Check, world: World, step: string): Promise<Answer> {
  const check = withKnown(planned, world.known);
  const unknown = unknownIn(check);
  if (unknown !== undefined) return { holds: false, seen: unknown };
  switch (check.kind) {
    case 'run':
      return lookByCommand(check, world);
    case 'call':
      return lookByCall(check, world);
    case 'source':
      return lookAtSource(check, world);
    case 'quiet':
      return lookWhetherQuiet(check, world);
    case 'compare':
      return compareCheck(check, world, step);
    case 'evidence':
      return lookAtEvidence(check, world);
  }
}

async function lookByCommand(check: Extract<Check, { kind: 'run' }>, world: World): Promise<Answer> {
  const result = await world
    .hosts(check.host)
    .run(check.argv, { timeoutSeconds: lookTimeoutSeconds, signal: world.stop });
  const stdout = result.stdout.toString('utf8').replace(/\n$/, '');
  const right =
    result.exitCode === check.expect.exitCode &&
    (check.expect.stdout === undefined || check.expect.stdout === stdout);
  const said = `${stdout}\n${result.stderr.toString('utf8')}`.trim().slice(0, 2000);
  return {
    holds: right,
    seen: `${check.host}: ${check.argv.join(' ')}: exit code ${result.exitCode}${said === '' ? '' : `, ${said}`}`,
  };
}

async function lookByCall(check: Extract<Check, { kind: 'call' }>, world: World): Promise<Answer> {
  let value: unknown;
  try {
    value = await world.cluster.get(check.path);
  } catch (error) {
    // A guest that boots is no error: its agent has not started yet.
    if (error instanceof DrayageError && /QEMU guest agent is not running/.test(error.seen))
      return { holds: false, seen: error.seen };
    throw error;
  }
  for (const key of check.at === '' ? [] : check.at.split('.')) {
    value = value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined;
  }
  const right =
    check.absent === true || check.present === true
      ? (value === undefined) === (check.absent === true)
      : check.matches === undefined
        ? isDeepStrictEqual(value, check.equals)
        : isPlain(value) && new RegExp(check.matches).test(String(value));
  return {
    holds: right,
    seen: `GET ${check.path}${check.at === '' ? '' : ` ${check.at}`}: ${JSON.stringify(value) ?? 'absent'}`,
  };
}

/** The API gives some numbers as text. */
function isPlain(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

async function lookAtSource(check: Extract<Check, { kind: 'source' }>, world: World): Promise<Answer> {
  const script = 'stat -c "%F %d %i" -- "$1" && find "$1" -mindepth 1 -maxdepth 1 -printf x -quit';
  const result = await world
    .hosts(check.host)
    .run(['sh', '-c', script, 'sh', check.path], { timeoutSeconds: lookTimeoutSeconds });
  const stdout = result.stdout.toString('utf8');
  const where = `${check.path} on ${check.host}`;
  if (result.exitCode !== 0)
    return { holds: false, seen: `${where}: ${result.stderr.toString('utf8').trim()}` };
  const found = /^(.+) (\d+) (\d+)\n(x?)$/.exec(stdout);
  if (found === null) {
    throw applyError('apply/unreadable-output', {
      seen: `${where}: stat printed ${JSON.stringify(stdout)}`,
      next: [`ssh ${check.host} stat ${check.path}`],
    });
  }
  const [, type, device, inode, entry] = found;
  if (type !== 'directory') return { holds: false, seen: `${where} is a ${type}` };
  if (device !== check.device || inode !== check.inode) {
    return {
      holds: false,
      seen: `${where} is device ${device} inode ${inode}; at inspection it was device ${check.device} inode ${check.inode}: something was mounted, unmounted or replaced there`,
    };
  }
  return entry === 'x' ? { holds: true, seen: where } : { holds: false, seen: `${where} is empty` };
}

async function lookWhetherQuiet(check: Extract<Check, { kind: 'quiet' }>, world: World): Promise<Answer> {
  const result = await world
    .hosts(check.host)
    .run(['sh', '-c', quietScript], { timeoutSeconds: lookTimeoutSeconds });
  const path = Buffer.from(check.path, 'utf8').toString('latin1');
  const found = holders(result.stdout.toString('latin1'), path);
  if (found === undefined) {
    throw applyError('apply/unreadable-output', {
      seen: `the open files of ${check.host} could not be read: ${result.stderr.toString('utf8').slice(0, 500)}`,
      next: [`ssh ${check.host} ls -l /proc/1/cwd   # needs root`],
    });
  }
  if (found.length === 0) return { holds: true, seen: `nothing on ${check.host} holds ${check.path}` };
  return { holds: false, seen: `still held on ${check.host}:\n${found.slice(0, 20).join('\n')}` };
}

function lookAtEvidence(check: Extract<Check, { kind: 'evidence' }>, world: World): Answer {
  const evidence = world.marks.get().moves[check.move]?.evidence;
  return evidence === undefined
    ? { holds: false, seen: `no full proof of ${check.move} is kept` }
    : { holds: true, seen: `proven ${evidence.at} in run ${evidence.run}: ${evidence.entries} entries` };
}
