import { expect, test } from 'vitest';
import { entriesOf, telling } from '../../src/apply/copy-parts.ts';
import type { Event } from '../../src/apply/events.ts';
import type { World } from '../../src/apply/world.ts';

function told(of: (world: World) => { entries: number; bytes?: number } | undefined, files = { done: 3 }) {
  const events: Event[] = [];
  const census = { docker: { entries: 9, bytes: 900 } };
  const world = { sink: (event: Event) => void events.push(event), census } as unknown as World;
  telling(world, 's', 'w', of(world))({ files, bytes: { done: 30 } });
  return events[0];
}

test('the first copy has the totals of the census, and what a tool knows goes before them', () => {
  const census = (world: World) => world.census.docker;
  expect(told(census)).toMatchObject({ files: { done: 3, total: 9 }, bytes: { done: 30, total: 900 } });
  expect(told(census, { done: 3, total: 12 } as { done: number })).toMatchObject({ files: { total: 12 } });
});

test('a later pass sends few of the bytes: it has a total of entries alone', () => {
  expect(told((world) => entriesOf(world, 'docker'))).toMatchObject({
    files: { done: 3, total: 9 },
    bytes: { done: 30 },
  });
  expect(told((world) => entriesOf(world, 'docker'))).not.toHaveProperty('bytes.total');
});

test('without a census there is no total', () => {
  expect(told((world) => entriesOf(world, 'other'))).toMatchObject({
    files: { done: 3 },
    bytes: { done: 30 },
  });
  expect(told(() => undefined)).not.toHaveProperty('files.total');
});
