import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BulkPass, type BulkWorld, performBulk } from '../../../../src/copy/bulk/bulk.ts';
import { rsyncPart } from '../../../../src/copy/bulk/part-command.ts';
import { performPass } from '../../../../src/copy/copy.ts';
import type { PassProgress } from '../../../../src/copy/run-rsync.ts';
import type { Host } from '../../../../src/ssh/host.ts';
import { controllerHost } from '../../../../src/ssh/local.ts';
import { type LoopMount, loopMount } from '../../../support/loop-mount.ts';
import { makeTree } from '../../../support/random-tree.ts';
import { startSshd, type TestSshd } from '../../../support/sshd.ts';
import { linkGroups, startNode, type TestNode } from './node.ts';

let node: TestNode;
const doc1 = controllerHost('doc1');
const here = controllerHost('prom');

beforeAll(async () => {
  node = await startNode();
});
afterAll(() => node?.stop());

/** By rsync alone: streams of tar have a test of their own. */
function bulkPass(...given: Parameters<TestNode['pass']>): BulkPass {
  return { ...node.pass(...given), streamArgv: undefined };
}

const left = (pass: BulkPass) => node.left(pass);

/** Several processes at once, however small the tree. */
const tuning = { small: 0, leastPart: 0, mostPart: Infinity, probeTimes: { settleMs: 1, measureMs: 1 } };

function worldOf(more: Partial<BulkWorld> = {}): BulkWorld {
  node.forget();
  return {
    puller: node.prom,
    source: doc1,
    most: 3,
    tuning,
    ...more,
  };
}

const partsRun = () => node.ran().filter((argv) => argv.includes('--files-from=-')).length;

describe.each([
  ['ext4', 'btrfs'],
  ['xfs', 'ext4'],
  ['btrfs', 'xfs'],
] as const)('a first copy in parts from %s to %s', (from, to) => {
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

  test.each([11, 12, 13])('of a random tree leaves a normal pass nothing to do (seed %i)', async (seed) => {
    const source = `${leftMount.path}/tree ${seed}*[x]`;
    const target = `${rightMount.path}/place ${seed}`;
    makeTree(source, seed);
    mkdirSync(target);
    const pass = bulkPass(source, target);
    const seen: PassProgress[] = [];
    await performBulk(pass, worldOf({ progress: (progress) => seen.push(progress) }));
    expect(partsRun()).toBeGreaterThan(1);
    expect(await left(pass)).toEqual([]);
    expect(linkGroups(target)).toEqual(linkGroups(source));
    expect(statSync(`${target}/sparse`).blocks * 512).toBeLessThan(1_000_000);
    expect(statSync(target, { bigint: true }).mtimeNs).toBe(statSync(source, { bigint: true }).mtimeNs);
    for (const what of ['files', 'bytes'] as const) {
      const done = seen.map((progress) => progress[what].done);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      expect(done.at(-1)).toBe(seen.at(-1)?.[what].total);
    }
  });
});

