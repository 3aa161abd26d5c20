import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliWorld, startWorld } from './world.ts';

let world: CliWorld;
let replace: [string, string][];
beforeAll(async () => {
  world = await startWorld();
  world.setAvailable(1e12);
  mkdirSync(join(world.folder, 'share'));
  const media = join(world.folder, 'mnt-media');
  mkdirSync(media);
  writeFileSync(join(media, 'film'), 'film\n');
  replace = [
    [
      'to: { share: containers, guest: doc2 }\n',
      `to: { share: containers, guest: doc2 }
  media:
    from: { guest: doc1, path: ${media} }
    to: { share: containers, guest: doc2, as: media }
phases:
  - { name: doc2, moves: [docker] }
  - { name: igpu2, moves: [media], after: doc2 }
`,
    ],
  ];
});
afterAll(() => world?.close());

test.each(['plan', 'status'])('%s shows a phase that waits for another one as deferred', async (command) => {
  const ran = await world.run([command], { replace });
  expect(ran.exitCode, ran.stderr).toBe(0);
  expect(ran.stdout).toContain('Phase igpu2, deferred until doc2 is proven');
});

test('apply refuses a phase whose first one is not proven, with the command for that one, and does nothing', async () => {
  const ran = await world.run(['apply', '--phase', 'igpu2', '--yes', '--window', '600'], { replace });
  expect(ran.exitCode).not.toBe(0);
  expect(ran.stderr).toContain('[apply/needs]');
  expect(ran.stderr).toContain('-> drayage apply --phase doc2');
  const runs = join(world.cwd, '.drayage', 'runs');
  for (const run of readdirSync(runs))
    expect(readFileSync(join(runs, run, 'journal.jsonl'), 'utf8')).toBe('');
  expect(world.writes()).toEqual([]);
});
