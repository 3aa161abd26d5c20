import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../src/ssh/host.ts';
import { controllerHost } from '../src/ssh/local.ts';
import { sshHost } from '../src/ssh/ssh.ts';
import { startSshd } from '../test/support/sshd.ts';
import type { BenchOptions } from './options.ts';
import { makePlace, type Place } from './place.ts';
import { seconds } from './timing.ts';
import { fillTree, type GeneratedTree } from './tree/fill.ts';

/** What the benches measure on: a guest with a tree, a node that pulls, a real sshd between them on loopback. */
export interface BenchWorld {
  readonly source: Place;
  readonly target: Place;
  readonly tree: GeneratedTree;
  /** The source guest, over ssh, as drayage reaches it. */
  readonly guest: Host;
  /** The node; its `ssh` finds the guest. */
  readonly node: Host;
  /** What ssh on the node calls the guest. */
  readonly destination: string;
  /** For ssh's control sockets, locks, manifests. */
  readonly folder: string;
  /** Empty folders for results on the target. */
  makeTarget(name: string): string;
  removeTarget(name: string): void;
}

/** Talk; stdout is for results. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** @param copies how many copies of the tree the target must hold at a time. */
export async function makeWorld(folder: string, options: BenchOptions, copies: number): Promise<BenchWorld> {
  const { entries, megabytes } = options;
  // Metadata of btrfs is kept twice; the images are sparse.
  const imageBytes = (of: number) => 1e9 + of * (megabytes * 1.4e6 + entries * 10_000);
  const source = makePlace('ext4', folder, imageBytes(1));
  const places = join(folder, 'target');
  mkdirSync(places);
  const target = makePlace(options.target, places, imageBytes(copies));
  const { destination, configFile } = await startSshd();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${configFile}' "$@"\n`);
  chmodSync(join(bin, 'ssh'), 0o755);
  const guest = sshHost({ name: 'doc1', destination, configFile, controlFolder: folder });
  const node = controllerHost('prom', { PATH: `${bin}:${process.env.PATH}` });
  const root = join(source.path, 'docker');
  mkdirSync(root);
  say(`Filling ${entries} entries, ${megabytes} MB ...`);
  let tree: GeneratedTree | undefined;
  const took = await seconds(async () => {
    tree = fillTree(root, { entries, bytes: megabytes * 1e6 });
  });
  say(`  ${took.toFixed(1)} s`);
  const at = (name: string) => join(target.path, name);
  return {
    source,
    target,
    tree: tree as GeneratedTree,
    guest,
    node,
    destination,
    folder,
    makeTarget(name) {
      mkdirSync(at(name));
      return at(name);
    },
    removeTarget(name) {
      rmSync(at(name), { recursive: true, force: true });
    },
  };
}

/** Runs a command that must succeed. @throws with what it said */
export async function mustRun(host: Host, argv: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await host.run(argv);
  if (exitCode === 0) return stdout.toString('latin1');
  const said = `${stderr}`.trim().split('\n').slice(0, 10).join('\n');
  throw new Error(`${argv.join(' ').slice(0, 300)} ended with ${exitCode}: ${said}`);
}
