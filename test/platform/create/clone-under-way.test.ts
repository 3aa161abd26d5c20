import { afterEach, describe, expect, it } from 'vitest';
import { createSchema } from '../../../src/config/create-schema.ts';
import { readNewGuestFacts } from '../../../src/create/look.ts';
import { openProxmox } from '../../../src/proxmox/client.ts';
import { narrowSecret, secret } from '../../lab-kit/proxmox/bench.ts';
import { type CreateWorld, startCreateWorld } from './world.ts';

let world: CreateWorld;
let close: () => void = () => {};
afterEach(async () => {
  close();
  await world.close();
});

function facts(token = `root@pam!drayage=${secret}`) {
  const { api } = world.bench;
  const client = openProxmox({
    endpoint: api.url,
    fingerprint: api.fingerprint,
    authorization: () => `PVEAPIToken=${token}`,
  });
  close = () => client.close();
  return readNewGuestFacts({
    client,
    file: `${world.cwd}/drayage.yaml`,
    wish: { name: 'doc2', create: createSchema.parse({ template: 9000 }) },
    say: () => {},
  });
}

describe('a machine that is locked by a clone', () => {
  it('whose task has died is named', async () => {
    world = await startCreateWorld();
    world.bench.writeConf(120, 'lock: clone\n');
    expect((await facts()).stuck).toMatchObject({ vmid: 120, node: 'prom' });
  });

  it('is not judged where the tasks of others cannot be seen', async () => {
    world = await startCreateWorld({ '/vms': ['VM.Audit'] });
    world.bench.writeConf(120, 'lock: clone\n');
    await expect(facts(`mover@pve!narrow=${narrowSecret}`)).rejects.toMatchObject({
      code: 'create/clone-goes-on',
      exit: 6,
      next: expect.arrayContaining([expect.stringContaining('Sys.Audit')]),
    });
  });

  it('and has another name is of somebody else', async () => {
    world = await startCreateWorld();
    world.bench.writeConf(120, 'lock: clone\nname: other\n');
    expect((await facts()).stuck).toBeUndefined();
  });
});
