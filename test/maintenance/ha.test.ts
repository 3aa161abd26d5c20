import { expect, test } from 'vitest';
import { haManaged } from '../../src/maintenance/ha.ts';
import { proxmoxError } from '../../src/proxmox/errors.ts';

const answering = (answer: unknown) => ({ get: async () => answer });

test('guests that HA manages are known by their numbers, containers are not guests', async () => {
  const answer = [{ sid: 'vm:114', state: 'started' }, { sid: 'ct:7' }, { sid: 'vm:104' }];
  expect(await haManaged(answering(answer))).toEqual(new Set([114, 104]));
  expect(await haManaged(answering([]))).toEqual(new Set());
});

test('what HA manages is never taken for nothing because it could not be read', async () => {
  const refused = proxmoxError('proxmox/permission', { seen: 'GET /cluster/ha/resources: 403', next: ['x'] });
  const client = {
    get: async () => {
      throw refused;
    },
  };
  await expect(haManaged(client)).rejects.toBe(refused);
  for (const answer of [undefined, null, {}, [{ id: 'vm:114' }], 'vm:114'])
    await expect(haManaged(answering(answer))).rejects.toMatchObject({
      code: 'proxmox/unexpected',
      seen: expect.stringContaining('/cluster/ha/resources'),
      next: ['pvesh get /cluster/ha/resources --output-format json'],
    });
});
