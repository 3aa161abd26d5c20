import { expect, it } from 'vitest';
import type { Host } from '../../src/ssh/host.ts';
import { readDataset, readPools } from '../../src/zfs/dataset.ts';

const answering = (exitCode: number, stdout: string, stderr = ''): Host => ({
  name: 'prom',
  run: async () => ({ exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) }),
});

it('tells a dataset that does not exist from one that could not be read', async () => {
  const missing = answering(1, '', "cannot open 'nvmeprom/x': dataset does not exist\n");
  expect(await readDataset(missing, 'nvmeprom/x')).toBeUndefined();
  const suspended = answering(1, '', "cannot open 'nvmeprom': pool I/O is currently suspended\n");
  await expect(readDataset(suspended, 'nvmeprom/x')).rejects.toMatchObject({ code: 'zfs/pool-suspended' });
});

it('stops at output that is not of the documented form, with the command to look at', async () => {
  await expect(readPools(answering(0, 'nvmeprom 2G\n'))).rejects.toMatchObject({
    code: 'zfs/unreadable',
    next: [
      'on prom: zpool list -Hp -o name,size,allocated,free,health,guid,readonly',
      'on prom: zfs version',
    ],
  });
});
