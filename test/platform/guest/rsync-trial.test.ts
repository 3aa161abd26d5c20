import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { probe } from '../../../src/guest/probe.ts';
import { otherTrials, pullerTrials, rsyncRefusal } from '../../../src/guest/rsync-trial.ts';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-trial-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A machine whose `rsync` is this script. */
function machine(script: string): Host {
  const bin = mkdtempSync(join(folder, 'bin-'));
  writeFileSync(join(bin, 'rsync'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'rsync'), 0o755);
  const here = controllerHost('prom');
  const path = `PATH=${bin}:${process.env.PATH}`;
  return { name: 'prom', run: (argv, options) => here.run(['env', path, ...argv], options) };
}

describe('the rsync of a machine is tried', () => {
  test.each([
    ['pulls', pullerTrials],
    ['sends', otherTrials],
  ])('where it %s: that of this machine refuses nothing', async (_does, trials) => {
    const answers = await probe(controllerHost('here'), trials);
    expect(rsyncRefusal(answers)).toBeUndefined();
    for (const { stderr } of Object.values(answers)) expect(stderr).toBe('');
  });

  // What 3.2.7 of Debian 12 says with its security updates, and without the one to 3.5.0.
  test('and one that does not delete by a list is known by it', async () => {
    const rsync = execFileSync('sh', ['-c', 'command -v rsync'], { encoding: 'utf8' }).trim();
    const old = machine(
      `case "$*" in *--delete-missing-args*/proc/drayage*) echo 'invalid file mode 00 for drayage [Receiver]' >&2; exit 2;; esac; exec ${rsync} "$@"`,
    );
    for (const trials of [pullerTrials, otherTrials])
      expect(rsyncRefusal(await probe(old, trials))).toMatchObject({ what: 'deletions' });
  });
});
