import { DrayageError } from '../errors/error.ts';
import { unknownIn, withKnown } from '../plan/known.ts';
import type { Operation, SecretSource } from '../plan/operation.ts';
import { carryBack } from './carry-back.ts';
import { firstNotHeld } from './check.ts';
import { cloneTemplate } from './clone.ts';
import { copyPass } from './copy.ts';
import { applyError } from './errors.ts';
import type { World } from './world.ts';
import { writeFile } from './write.ts';

/**
 * Performs one operation. Nothing else in drayage changes anything.
 * Guards are looked at again, the intent is on disk, then the change is made, then its outcome is on disk.
 * @param undo it takes a step back
 * @throws DrayageError: apply/guard when it was not performed, else what the tool said.
 */
export async function perform(planned: Operation, world: World, step: string, undo = false): Promise<void> {
  const operation = withKnown(planned, world.known);
  const unknown = unknownIn({ ...operation, guards: [] });
  if (unknown !== undefined)
    throw applyError('apply/not-known', {
      seen: `${operation.what}: ${unknown}`,
      next: ['run the same command again   # looks first, and goes on'],
    });
  const { unless } = operation;
  if (unless !== undefined && (await firstNotHeld(unless, world, step, false)) === undefined) return;
  const guard = await firstNotHeld(operation.guards ?? [], world, step);
  if (guard !== undefined) {
    throw applyError('apply/guard', {
      seen: `${operation.what}: it must hold that ${guard.check.what}. Seen: ${guard.seen}`,
      next: ['drayage status', 'drayage plan'],
    });
  }
  const begun = world.now();
  world.sink({ type: 'operation-started', step, what: operation.what });
  const id = await world.journal.intent(step, operation, undo);
  const seconds = () => Math.max(0, (world.now() - begun) / 1000);
  try {
    await change(operation, world, step);
  } catch (error) {
    const known =
      error instanceof DrayageError
        ? { code: error.code, seen: error.seen }
        : { code: 'unexpected', seen: String(error) };
    await world.journal.outcome(id, false, seconds(), known);
    world.sink({ type: 'operation-finished', step, what: operation.what, ok: false });
    throw error;
  }
  await world.journal.outcome(id, true, seconds());
  world.sink({ type: 'operation-finished', step, what: operation.what, ok: true });
}

async function change(operation: Operation, world: World, step: string): Promise<void> {
  switch (operation.kind) {
    case 'run':
      return runCommand(operation, world);
    case 'call':
      return callApi(operation, world);
    case 'clone':
      world.known?.set(step, String(await cloneTemplate(operation, world)));
      return;
    case 'write':
      return writeFile(operation, world);
    case 'copy':
      return copyPass(operation, world, step);
    case 'carry-back':
      return carryBack(operation, world, step);
  }
}

async function runCommand(operation: Extract<Operation, { kind: 'run' }>, world: World): Promise<void> {
  const secret = typeof operation.stdin === 'object' ? await readSecret(operation.stdin, world) : undefined;
  const stdin = secret ?? (operation.stdin as string | undefined);
  const result = await world.hosts(operation.host).run(operation.argv, {
    ...(stdin === undefined ? {} : { stdin }),
    ...(operation.timeoutSeconds === undefined ? {} : { timeoutSeconds: operation.timeoutSeconds }),
    signal: world.stop,
  });
  if (result.exitCode === 0 || (operation.okExitCodes ?? []).includes(result.exitCode)) return;
  // What a command says may repeat what it was given: nothing of it is kept when that was secret.
  const said =
    secret === undefined
      ? `${result.stderr.toString('utf8').trim() || result.stdout.toString('utf8').trim()}`.slice(-2000)
      : '(not shown: the command was given a secret value)';
  throw applyError('apply/command-failed', {
    seen: `${operation.host}: ${operation.argv.join(' ')}: exit code ${result.exitCode}${said === '' ? '' : `: ${said}`}`,
    next: [`ssh ${operation.host}   # look at the cause`, 'drayage apply   # looks again and goes on'],
  });
}

/** Kept in memory only, between the read and the command that needs it. */
async function readSecret(source: SecretSource, world: World): Promise<Buffer> {
  const result = await world.hosts(source.host).run(source.argv, { signal: world.stop });
  if (result.exitCode === 0) return result.stdout;
  throw applyError('apply/no-secret', {
    seen: `${source.shownAs} on ${source.host}: exit code ${result.exitCode}`,
    next: [`ssh ${source.host}   # is what the command reads there?`],
  });
}

async function callApi(operation: Extract<Operation, { kind: 'call' }>, world: World): Promise<void> {
  const data = await world.cluster.call(operation.method, operation.path, operation.params);
  if (typeof data !== 'string' || !data.startsWith('UPID:')) return;
  await world.cluster.waitForTask(data, {
    ...(operation.timeoutSeconds === undefined ? {} : { timeoutSeconds: operation.timeoutSeconds }),
    signal: world.stop,
  });
}
