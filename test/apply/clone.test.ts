import { describe, expect, it } from 'vitest';
import { cloneTemplate } from '../../src/apply/clone.ts';
import type { World } from '../../src/apply/world.ts';
import { knownAfter, unknownIn, withKnown } from '../../src/plan/known.ts';
import { proxmoxError } from '../../src/proxmox/errors.ts';

const operation = {
  kind: 'clone' as const,
  path: '/nodes/prom/qemu/9000/clone',
  params: { name: 'doc2', full: 1 },
  timeoutSeconds: 10,
  what: 'clone it',
};

/** A cluster in which the first numbers are taken by others between the look and the call. */
function cluster(taken: number) {
  const asked: number[] = [];
  let free = 100;
  const world = {
    stop: new AbortController().signal,
    sink: () => {},
    cluster: {
      get: async () => String(free),
      call: async (_method: string, _path: string, params: { newid: number }) => {
        asked.push(params.newid);
        if (asked.length <= taken) {
          free += 1;
          throw proxmoxError('proxmox/exists', { seen: `VM ${params.newid} already exists`, next: [] });
        }
        return 'UPID:prom:';
      },
      waitForTask: async () => {},
    },
  } as unknown as World;
  return { world, asked };
}

describe('a free number', () => {
  it('that somebody else takes meanwhile: the next one is tried', async () => {
    const { world, asked } = cluster(2);
    expect(await cloneTemplate(operation, world)).toBe(102);
    expect(asked).toEqual([100, 101, 102]);
  });

  it('is not looked for without end', async () => {
    const { world, asked } = cluster(100);
    await expect(cloneTemplate(operation, world)).rejects.toMatchObject({ code: 'proxmox/exists' });
    expect(asked).toHaveLength(8);
  });

  it('that was asked for by name is not replaced by another', async () => {
    const { world, asked } = cluster(1);
    await expect(cloneTemplate({ ...operation, newid: 114 }, world)).rejects.toMatchObject({
      code: 'proxmox/exists',
    });
    expect(asked).toEqual([114]);
  });
});

it('what is known later stands in a plan by its step, and is put in everywhere when it is known', () => {
  const later = knownAfter('create-guest doc2');
  expect(later).toBe('(known after create-guest doc2)');
  const text = { path: `/nodes/prom/qemu/${later}/config`, list: [later], n: 1 };
  expect(unknownIn(text)).toBe(later);
  const known = withKnown(text, new Map([['create-guest doc2', '114']]));
  expect(known).toEqual({ path: '/nodes/prom/qemu/114/config', list: ['114'], n: 1 });
  expect(unknownIn(known)).toBeUndefined();
});
