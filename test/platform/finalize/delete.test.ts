import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readOldData } from '../../../src/finalize/look.ts';
import { makeFinalize } from '../../../src/plan/finalize/make-finalize.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { cutover, moved } from '../../support/handed-over.ts';
import { makeTree } from '../../support/random-tree.ts';
import { sampleConfig, sampleYaml } from '../../support/sample.ts';

const host = controllerHost('doc1');
let folder: string;
let source: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-finalize-'));
  source = join(folder, 'old data');
  mkdirSync(source);
  writeFileSync(join(folder, 'beside'), 'not ours');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The plan's own commands, on a folder of this machine in place of the source path. */
function commands(exclude: readonly string[] = [], more: { identity?: string } = {}) {
  const yaml = sampleYaml.replace('guest: doc2 }', `guest: doc2 }\n    exclude: ${JSON.stringify(exclude)}`);
  const facts = {
    recorded: cutover(yaml),
    provenAt: '2026-01-01T00:00:00.000Z',
    source: { digest: 'd', newest: { read: '', written: '', changed: '' } },
    snapshots: [],
  };
  const findings = moved({ released: true, handedOver: true });
  const wanted = { move: 'docker', dropSnapshots: false };
  const step = makeFinalize(sampleConfig(yaml), findings, facts, wanted, '0').steps.at(-1)!;
  const { dev, ino } = statSync(source);
  const identity = more.identity ?? `${dev}:${ino}`;
  const here = (argv: readonly string[]) =>
    argv.map((word) => (word === '/mnt/docker' ? source : word === '65024:131' ? identity : word));
  const [gone] = step.proof;
  return {
    remove: () => host.run(here((step.operations[0] as { argv: string[] }).argv)),
    isGone: async () => (await host.run(here((gone as { argv: string[] }).argv))).exitCode === 0,
  };
}

test('deletes names of any bytes, deep trees and sockets, and nothing beside the source path', async () => {
  makeTree(source, 7);
  const { remove, isGone } = commands();
  expect(await isGone()).toBe(false);
  const result = await remove();
  expect(result.stderr.toString()).toBe('');
  expect(result.exitCode).toBe(0);
  expect(readdirSync(source)).toEqual([]);
  expect(readFileSync(join(folder, 'beside'), 'utf8')).toBe('not ours');
  expect(await isGone()).toBe(true);
});

test('follows no symbolic link out of the source path', async () => {
  mkdirSync(join(folder, 'elsewhere'));
  writeFileSync(join(folder, 'elsewhere', 'kept'), '');
  execFileSync('ln', ['-s', join(folder, 'elsewhere'), join(source, 'link')]);
  expect((await commands().remove()).exitCode).toBe(0);
  expect(readdirSync(source)).toEqual([]);
  expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['kept']);
});

test('leaves what was never moved, with the directories around it', async () => {
  for (const name of ['app/store', 'app/data']) mkdirSync(join(source, name), { recursive: true });
  for (const name of ['app/store/layer', 'app/data/x', 'y']) writeFileSync(join(source, name), '');
  const { remove, isGone } = commands(['app/store']);
  expect((await remove()).exitCode).toBe(0);
  expect(readdirSync(source, { recursive: true }).sort()).toEqual(['app', 'app/store', 'app/store/layer']);
  expect(await isGone()).toBe(true);
});

test('a second time, and on an empty directory, is no error', async () => {
  expect((await commands().remove()).exitCode).toBe(0);
  expect(await commands().isGone()).toBe(true);
});

test('what cannot be entered is an error', async () => {
  const { remove, isGone } = commands();
  rmSync(source, { recursive: true });
  expect((await remove()).exitCode).toBe(1);
  expect(await isGone()).toBe(false);
});

test('another directory at the same place, as an unmounted disk leaves it, is not touched', async () => {
  writeFileSync(join(source, 'a'), '');
  const result = await commands([], { identity: '1:2' }).remove();
  expect(result.exitCode).toBe(1);
  expect(result.stderr.toString()).toContain('is another directory now');
  expect(readdirSync(source)).toEqual(['a']);
});

test('tells when the data was last written and read, without what is left behind', async () => {
  mkdirSync(join(source, 'store'));
  for (const name of ['a', 'b', 'store/new']) writeFileSync(join(source, name), '');
  execFileSync('touch', ['-d', '2021-03-04T05:06:07Z', join(source, 'a')]);
  execFileSync('touch', ['-d', '2022-03-04T05:06:07Z', join(source, 'b')]);
  const move = { ...sampleConfig().moves.docker!, from: { guest: 'doc1', path: source, mounted: false } };
  const seen = await readOldData(host, move, ['store']);
  expect(seen.newest?.written).toBe('2022-03-04T05:06:07.000Z');
  expect(Date.parse(seen.newest?.changed ?? '')).toBeGreaterThan(Date.now() - 60_000);
  expect(seen.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(await readOldData(host, move, ['store', 'a', 'b'])).not.toHaveProperty('newest');
  writeFileSync(join(source, 'a'), 'more');
  expect((await readOldData(host, move, ['store'])).digest).not.toBe(seen.digest);
});
