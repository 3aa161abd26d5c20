import { describe, expect, it } from 'vitest';
import { probe } from '../../../src/guest/probe.ts';
import { readSystem } from '../../../src/guest/system.ts';
import { controllerHost } from '../../../src/ssh/local.ts';

describe('a probe in a real shell', () => {
  it('gives output, exit code and message of each command, in order', async () => {
    const answers = await probe(controllerHost(), {
      here: ['test', '-d', '/'],
      words: ['cat', '/proc/sys/kernel/ostype'],
      quoted: ['find', '/', '-maxdepth', '0', '-printf', 'a \'b\' "c" $HOME \\\\ %p\n'],
      missing: ['cat', '/no/such/file'],
      noProgram: ['getfattr', '--version-of-nothing'],
    });
    expect(answers.here).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    expect(answers.words.stdout).toBe('Linux\n');
    expect(answers.quoted.stdout).toBe('a \'b\' "c" $HOME \\ /\n');
    expect(answers.missing).toMatchObject({
      exitCode: 1,
      stderr: 'cat: /no/such/file: No such file or directory',
    });
    expect(answers.noProgram.exitCode).not.toBe(0);
  });

  it('reads the system of this machine', async () => {
    const facts = await readSystem(controllerHost());
    expect(facts.kernel).not.toBe('');
    expect(facts.bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(facts.mounts.some((mount) => mount.target === '/')).toBe(true);
    expect(facts.missingTools).not.toContain('find');
  });
});
