import { describe, expect, it } from 'vitest';
import { probe, probeScript } from '../../src/guest/probe.ts';
import type { Host } from '../../src/ssh/host.ts';

function answering(stdout: string): Host {
  return {
    name: 'doc1',
    run: async () => ({ exitCode: 0, stdout: Buffer.from(stdout), stderr: Buffer.from('Connection torn') }),
  };
}

describe('a probe', () => {
  it('gives each question its own answer', async () => {
    const answers = await probe(
      answering('trixie\n\u00000\u0000\u0000\u00001\u0000cat: x: No such file\u0000'),
      {
        name: ['cat', '/etc/hostname'],
        none: ['cat', 'x'],
      },
    );
    expect(answers).toEqual({
      name: { stdout: 'trixie\n', exitCode: 0, stderr: '' },
      none: { stdout: '', exitCode: 1, stderr: 'cat: x: No such file' },
    });
  });

  it('refuses an answer that is not whole, and says what was seen', async () => {
    await expect(
      probe(answering('trixie\n\u0000'), { name: ['cat', '/etc/hostname'] }),
    ).rejects.toMatchObject({
      code: 'guest/unexpected-output',
      seen: expect.stringContaining('Connection torn'),
    });
  });

  it('does not send a command that could change something', () => {
    expect(() => probeScript({ bad: ['rm', '-rf', '/mnt/docker'] })).toThrow(
      expect.objectContaining({ code: 'guest/not-read-only', seen: 'rm -rf /mnt/docker' }),
    );
  });

  it('asks nothing when there is nothing to ask', async () => {
    const silent: Host = { name: 'doc1', run: () => Promise.reject(new Error('was asked')) };
    expect(await probe(silent, {})).toEqual({});
  });
});
