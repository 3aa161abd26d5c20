import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { controllerHost } from '../../../../src/ssh/local.ts';
import {
  type Copied,
  changeRound,
  firstPass,
  type PipeNode,
  pipeNode,
  whatIsNotEqual,
} from '../../../support/change-rounds.ts';
import { type LoopMount, loopMount } from '../../../support/loop-mount.ts';
import { startSshd } from '../../../support/sshd.ts';

describe.each([
  ['ext4', 'btrfs'],
  ['xfs', 'ext4'],
  ['btrfs', 'xfs'],
] as const)('a pass over what changed, when things go wrong, from %s to %s', (from, to) => {
  let left: LoopMount;
  let right: LoopMount;
  let node: PipeNode;
  let copied: Copied;
  let unmounted = false;
  beforeEach(() => {
    left = loopMount(from);
    right = loopMount(to);
    node = pipeNode();
    unmounted = false;
    copied = {
      source: left.path,
      target: join(right.path, 'place'),
      node: node.host,
      guest: controllerHost('doc1'),
      folder: node.folder,
      destination: 'doc1',
    };
    sh('mkdir a; echo 1 >a/f');
  });
  afterEach(() => {
    if (unmounted) rmSync(join(left.path, '..'), { recursive: true });
    else left?.unmount();
    right?.unmount();
    node?.remove();
  });
  const sh = (script: string, cwd = left.path) =>
    execFileSync('bash', ['-euc', script], { cwd, encoding: 'utf8', stdio: 'pipe' });

  test('a source that is not mounted is never synced over data, whatever lies below its mount point', async () => {
    const baseline = await firstPass(copied);
    execFileSync('umount', [left.path]);
    unmounted = true;
    for (const _below of ['nothing', 'a stranger']) {
      await expect(changeRound(copied, baseline, { frozen: true })).rejects.toMatchObject({
        code: 'copy/source-not-as-expected',
        seen: expect.stringContaining('what was mounted there is not'),
      });
      expect(readFileSync(join(copied.target, 'a/f'), 'utf8')).toBe('1\n');
      writeFileSync(join(left.path, 'stranger'), '');
    }
  });

  test('a source that was emptied is never synced over data; one of excluded entries alone is not empty', async () => {
    const baseline = await firstPass(copied);
    sh('find . -mindepth 1 -delete');
    await expect(changeRound(copied, baseline, { frozen: true })).rejects.toMatchObject({
      code: 'copy/source-not-as-expected',
      seen: expect.stringContaining('is missing, not a directory, or empty'),
    });
    expect(readFileSync(join(copied.target, 'a/f'), 'utf8')).toBe('1\n');
    sh('touch kept');
    await changeRound(copied, baseline, { frozen: true, exclude: ['kept'] });
    expect(existsSync(join(copied.target, 'a/f'))).toBe(false);
  });

  test('a full source is read all the same', async () => {
    const exclude = ['filler'];
    const baseline = await firstPass(copied, { exclude });
    sh('echo 2 >a/f; head -c 400M /dev/zero >filler || true');
    expect(() => sh('head -c 1M /dev/zero >more; sync -f more')).toThrow('No space left on device');
    await changeRound(copied, baseline, { frozen: true, exclude });
    expect(readFileSync(join(copied.target, 'a/f'), 'utf8')).toBe('2\n');
  });

  test('a full target is an error in the words of the system; with room again, the same list is carried', async () => {
    const baseline = await firstPass(copied);
    sh('head -c 40M /dev/urandom >a/big; echo 2 >a/f');
    sh('head -c 400M /dev/urandom >filler || true; sync', right.path);
    await expect(changeRound(copied, baseline, { frozen: true })).rejects.toMatchObject({
      code: expect.stringMatching(/^copy\/(rsync-failed|not-every-file)$/),
      seen: expect.stringContaining('No space left on device'),
      next: expect.arrayContaining([expect.stringContaining('drayage apply --until cutover')]),
    });
    rmSync(join(right.path, 'filler'));
    await changeRound(copied, baseline, { frozen: true });
    expect(whatIsNotEqual(copied)).toBe('');
  });

  test('a connection that is cut in mid-pass leaves no half file under its name, and the next pass carries all', async () => {
    const cut = await startSshd();
    const reach = ({ configFile }: { configFile: string }) => {
      writeFileSync(join(node.folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${configFile}' "$@"\n`);
      chmodSync(join(node.folder, 'ssh'), 0o755);
    };
    reach(cut);
    mkdirSync(copied.target);
    const baseline = await firstPass({ ...copied, destination: cut.destination });
    sh('head -c 150M /dev/urandom >a/big; echo 2 >a/f');
    const growing = async () => {
      for (let tries = 0; tries < 4000; tries += 1) {
        const temporary = readdirSync(join(copied.target, 'a')).find((name) => name.startsWith('.big.'));
        if (temporary !== undefined) {
          const { size } = statSync(join(copied.target, 'a', temporary), { throwIfNoEntry: false }) ?? {
            size: 0,
          };
          if (size > 1_000_000) return;
        }
        await sleep(2);
      }
      throw new Error('nothing was being sent');
    };
    const pass = changeRound({ ...copied, destination: cut.destination }, baseline, { frozen: true });
    pass.catch(() => {});
    await growing();
    await cut.stop();
    await expect(pass).rejects.toMatchObject({
      code: 'copy/rsync-failed',
      next: ['drayage apply --until cutover'],
    });
    expect(readdirSync(join(copied.target, 'a'))).not.toContain('big');
    const again = await startSshd();
    try {
      reach(again);
      await changeRound({ ...copied, destination: again.destination }, baseline, { frozen: true });
      expect(whatIsNotEqual(copied)).toBe('');
    } finally {
      await again.stop();
    }
  });
});
