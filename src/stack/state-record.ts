import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere, writeWhole } from '../apply/file.ts';
import { stateFolder } from '../apply/run-folder.ts';
import type { TofuClient } from '../tofu/client.ts';
import { tofuError } from '../tofu/errors.ts';

const recordSchema = z.record(
  z.string(),
  z.object({ lineage: z.string(), serial: z.number(), resources: z.number(), at: z.string() }),
);

const fileOf = (configFile: string) => join(stateFolder(configFile), 'tofu.json');

async function readRecord(configFile: string): Promise<z.output<typeof recordSchema>> {
  const text = await readIfThere(fileOf(configFile));
  return text === undefined ? {} : recordSchema.parse(JSON.parse(text));
}

/** Remembers what state an apply left behind, so that its loss is noticed. */
export async function rememberState(configFile: string, client: TofuClient): Promise<void> {
  const identity = await client.identity();
  if (identity === undefined) return;
  const record = await readRecord(configFile);
  const resources = (await client.state()).size;
  record[client.folder] = { ...identity, resources, at: new Date().toISOString() };
  await writeWhole(fileOf(configFile), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** What can be said of the state before anything is planned. */
export interface StateLook {
  readonly says: string;
  readonly resources: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/**
 * Looks at the state.
 * @param accepted the operator knows that it is not the one of the last apply
 * @throws tofu/state-lost
 */
export async function lookAtState(
  configFile: string,
  client: TofuClient,
  accepted: boolean,
): Promise<StateLook> {
  const identity = await client.identity();
  const resources = await client.state();
  const before = (await readRecord(configFile))[client.folder];
  const lost = await whyLost(client, identity, before);
  if (lost !== undefined && !accepted)
    throw tofuError('tofu/state-lost', {
      seen: lost,
      next: [
        `ls -l ${client.folder}/*.tfstate*   # is a backup there?`,
        `${client.program.command} -chdir=${client.folder} state pull`,
        'drayage tofu plan --allow state   # when it cannot be had again: what exists is imported',
      ],
    });
  if (identity === undefined)
    return { says: 'There is no state yet: what exists in the cluster will be imported.', resources };
  return {
    says: `The state has ${resources.size} resource${resources.size === 1 ? '' : 's'} (serial ${identity.serial}).`,
    resources,
  };
}

type Identity = { readonly lineage: string; readonly serial: number };

async function whyLost(
  client: TofuClient,
  identity: Identity | undefined,
  before: (Identity & { resources: number; at: string }) | undefined,
): Promise<string | undefined> {
  if (identity === undefined) {
    if (before !== undefined)
      return `there is no state; after the apply of ${before.at} it had ${before.resources} resources`;
    return (await client.onlyBackup())
      ? `there is no state in ${client.folder}, and a backup of one (terraform.tfstate.backup)`
      : undefined;
  }
  if (before === undefined) return undefined;
  if (identity.lineage !== before.lineage)
    return `the state has the lineage ${identity.lineage}; that of the apply of ${before.at} had ${before.lineage}`;
  return identity.serial < before.serial
    ? `the state has the serial ${identity.serial}; after the apply of ${before.at} it had ${before.serial}`
    : undefined;
}
