import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BulkWorld, performBulk } from '../../../../src/copy/bulk/bulk.ts';
import { performPass } from '../../../../src/copy/copy.ts';
import type { PassProgress } from '../../../../src/copy/run-rsync.ts';
import type { Host } from '../../../../src/ssh/host.ts';
import { controllerHost } from '../../../../src/ssh/local.ts';
import { type LoopMount, loopMount } from '../../../support/loop-mount.ts';
import { makeTree } from '../../../support/random-tree.ts';
import { linkGroups, startNode, type TestNode } from './node.ts';

let node: TestNode;
const doc1 = controllerHost('doc1');
let folder: string;

beforeAll(async () => {
  node = await startNode();
  folder = mkdtempSync(join(tmpdir(), 'drayage-stream-'));
});
afterAll(async () => {
  await node?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** Several processes at once, however small the tree. */
const tuning = { small: 0, leastPart: 0, mostPart: Infinity, probeTimes: { settleMs: 1, measureMs: 1 } };

function worldOf(more: Partial<BulkWorld> = {}): BulkWorld {
  node.forget();
  return { puller: node.prom, source: doc1, most: 3, tuning, ...more };
}

const streams = () => node.ran().filter((argv) => argv.includes('--recursion')).length;
const rsyncs = () => node.ran().filter((argv) => argv.includes('rsync')).length;

/** Six directories of files, which become parts of their own. */
function sixFolders(name: string, bytes = 1000): { source: string; target: string } {
  const source = join(folder, name, 'source');
  const target = join(folder, name, 'target');
  mkdirSync(target, { recursive: true });
  for (let index = 0; index < 6; index += 1) {
    mkdirSync(join(source, `d${index}`), { recursive: true });
    for (let file = 0; file < 20; file += 1)
      writeFileSync(join(source, `d${index}`, `f${file}`), Buffer.alloc(bytes, file));
  }
  return { source, target };
}

describe.each([
  ['ext4', 'btrfs'],
  ['xfs', 'ext4'],
  ['btrfs', 'xfs'],
] as const)('streams of tar from %s to %s', (from, to) => {
  let leftMount: LoopMount;
  let rightMount: LoopMount;
  beforeAll(() => {
    leftMount = loopMount(from);
    rightMount = loopMount(to);
  });
  afterAll(() => {
    leftMount?.unmount();
    rightMount?.unmount();
  });

  // The last of them has a path of 4,000 bytes.
  test.each([11, 12, 13, 21])('leave rsync nothing to do in a random tree (seed %i)', async (seed) => {
    const source = `${leftMount.path}/tree ${seed}*[x]`;
    const target = `${rightMount.path}/place ${seed}`;
    makeTree(source, seed);
    mkdirSync(target);
    const pass = node.pass(source, target);
    const seen: PassProgress[] = [];
    const result = await performBulk(pass, worldOf({ progress: (progress) => seen.push(progress) }));
    expect(result).toMatchObject({ by: 'tar', unsettled: 0 });
    expect(result).not.toHaveProperty('gaveUp');
    expect(streams()).toBeGreaterThan(1);
    expect(rsyncs()).toBe(0);
    expect(await node.left(pass)).toEqual([]);
    expect(linkGroups(target)).toEqual(linkGroups(source));
    expect(statSync(`${target}/sparse`).blocks * 512).toBeLessThan(1_000_000);
    for (const name of ['', '/sparse', '/null'])
      expect(lstatSync(`${target}${name}`, { bigint: true }).mtimeNs).toBe(
        lstatSync(`${source}${name}`, { bigint: true }).mtimeNs,
      );
    for (const what of ['files', 'bytes'] as const) {
      const done = seen.map((progress) => progress[what].done);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      expect(done.at(-1)).toBe(seen.at(-1)?.[what].total);
    }
  });
});

describe('streams of tar', () => {
  test('keep an inode of names in many directories one inode, a symbolic link too', async () => {
    const { source, target } = sixFolders('linked');
    writeFileSync(join(source, 'top'), 'one');
    symlinkSync('/elsewhere/../x', join(source, 'pointer'));
    for (const index of [0, 2, 5]) linkSync(join(source, 'top'), join(source, `d${index}`, 'same'));
    execFileSync('ln', ['-P', join(source, 'pointer'), join(source, 'd4/pointer')]);
    const pass = node.pass(source, target);
    expect(await performBulk(pass, worldOf())).toMatchObject({ by: 'tar' });
    expect(linkGroups(target)).toEqual(linkGroups(source));
    expect(await node.left(pass)).toEqual([]);
  });

  test('leave out what is excluded, and never touch the marker of a share whose top they fill', async () => {
    const { source, target } = sixFolders('excluded');
    for (const path of ['d1/store/overlay', 'whole', '.drayage', 'd2/.drayage'])
      mkdirSync(join(source, path), { recursive: true });
    for (const path of ['d1/store/overlay/layer', 'whole/a', 'loose*', 'loose1', '.drayage/share.json'])
      writeFileSync(join(source, path), 'source');
    mkdirSync(join(target, '.drayage'));
    writeFileSync(join(target, '.drayage/share.json'), 'target');
    const pass = node.pass(source, target, ['d1/store', 'whole', 'loose*'], true);
    expect(await performBulk(pass, worldOf())).toMatchObject({ by: 'tar' });
    expect(readFileSync(join(target, '.drayage/share.json'), 'utf8')).toBe('target');
    expect(readdirSync(target).sort()).toEqual(['.drayage', 'd0', 'd1', 'd2', 'd3', 'd4', 'd5', 'loose1']);
    expect(existsSync(join(target, 'd1/store'))).toBe(false);
    expect(existsSync(join(target, 'd2/.drayage'))).toBe(true);
    expect(await node.left(pass)).toEqual([]);
  });

  test('leave sockets to a later pass', async () => {
    const { source, target } = sixFolders('socket');
    const server = createServer().listen(join(source, 'd3/sock'));
    try {
      const pass = node.pass(source, target);
      expect(await performBulk(pass, worldOf())).toMatchObject({ by: 'tar', unsettled: 0 });
      expect(await node.left(pass)).toEqual([expect.stringMatching(/^cS.*d3\/sock$/)]);
    } finally {
      server.close();
    }
  });

  test('are not used where something is there already', async () => {
    const { source, target } = sixFolders('occupied');
    writeFileSync(join(target, 'mine'), 'kept');
    const pass = node.pass(source, target);
    expect(await performBulk(pass, worldOf())).toMatchObject({ by: 'rsync' });
    expect(streams()).toBe(0);
    expect(await node.left(pass)).toEqual([expect.stringMatching(/^\*deleting .*mine$/)]);
  });

  test('of a small tree are one, and then its directories', async () => {
    const { source, target } = sixFolders('small');
    const pass = node.pass(source, target);
    const { tuning: _tiny, ...world } = worldOf();
    expect(await performBulk(pass, world)).toMatchObject({ by: 'tar', processes: 1, probe: [] });
    expect(streams()).toBe(1);
    expect(await node.left(pass)).toEqual([]);
  });

  test('ended in the middle are gone on with by rsync, whatever half a file they left', async () => {
    const { source, target } = sixFolders('resumed');
    execFileSync('dd', [
      ...['if=/dev/urandom', `of=${join(source, 'd3/large')}`, 'bs=1M', 'count=200', 'status=none'],
    ]);
    const pass = node.pass(source, target);
    const stop = new AbortController();
    const ended = performBulk(
      pass,
      worldOf({
        signal: stop.signal,
        progress: ({ bytes }) => {
          if (bytes.done > 20_000_000) stop.abort();
        },
      }),
    );
    await expect(ended).rejects.toMatchObject({ code: 'ssh/aborted' });
    expect(statSync(join(target, 'd3/large')).size).toBeLessThan(200 * 1024 * 1024);
    expect(await performBulk(pass, worldOf())).toMatchObject({ by: 'rsync' });
    expect(await node.left(pass)).toEqual([]);
    expect(readFileSync(join(target, 'd3/large')).equals(readFileSync(join(source, 'd3/large')))).toBe(true);
  });

  test('of a tree in use pass over what vanishes and changes, and count it', async () => {
    const { source, target } = sixFolders('live');
    execFileSync('dd', [
      ...['if=/dev/zero', `of=${join(source, 'd4/log')}`, 'bs=1M', 'count=100', 'status=none'],
    ]);
    let gone = false;
    const vanishing: Host = {
      name: 'doc1',
      run: async (argv, options) => {
        const result = await doc1.run(argv, options);
        // After the look at the tree, before its parts begin.
        if (!gone && argv.includes('-xdev')) {
          gone = true;
          rmSync(join(source, 'd2'), { recursive: true });
        }
        return result;
      },
    };
    const writing = setInterval(() => appendFileSync(join(source, 'd4/log'), 'line\n'), 1);
    try {
      const result = await performBulk(node.pass(source, target), worldOf({ source: vanishing }));
      expect(gone).toBe(true);
      expect(result).toMatchObject({ by: 'tar' });
      expect(result.unsettled).toBeGreaterThan(0);
    } finally {
      clearInterval(writing);
    }
    expect(readdirSync(target).sort()).toEqual(['d0', 'd1', 'd3', 'd4', 'd5']);
  });

  test('that cannot write an entry leave the judgement to rsync, which names it', async () => {
    const { source } = sixFolders('full', 3_000_000);
    const mount = loopMount('ext4');
    try {
      rmSync(join(mount.path, 'lost+found'), { recursive: true });
      const failed = performBulk(node.pass(source, mount.path), worldOf());
      await expect(failed).rejects.toMatchObject({
        code: 'copy/rsync-failed',
        seen: expect.stringContaining('No space left on device'),
        next: ['drayage apply --until seed'],
      });
      expect(streams()).toBeGreaterThan(0);
      expect(rsyncs()).toBeGreaterThan(0);
    } finally {
      mount.unmount();
    }
  });

  test('shut out every other pass of the move, and are shut out', async () => {
    const { source, target } = sixFolders('locked');
    execFileSync('dd', [
      ...['if=/dev/urandom', `of=${join(source, 'd2/large')}`, 'bs=1M', 'count=60', 'status=none'],
    ]);
    const pass = node.pass(source, target);
    const locked = { code: 'copy/locked', next: [expect.stringContaining('fuser'), expect.any(String)] };
    const others: Promise<unknown>[] = [];
    await performBulk(
      pass,
      worldOf({
        progress: () => {
          if (others.length > 0) return;
          const another = { puller: node.prom, source: doc1, most: 3, tuning };
          others.push(expect(performBulk(pass, another)).rejects.toMatchObject(locked));
          others.push(expect(performPass(pass, another)).rejects.toMatchObject(locked));
        },
      }),
    );
    expect(others.length).toBe(2);
    await Promise.all(others);
    expect(await node.left(pass)).toEqual([]);
  });
});

test('a stream whose shell was killed goes on, and the advice names what holds the lock', async () => {
  const { source, target } = sixFolders('left behind');
  execFileSync('mkfifo', [join(folder, 'stalls')]);
  const bin = mkdtempSync(join(folder, 'stalling-'));
  // The sending tar begins when somebody writes into the pipe: until then the stream stands still.
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const script = `#!/bin/sh\nread -r _go <'${join(folder, 'stalls')}'\nPATH=${path} exec tar "$@"\n`;
  writeFileSync(join(bin, 'tar'), script, { mode: 0o755 });
  const other = await startNode(`${bin}:${path}`);
  const holders = () => {
    const { stdout } = spawnSync('fuser', [other.lock], { encoding: 'utf8' });
    return stdout.trim().split(/\s+/).filter(Boolean);
  };
  const commandOf = (pid: string) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  const pass = other.pass(source, target);
  const argv = pass.streamArgv as string[];
  const stream = other.prom.run(argv, { stdin: Buffer.from('./d0\0') });
  stream.catch(() => {});
  try {
    const shell = await vi.waitFor(() => {
      const found = holders().map((pid) => ({ pid, command: commandOf(pid) }));
      expect(found.map(({ command }) => command)).toContain('tar');
      const bash = found.find(({ command }) => command === 'bash');
      expect(bash).toBeDefined();
      return Number(bash?.pid);
    });
    process.kill(shell, 'SIGKILL');
    await vi.waitFor(() => expect(holders().map(commandOf)).not.toContain('bash'));
    const error = await performPass(pass, { puller: other.prom, source: doc1 }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'copy/locked' });
    const [advice] = error.next as string[];
    const said = spawnSync('sh', ['-c', advice?.replace(/^ssh prom /, '') ?? ''], { encoding: 'utf8' });
    expect(said.stderr).toMatch(/ tar$/m);
  } finally {
    writeFileSync(join(folder, 'stalls'), 'go\n');
    await stream.catch(() => {});
    await vi.waitFor(() => expect(holders()).toEqual([]));
    await other.stop();
  }
});

test.each([
  ['no tar', 'echo "sh: tar: not found" >&2; exit 127', 'tar: not found'],
  ['another tar', 'echo "tar: unrecognized option: acls" >&2; exit 1', 'unrecognized option'],
  ['a tar that is killed', 'tar "$@" | head -c 30000; exit 137', 'exit code 137'],
] as const)(
  'on a source with %s rsync carries everything, and the reason is told',
  async (what, script, reason) => {
    const { source, target } = sixFolders(what);
    const bin = mkdtempSync(join(folder, 'bin-'));
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    writeFileSync(join(bin, 'tar'), `#!/bin/sh\nPATH=${path}\n${script}\n`, { mode: 0o755 });
    const other = await startNode(`${bin}:${path}`);
    try {
      const pass = other.pass(source, target);
      const result = await performBulk(pass, { puller: other.prom, source: doc1, most: 3, tuning });
      expect(result).toMatchObject({ by: 'rsync', gaveUp: expect.stringContaining(reason) });
      expect(await other.left(pass)).toEqual([]);
    } finally {
      await other.stop();
    }
  },
);
