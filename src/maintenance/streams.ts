import { guestError } from '../guest/errors.ts';
import type { PlaceFacts, StreamFacts } from '../plan/golden-path/facts.ts';
import type { Host } from '../ssh/host.ts';
import { getDatasetProperties } from '../zfs/commands.ts';
import { readSnapshots } from '../zfs/dataset.ts';
import { zfsFailure } from '../zfs/errors.ts';
import { readResumeToken } from '../zfs/send.ts';

/**
 * Looks what `zfs send` between two datasets could begin with, and adds it to what was seen of both places.
 * @throws the errors of zfs, and what the hosts throw
 */
export async function withStreams(
  own: { readonly host: Host; readonly dataset: string; readonly facts: PlaceFacts },
  other: { readonly host: Host; readonly dataset: string; readonly facts: PlaceFacts },
): Promise<readonly [PlaceFacts, PlaceFacts]> {
  const added = async (one: typeof own, from: Host): Promise<PlaceFacts> =>
    one.facts.dataset === undefined
      ? one.facts
      : {
          ...one.facts,
          dataset: { ...one.facts.dataset, stream: await readStream(one.host, one.dataset, from) },
        };
  return Promise.all([added(own, other.host), added(other, own.host)]);
}

/** @param from the node that sends to this one: it alone can read a token */
async function readStream(host: Host, dataset: string, from: Host): Promise<StreamFacts> {
  const argv = getDatasetProperties(dataset, ['written', 'encryption', 'receive_resume_token']);
  const [snapshots, { exitCode, stdout, stderr }] = await Promise.all([
    readSnapshots(host, dataset),
    host.run(argv, { timeoutSeconds: 30 }),
  ]);
  if (exitCode !== 0) throw zfsFailure({ host: host.name, argv, exitCode, stderr: stderr.toString() });
  const [written = '', encryption = '', token = ''] = stdout.toString().split('\n');
  if (!/^\d+$/.test(written) || encryption === '' || token === '')
    throw guestError('guest/unexpected-output', {
      seen: `${host.name}: ${argv.join(' ')} printed ${JSON.stringify(stdout.toString())}`,
      next: [`on ${host.name}: ${argv.join(' ')}`],
    });
  const unfinished = token === '-' ? undefined : await readToken(from, token);
  return {
    snapshots: (snapshots ?? []).map(({ snapshot, guid }) => ({ name: snapshot, guid })),
    writtenBytes: Number(written),
    encrypted: encryption !== 'off',
    ...(unfinished === undefined ? {} : { unfinished }),
  };
}

/** It prints what the token says also when it cannot go on with it. */
async function readToken(from: Host, token: string): Promise<NonNullable<StreamFacts['unfinished']>> {
  const { exitCode, stdout, stderr } = await from.run(readResumeToken(token), { timeoutSeconds: 60 });
  const said = `${stdout}\n${stderr}`;
  const [, snapshot = ''] = /^\s*toname = [^\n]*@([^@\n]+)$/m.exec(said) ?? [];
  return { snapshot, there: exitCode === 0 };
}
