import { describe, expect, test } from 'vitest';
import { type Pass, performPass } from '../../src/copy/copy.ts';
import type { Host } from '../../src/ssh/host.ts';

interface Reply {
  exitCode?: number;
  stdout?: string;
  stderr?: string;
}

function host(
  name: string,
  reply: (argv: readonly string[]) => Reply,
): Host & { ran: (readonly string[])[] } {
  const ran: (readonly string[])[] = [];
  return {
    name,
    ran,
    async run(argv) {
      ran.push(argv);
      const { exitCode = 0, stdout = '', stderr = '' } = reply(argv);
      return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
    },
  };
}

const pass: Pass = {
  move: 'docker',
  pass: 'final',
  argv: [
    'flock',
    '/run/lock/drayage-docker.lock',
    'rsync',
    '-a',
    '--delete-delay',
    '--max-delete=2',
    'doc1:/mnt/docker/',
    '/nvmeprom/containers/docker/',
  ],
  source: { path: '/mnt/docker' },
  maxDelete: 2,
};
const seed: Pass = {
  ...pass,
  pass: 'seed',
  argv: pass.argv.filter((argument) => !/delete/.test(argument)),
};
const doc1 = host('doc1', () => ({}));

function deleting(count: number): string {
  return Array.from({ length: count }, (_, index) => `*deleting   0 old${index}\n`).join('');
}

describe('a pass', () => {
  test('that would delete more than the limit is refused, with the names, before anything is deleted', async () => {
    const prom = host('prom', () => ({ stdout: deleting(3) }));
    await expect(performPass(pass, { puller: prom, source: doc1 })).rejects.toMatchObject({
      code: 'copy/too-many-deletions',
      exit: 5,
      message: expect.stringContaining('old2'),
      next: expect.arrayContaining([expect.stringContaining('set maxDelete of move docker to 3')]),
    });
    expect(prom.ran).toHaveLength(1);
    expect(prom.ran[0]).toContain('--dry-run');
  });

  test('within the limit runs exactly the argv of the plan, after its dry run', async () => {
    const prom = host('prom', () => ({ stdout: `${deleting(2)}>f+++++++++ 5 new\n` }));
    const result = await performPass(pass, { puller: prom, source: doc1 });
    expect(result).toMatchObject({ changed: 1, deleted: 2 });
    expect(prom.ran[1]).toEqual(pass.argv);
  });

  test('does not begin when the source is missing or empty', async () => {
    const empty = host('doc1', () => ({ exitCode: 1 }));
    const prom = host('prom', () => ({}));
    await expect(performPass(seed, { puller: prom, source: empty })).rejects.toMatchObject({
      code: 'copy/source-not-as-expected',
      next: [expect.stringContaining('ls -la /mnt/docker'), expect.stringContaining('findmnt')],
    });
    expect(prom.ran).toEqual([]);
  });

  test('of the seed counts vanished files and goes on; the final one does not', async () => {
    const prom = host('prom', () => ({ exitCode: 24, stderr: 'file has vanished: "/mnt/docker/tmp"\n' }));
    expect(await performPass(seed, { puller: prom, source: doc1 })).toMatchObject({ unsettled: 1 });
    await expect(
      performPass({ ...seed, pass: 'final' }, { puller: prom, source: doc1 }),
    ).rejects.toMatchObject({
      code: 'copy/not-every-file',
      meaning: expect.stringContaining('vanished source files'),
    });
  });

  test('with one file that could not be read fails, and names the file', async () => {
    const stderr = 'rsync: [sender] send_files failed to open "/mnt/docker/secret": Permission denied (13)\n';
    const prom = host('prom', () => ({ exitCode: 23, stderr }));
    await expect(performPass(seed, { puller: prom, source: doc1 })).rejects.toMatchObject({
      code: 'copy/not-every-file',
      message: expect.stringContaining('/mnt/docker/secret'),
    });
  });

  test('in which a directory had to stay is an error; one that failed otherwise is told by that', async () => {
    const stdout = 'cannot delete non-empty directory: store\n';
    const stays = host('prom', () => ({ stdout }));
    await expect(performPass(seed, { puller: stays, source: doc1 })).rejects.toMatchObject({
      code: 'copy/not-empty',
      next: [
        expect.stringContaining('/nvmeprom/containers/docker/store (as prom reaches it)'),
        'drayage apply --until seed',
      ],
    });
    const limit = host('prom', () => ({ stdout, exitCode: 25 }));
    await expect(performPass(seed, { puller: limit, source: doc1 })).rejects.toMatchObject({
      code: 'copy/too-many-deletions',
    });
  });

  test('that ssh never let begin says so in the words of ssh', async () => {
    const stderr =
      'root@doc1: Permission denied (publickey).\nrsync: connection unexpectedly closed (0 bytes received so far) [Receiver]\nrsync error: unexplained error (code 255) at io.c(285)\n';
    const prom = host('prom', () => ({ exitCode: 255, stderr }));
    await expect(performPass(seed, { puller: prom, source: doc1 })).rejects.toMatchObject({
      code: 'copy/rsync-failed',
      message: expect.stringContaining('Permission denied (publickey)'),
      meaning: expect.stringContaining('ssh(1)'),
    });
  });

  test('whose output is not understood is an error', async () => {
    const prom = host('prom', () => ({ stdout: 'something new\n' }));
    await expect(performPass(seed, { puller: prom, source: doc1 })).rejects.toMatchObject({
      code: 'copy/unreadable-output',
    });
  });
});
