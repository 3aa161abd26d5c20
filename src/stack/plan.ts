import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stateFolder } from '../apply/run-folder.ts';
import { type Judgement, judge, refusals } from '../plan/tofu/judge.ts';
import type { TofuClient } from '../tofu/client.ts';
import { tofuError } from '../tofu/errors.ts';

/** A plan file that was looked at. */
export interface StackPlan {
  readonly file: string;
  readonly sha256: string;
  readonly judgement: Judgement;
}

/** Word of `--allow` for a state that is not the one of the last apply. */
export const allowState = 'state';

/**
 * Runs with a folder for a plan file, which holds secrets in clear: it is readable by its owner alone, and goes at the end.
 */
export async function withPlanFolder<T>(configFile: string, run: (folder: string) => Promise<T>): Promise<T> {
  // OpenTofu is run in another folder: the name of the file must hold there too.
  const parent = resolve(stateFolder(configFile), 'tofu');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parent, 'plan-'));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Makes the folder ready: `init` is performed when OpenTofu asks for it.
 * @throws tofu/invalid, tofu/not-initialised
 */
export async function readyFolder(
  client: TofuClient,
  initialise: (why: string) => Promise<void>,
): Promise<void> {
  const before = await client.validate();
  if (before.kind === 'valid') return;
  await initialise(before.seen);
  const after = await client.validate();
  if (after.kind !== 'valid') throw notInitialised(client, after.seen);
}

/**
 * Plans into a file and judges what that file says.
 * @throws tofu/not-initialised, tofu/state-locked, tofu/failed, tofu/unknown-format
 */
export async function planStack(given: {
  readonly client: TofuClient;
  readonly folder: string;
  readonly existing?: ReadonlySet<number>;
  readonly lockSeconds: number;
  readonly signal: AbortSignal;
}): Promise<StackPlan> {
  const { client, lockSeconds, signal, existing } = given;
  const file = join(given.folder, 'plan');
  const planned = await client.plan(file, { lockSeconds, signal });
  if (planned.kind === 'not-initialised') throw notInitialised(client, planned.seen);
  return {
    file,
    sha256: createHash('sha256')
      .update(await readFile(file))
      .digest('hex'),
    judgement: judge(planned.plan, existing),
  };
}

function notInitialised(client: TofuClient, seen: string) {
  return tofuError('tofu/not-initialised', {
    seen,
    next: [`${client.program.command} -chdir=${client.folder} init`],
  });
}

/**
 * The guard: nothing that destroys, replaces or forgets, or that has no name here, without a word for its address.
 * @throws tofu/refused, tofu/unknown-address
 */
export function refuseUnlessAllowed(judgement: Judgement, allow: readonly string[], verb: string): void {
  const needing = judgement.changes.filter(({ refused }) => refused.length > 0).map(({ address }) => address);
  const unknown = allow.filter((address) => address !== allowState && !needing.includes(address));
  if (unknown.length > 0)
    throw tofuError('tofu/unknown-address', {
      seen: `--allow ${unknown.join(', ')}; ${needing.length === 0 ? 'nothing in the plan needs it' : `the plan has ${needing.join(', ')}`}`,
      next: [`drayage tofu ${verb}`],
    });
  const found = refusals(judgement, allow);
  if (found.length === 0) return;
  const addresses = [...new Set(found.flatMap(({ address }) => (address === undefined ? [] : [address])))];
  throw tofuError('tofu/refused', {
    seen: found.map(({ address, why }) => (address === undefined ? why : `${address}: ${why}`)).join('\n'),
    next: [
      'drayage tofu generate   # are the files those of the fleet as it is now?',
      ...addresses.map(
        (address) => `drayage tofu ${verb} --allow '${address}'   # only if this is what you want`,
      ),
    ],
  });
}