describe('a first copy in parts', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-bulk-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

  test('keeps an inode of names in many directories one inode', async () => {
    const { source, target } = sixFolders('linked');
    writeFileSync(join(source, 'top'), 'one');
    for (const index of [0, 2, 5]) linkSync(join(source, 'top'), join(source, `d${index}`, 'same'));
    linkSync(join(source, 'd1/f1'), join(source, 'd3/f1 too'));
    const pass = bulkPass(source, target);
    await performBulk(pass, worldOf());
    expect(partsRun()).toBeGreaterThan(1);
    expect(linkGroups(target)).toEqual(linkGroups(source));
    expect(
      linkGroups(target)
        .map((names) => names.length)
        .sort(),
    ).toEqual([2, 4]);
    expect(await left(pass)).toEqual([]);
  });

  test('leaves out what is excluded, at the top, inside a part and as a loose file, and never touches the marker', async () => {
    const { source, target } = sixFolders('excluded');
    for (const path of ['d1/store/overlay', 'whole', '.drayage'])
      mkdirSync(join(source, path), { recursive: true });
    for (const path of ['d1/store/overlay/layer', 'whole/a', 'loose*', 'loose1', '.drayage/share.json'])
      writeFileSync(join(source, path), 'source');
    mkdirSync(join(target, '.drayage'));
    writeFileSync(join(target, '.drayage/share.json'), 'target');
    const pass = bulkPass(source, target, ['d1/store', 'whole', 'loose*'], true);
    await performBulk(pass, worldOf());
    expect(partsRun()).toBeGreaterThan(1);
    expect(readFileSync(join(target, '.drayage/share.json'), 'utf8')).toBe('target');
    expect(readdirSync(target).sort()).toEqual(['.drayage', 'd0', 'd1', 'd2', 'd3', 'd4', 'd5', 'loose1']);
    expect(existsSync(join(target, 'd1/store'))).toBe(false);
  });

  test('does not go into what is mounted inside', async () => {
    const { source, target } = sixFolders('mounted');
    mkdirSync(join(source, 'other'));
    execFileSync('mount', ['-t', 'tmpfs', 'none', join(source, 'other')]);
    try {
      writeFileSync(join(source, 'other/elsewhere'), '');
      await performBulk(bulkPass(source, target), worldOf());
      expect(existsSync(join(target, 'd5/f1'))).toBe(true);
      expect(existsSync(join(target, 'other/elsewhere'))).toBe(false);
    } finally {
      execFileSync('umount', [join(source, 'other')]);
    }
  });

  test('lists every entry that no part could carry, and carries all others', async () => {
    const { source } = sixFolders('refused');
    const mount = loopMount('ext4');
    try {
      const occupied = ['d1/f3', 'd4/f7'].map((path) => join(mount.path, path));
      for (const path of occupied) {
        mkdirSync(join(path, '..'));
        writeFileSync(path, 'immutable');
      }
      execFileSync('chattr', ['+i', ...occupied]);
      const refused = await performBulk(bulkPass(source, mount.path), worldOf()).catch((error) => error);
      execFileSync('chattr', ['-i', ...occupied]);
      expect(refused).toMatchObject({
        code: 'copy/not-every-file',
        seen: expect.stringContaining('could not carry 2 entries'),
        next: [expect.stringContaining('drayage apply --until seed')],
      });
      expect(refused.seen).toContain('d1/f3');
      expect(refused.seen).toContain('d4/f7');
      expect(readdirSync(join(mount.path, 'd5')).length).toBe(20);
    } finally {
      mount.unmount();
    }
  });

  test('ends all parts with the first that fails, and names it', async () => {
    const { source, target } = sixFolders('failing', 1_000_000);
    const argvOf = (argv: readonly string[]) => argv.indexOf('--files-from=-') > 0;
    let parts = 0;
    const failing: Host = {
      name: 'prom',
      run: (argv, options) => {
        if (!argvOf(argv)) return node.prom.run(argv, options);
        parts += 1;
        if (parts !== 2) return node.prom.run(argv, options);
        return here.run(['sh', '-c', 'cat >/dev/null; echo "rsync: connection lost" >&2; exit 12'], options);
      },
    };
    await expect(performBulk(bulkPass(source, target), worldOf({ puller: failing }))).rejects.toMatchObject({
      code: 'copy/rsync-failed',
      seen: expect.stringMatching(/connection lost[\s\S]*while \.\/d\d.* was copied/),
      next: ['drayage apply --until seed'],
    });
    expect(parts).toBeLessThan(6);
  });

  test('ended in the middle goes on where it was, with the half file that it had', async () => {
    const { source, target } = sixFolders('resumed');
    const large = join(source, 'd3/large');
    execFileSync('dd', ['if=/dev/urandom', `of=${large}`, 'bs=1M', 'count=150', 'status=none']);
    const pass = bulkPass(source, target);
    const stop = new AbortController();
    const at = pass.partArgv.indexOf('rsync') + 1;
    const slowly = [...pass.partArgv.slice(0, at), '--bwlimit=30M', ...pass.partArgv.slice(at)];
    const ended = performBulk(
      { ...pass, partArgv: slowly },
      worldOf({
        signal: stop.signal,
        progress: ({ bytes }) => {
          if (bytes.done > 20_000_000) stop.abort();
        },
      }),
    );
    await expect(ended).rejects.toMatchObject({ code: 'ssh/aborted' });
    const half = join(target, 'd3/.drayage-partial/large');
    expect(statSync(half).size).toBeGreaterThan(1_000_000);
    expect(existsSync(join(target, 'd3/large'))).toBe(false);
    const seen: PassProgress[] = [];
    const result = await performBulk(pass, worldOf({ progress: (progress) => seen.push(progress) }));
    expect(result.changed).toBeLessThan(130);
    expect(existsSync(join(target, 'd3/.drayage-partial'))).toBe(false);
    expect(await left(pass)).toEqual([]);
    expect(readFileSync(join(target, 'd3/large')).equals(readFileSync(large))).toBe(true);
    // What is there already counts: a third pass over the same tree ends at its totals, with nothing carried.
    seen.length = 0;
    const again = await performBulk(pass, worldOf({ progress: (progress) => seen.push(progress) }));
    expect(again).toMatchObject({ changed: 0, bytes: 0, unsettled: 0 });
    expect(seen.at(-1)?.bytes).toEqual({ done: 157_406_400, total: 157_406_400 });
  });

  test('shuts out every other pass of the move, and is shut out', async () => {
    const { source, target } = sixFolders('locked');
    execFileSync('dd', [
      'if=/dev/urandom',
      `of=${join(source, 'd2/large')}`,
      'bs=1M',
      'count=60',
      'status=none',
    ]);
    const pass = bulkPass(source, target);
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
    // A part that a lost connection left behind holds its share of the lock.
    const behind = new AbortController();
    const held = here.run(['flock', '--shared', node.lock, 'sh', '-c', 'echo on; sleep 30'], {
      signal: behind.signal,
      onStdout: async () => {
        await expect(performBulk(pass, worldOf())).rejects.toMatchObject(locked);
        behind.abort();
      },
    });
    await expect(held).rejects.toMatchObject({ code: 'ssh/aborted' });
    expect(await left(pass)).toEqual([]);
  });

  test('of a tree in use counts what vanishes and goes on', async () => {
    const { source, target } = sixFolders('live');
    truncateSync(join(source, 'd0/f0'), 0);
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
    await performBulk(bulkPass(source, target), worldOf({ source: vanishing }));
    expect(gone).toBe(true);
    expect(readdirSync(target).sort()).toEqual(['d0', 'd1', 'd3', 'd4', 'd5']);
  });

  test('of a small tree is one normal pass', async () => {
    const { source, target } = sixFolders('small');
    const pass = bulkPass(source, target);
    const { tuning: _tiny, ...world } = worldOf();
    expect(await performBulk(pass, world)).toMatchObject({ processes: 1, probe: [] });
    expect(node.ran().filter((argv) => argv.includes('rsync'))).toEqual([pass.argv]);
    expect(await left(pass)).toEqual([]);
  });
});

