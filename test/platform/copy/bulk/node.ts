import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { BulkPass } from '../../../../src/copy/bulk/bulk.ts';
import { rsyncPart } from '../../../../src/copy/bulk/part-command.ts';
import { tarStream } from '../../../../src/copy/bulk/stream-command.ts';
import { rsyncPull } from '../../../../src/copy/rsync-command.ts';
import type { Host } from '../../../../src/ssh/host.ts';
import { controllerHost } from '../../../../src/ssh/local.ts';
import { startSshd } from '../../../support/sshd.ts';

/** A node whose ssh knows the test's server, and which remembers what it was told to run. */
export interface TestNode {
  readonly prom: Host;
  /** What was run since `forget`. */
  ran(): readonly (readonly string[])[];
  forget(): void;
  readonly lock: string;
  /** Both ways: without `streamArgv`, rsync alone. */
  pass(source: string, target: string, exclude?: readonly string[], protectMarker?: boolean): BulkPass;
  /** Everything that a normal pass with deletions would still do, by name. */
  left(pass: BulkPass): Promise<string[]>;
  stop(): Promise<void>;
}

/** @param path of the sessions on the source */
export async function startNode(path?: string): Promise<TestNode> {
  const sshd = await startSshd(path === undefined ? {} : { path });
  const wrapper = mkdtempSync(join(tmpdir(), 'drayage-path-'));
  writeFileSync(join(wrapper, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${sshd.configFile}' "$@"\n`);
  chmodSync(join(wrapper, 'ssh'), 0o755);
  const here = controllerHost('prom');
  let ran: (readonly string[])[] = [];
  const prom: Host = {
    name: 'prom',
    run: (argv, options) => {
      ran.push(argv);
      return here.run(['env', `PATH=${wrapper}:${process.env.PATH}`, ...argv], options);
    },
  };
  const lock = join(wrapper, 'pass.lock');
  return {
    prom,
    ran: () => ran,
    forget() {
      ran = [];
    },
    lock,
    pass(source, target, exclude = [], protectMarker = false) {
      const options = {
        sourceDestination: sshd.destination,
        sourcePath: source,
        targetPath: target,
        exclude,
        sudo: false,
        protectMarker,
        lock,
      };
      return {
        move: 'docker',
        pass: 'seed',
        argv: rsyncPull({ ...options, delete: false, maxDelete: 0 }),
        partArgv: rsyncPart(options),
        streamArgv: tarStream(options),
        source: { path: source },
        target: { path: target },
        exclude,
        maxDelete: 0,
      };
    },
    async left(pass) {
      const at = pass.argv.indexOf('rsync') + 1;
      const argv = [...pass.argv.slice(0, at), '--dry-run', '--delete', ...pass.argv.slice(at)];
      const result = await prom.run(argv);
      expect(result.stderr.toString()).toBe('');
      return result.stdout
        .toString('latin1')
        .split(/[\r\n]+/)
        .filter((line) => /^[<>ch.*][fdLDS][^ ]|^\*deleting/.test(line));
    },
    async stop() {
      await sshd.stop();
      rmSync(wrapper, { recursive: true, force: true });
    },
  };
}

/** Groups of names that are one inode. */
export function linkGroups(root: string): string[][] {
  const printed = execFileSync('find', ['.', '-links', '+1', '!', '-type', 'd', '-printf', '%i %p\\0'], {
    cwd: root,
  });
  const groups = new Map<string, string[]>();
  for (const record of printed.toString('latin1').split('\0').filter(Boolean)) {
    const [, inode, name] = /^(\d+) ([\s\S]*)$/.exec(record) as unknown as [string, string, string];
    groups.set(inode, [...(groups.get(inode) ?? []), name].sort());
  }
  return [...groups.values()].sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
}