test('a server without the fast cipher is spoken to with another', async () => {
  const usual = await startSshd();
  const plain = await startSshd({ extraConfig: ['Ciphers chacha20-poly1305@openssh.com'] });
  const folder = mkdtempSync(join(tmpdir(), 'drayage-cipher-'));
  try {
    const cipher = rsyncPart({ ...bulkPassOptions(folder) })
      .find((argument) => argument.startsWith('--rsh='))
      ?.match(/Ciphers=\S+/)?.[0];
    expect(cipher).toBe('Ciphers=^aes128-gcm@openssh.com');
    const used = async (server: TestSshd) => {
      const argv = ['ssh', '-v', '-F', server.configFile, '-o', `${cipher}`, server.destination, 'true'];
      const result = await here.run(argv);
      expect(result.exitCode).toBe(0);
      return /server->client cipher: (\S+)/.exec(result.stderr.toString())?.[1];
    };
    expect(await used(plain)).toBe('chacha20-poly1305@openssh.com');
    expect(await used(usual)).toBe('aes128-gcm@openssh.com');
  } finally {
    await usual.stop();
    await plain.stop();
    rmSync(folder, { recursive: true });
  }
});

function bulkPassOptions(folder: string) {
  return {
    sourceDestination: 'doc1',
    sourcePath: folder,
    targetPath: folder,
    exclude: [],
    sudo: false,
    protectMarker: false,
    lock: join(folder, 'lock'),
  };
}
