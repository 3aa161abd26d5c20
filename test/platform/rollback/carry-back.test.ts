import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { carryBack } from '../../../src/apply/carry-back.ts';
import type { World } from '../../../src/apply/world.ts';
import type { MoveConfig } from '../../../src/config/config.ts';
import { performPass } from '../../../src/copy/copy.ts';
import { notData } from '../../../src/copy/not-data.ts';
import { rsyncPull } from '../../../src/copy/rsync-command.ts';
import { type PushOptions, rsyncPush, rsyncPushList } from '../../../src/copy/rsync-push.ts';
import type { Check, Operation } from '../../../src/plan/operation.ts';
import { listingDifference, listingDigest } from '../../../src/plan/way-back/listing.ts';
import { parseWritten } from '../../../src/rollback/written.ts';
import type { Host } from '../../../src/ssh/host.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { compareListed } from '../../../src/verify/compare-listed.ts';
import { printableName } from '../../../src/verify/name.ts';
import { fullComparison } from '../../support/full-comparison.ts';
import { type FileSystem, type LoopMount, loopMount } from '../../support/loop-mount.ts';
import { changeTree } from '../../support/random-changes.ts';
import { makeTree } from '../../support/random-tree.ts';
import { sampleConfig, sampleYaml } from '../../support/sample.ts';
import { startSshd, type TestSshd } from '../../support/sshd.ts';

let sshd: TestSshd;
let wrapper: string;
/** A node whose ssh knows the test's server: the plan's argv itself is left as it is. */
let prom: Host;
const doc1 = controllerHost('doc1');
const move = sampleConfig().moves.docker as MoveConfig;
const top = sampleConfig(sampleYaml.replace('guest: doc2 }', 'guest: doc2, as: . }')).moves
  .docker as MoveConfig;

beforeAll(async () => {
  sshd = await startSshd();
  wrapper = mkdtempSync(join(tmpdir(), 'drayage-back-'));
  writeFileSync(join(wrapper, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${sshd.configFile}' "$@"\n`);
  chmodSync(join(wrapper, 'ssh'), 0o755);
  const here = controllerHost('prom');
  prom = {
    name: 'prom',
    run: (argv, options) => here.run(['env', `PATH=${wrapper}:${process.env.PATH}`, ...argv], options),
  };
});
afterAll(async () => {
  await sshd?.stop();
  if (wrapper !== undefined) rmSync(wrapper, { recursive: true, force: true });
});

const marked: Check = {
  kind: 'run',
  host: 'prom',
  argv: ['true'],
  expect: { exitCode: 0 },
  what: 'the marker',
};

type Push = Partial<PushOptions> & { whole?: boolean; goneLater?: boolean };
function operation(
  place: string,
  source: string,
  more: Push = {},
): Extract<Operation, { kind: 'carry-back' }> {
  const { whole = false, goneLater = false, ...rest } = more;
  const options: PushOptions = {
    destination: sshd.destination,
    fromPath: place,
    toPath: source,
    exclude: [],
    maxDelete: 1000,
    sudo: false,
    protectMarker: false,
    lock: join(wrapper, 'pass.lock'),
    ...rest,
  };
  const states = { before: join(`${dirname(place)}.snapshot`, 'doc1'), now: place };
  return {
    kind: 'carry-back',
    move: 'docker',
    host: 'prom',
    ...(whole
      ? { argv: rsyncPush(options) }
      : {
          listing: listingDifference(options.protectMarker ? top : move, states, options.exclude),
          argv: rsyncPushList(options),
          ...(goneLater ? { goneLater } : {}),
        }),
    topIsShare: options.protectMarker,
    exclude: [...options.exclude, ...(options.protectMarker ? notData : [])],
    from: { path: place },
    to: { host: 'doc1', path: source },
    maxDelete: options.maxDelete,
    guards: [marked],
    what: 'rsync, with deletions',
  };
}

/** What the comparison after the last carrying back reads. */
const finals: World['finals'] = new Map();

async function carry(given: ReturnType<typeof operation>): Promise<string[]> {
  const said: string[] = [];
  const world = {
    hosts: (name: string) => (name === 'prom' ? prom : doc1),
    pass: performPass,
    finals,
    stop: new AbortController().signal,
    sink: (event: { type: string; text?: string }) => event.type === 'message' && said.push(event.text ?? ''),
  } as unknown as World;
  await carryBack(given, world, 'carry-back docker');
  return said;
}

/** The place in the share, copied from the source as a window does, in a file system that has snapshots. */
async function moveOver(source: string, share: string, exclude: readonly string[] = []): Promise<string> {
  execFileSync('btrfs', ['subvolume', 'create', share], { stdio: 'pipe' });
  const place = join(share, 'doc1');
  mkdirSync(place);
  const argv = rsyncPull({
    sourceDestination: sshd.destination,
    sourcePath: source,
    targetPath: place,
    exclude,
    delete: true,
    maxDelete: 1000,
    sudo: false,
    protectMarker: false,
    lock: join(wrapper, 'pass.lock'),
  });
  await performPass(
    { move: 'docker', pass: 'final', argv, source: { path: source }, maxDelete: 1000 },
    { puller: prom, source: doc1 },
  );
  execFileSync('btrfs', ['subvolume', 'snapshot', '-r', share, `${share}.snapshot`], { stdio: 'pipe' });
  return place;
}

const text = async (host: Host, argv: readonly string[]) => {
  const result = await host.run(argv);
  expect(result.stderr.toString()).toBe('');
  expect(result.exitCode).toBe(0);
  return result.stdout.toString('latin1');
};
const digest = (path: string, exclude: readonly string[] = []) =>
  text(doc1, listingDigest(move, path, exclude));
const written = async (place: string, share: string) =>
  parseWritten(
    await text(prom, listingDifference(move, { before: join(`${share}.snapshot`, 'doc1'), now: place }, [])),
  );

/** As the comparison in the downtime reads it. */
async function listedDifferences(source: string, place: string, names: readonly string[]) {
  const host = controllerHost('doc1');
  const sides = {
    source: { host, path: source, exclude: [] },
    target: { host: prom, path: place, exclude: [] },
  };
  const options = { algorithm: 'sha256', topIsShare: false } as const;
  return (await compareListed(sides, names, options)).differences;
}

async function differences(source: string, place: string, exclude: readonly string[] = []) {
  const result = await fullComparison({
    source: { host: doc1, path: source, exclude },
    target: { host: prom, path: place, exclude },
  });
  expect(result.attributesCompared).toBe(true);
  return result.list;
}

describe.each(['ext4', 'xfs', 'btrfs'] as const)(
  'what the target wrote, carried back to %s',
  (kind: FileSystem) => {
    let guest: LoopMount;
    let node: LoopMount;
    beforeAll(() => {
      guest = loopMount(kind);
      node = loopMount('btrfs');
    });
    afterAll(() => {
      guest?.unmount();
      node?.unmount();
    });

    test.each([1, 2, 3])(
      'is seen before, by metadata alone, and makes both trees equal in every way (seed %i)',
      async (seed) => {
        const source = `${guest.path}/tree ${seed}*[x]`;
        const share = `${node.path}/share ${seed}`;
        makeTree(source, seed);
        const place = await moveOver(source, share);
        expect(await digest(source)).toBe(await digest(join(`${share}.snapshot`, 'doc1')));
        expect(await written(place, share)).toMatchObject({ added: 0, changed: 0, gone: 0, first: [] });
        changeTree(place, seed);
        const since = await written(place, share);
        expect(since.added + since.changed + since.gone).toBeGreaterThan(10);
        const unlike = (await differences(source, place)).map(({ path }) => path);
        expect(unlike.length).toBeGreaterThan(0);
        const said = await carry(operation(place, source));
        const read = finals.get('docker')?.listed ?? [];
        const names = new Set(read.map(printableName));
        expect(unlike.filter((path) => !names.has(path))).toEqual([]);
        expect(await listedDifferences(source, place, read)).toEqual([]);
        expect(said).toEqual([
          expect.stringMatching(/^Carried back to doc1:.*: \d+ entries changed, \d+ deleted\.$/),
        ]);
        expect(await differences(source, place)).toEqual([]);
      },
      60_000,
    );

    test('leaves alone on the source what was never copied', async () => {
      const source = `${guest.path}/with store`;
      const share = `${node.path}/with store`;
      mkdirSync(join(source, 'store [1]'), { recursive: true });
      writeFileSync(join(source, 'store [1]', 'layer'), 'image');
      writeFileSync(join(source, 'a'), 'old');
      const place = await moveOver(source, share, ['store [1]']);
      const behind = ['store [1]'];
      expect(await digest(source, behind)).toBe(await digest(join(`${share}.snapshot`, 'doc1'), behind));
      expect(await digest(source)).not.toBe(await digest(join(`${share}.snapshot`, 'doc1')));
      rmSync(join(place, 'a'));
      writeFileSync(join(place, 'b'), 'new');
      await carry(operation(place, source, { exclude: behind }));
      expect(readFileSync(join(source, 'store [1]', 'layer'), 'utf8')).toBe('image');
      expect(await differences(source, place, behind)).toEqual([]);
    });
  },
);

describe('carrying back', () => {
  let node: LoopMount;
  let source: string;
  let share: string;
  let place: string;
  let count = 0;
  beforeAll(() => {
    node = loopMount('btrfs');
  });
  afterAll(() => node?.unmount());
  const begin = async () => {
    count += 1;
    source = join(node.path, `source ${count}`);
    share = join(node.path, `share ${count}`);
    mkdirSync(join(source, 'web'), { recursive: true });
    for (const name of ['a', 'b', 'web/c']) writeFileSync(join(source, name), name);
    place = await moveOver(source, share);
  };

  test('more deletions than are allowed deletes nothing', async () => {
    await begin();
    rmSync(join(place, 'a'));
    rmSync(join(place, 'b'));
    const before = await digest(source);
    await expect(carry(operation(place, source, { maxDelete: 1 }))).rejects.toMatchObject({
      code: 'copy/too-many-deletions',
    });
    expect(await digest(source)).toBe(before);
  });

  test('an empty place, as an unmounted dataset shows it, touches nothing', async () => {
    await begin();
    const before = await digest(source);
    const empty = join(node.path, `empty ${count}`);
    mkdirSync(empty);
    await expect(carry(operation(empty, source, { whole: true }))).rejects.toMatchObject({
      code: 'copy/source-not-as-expected',
    });
    expect(await digest(source)).toBe(before);
  });

  test('is refused without a guard', async () => {
    await begin();
    const { guards: _none, ...unguarded } = operation(place, source);
    await expect(carry(unguarded)).rejects.toMatchObject({ code: 'apply/unguarded-delete' });
  });

  test('brings over what size and time do not show', async () => {
    await begin();
    writeFileSync(join(place, 'a'), 'x');
    execFileSync('touch', ['-r', join(source, 'a'), join(place, 'a')]);
    await carry(operation(place, source, { whole: true }));
    expect(readFileSync(join(source, 'a'), 'utf8')).toBe('a');
    await carry(operation(place, source));
    expect(readFileSync(join(source, 'a'), 'utf8')).toBe('x');
    expect(await differences(source, place)).toEqual([]);
  });

  test('sees directories that changed places, though nothing in them was touched', async () => {
    await begin();
    for (const name of ['one', 'two']) mkdirSync(join(place, name));
    for (const name of ['one', 'two']) writeFileSync(join(place, name, 'x'), name);
    for (const name of ['one', 'two']) execFileSync('touch', ['-d', '2020-01-01', join(place, name, 'x')]);
    execFileSync('btrfs', ['subvolume', 'delete', `${share}.snapshot`], { stdio: 'pipe' });
    execFileSync('btrfs', ['subvolume', 'snapshot', '-r', share, `${share}.snapshot`], { stdio: 'pipe' });
    execFileSync('cp', ['-a', `${place}/.`, source]);
    renameSync(join(place, 'one'), join(place, 'between'));
    renameSync(join(place, 'two'), join(place, 'one'));
    renameSync(join(place, 'between'), join(place, 'two'));
    expect((await written(place, share)).first).toEqual(expect.arrayContaining(['~ one/x', '~ two/x']));
    await carry(operation(place, source));
    expect(await differences(source, place)).toEqual([]);
  });

  test('keeps a hard link of a name in a directory that was renamed, though its inode was not touched', async () => {
    await begin();
    for (const folder of ['one', 'store']) mkdirSync(join(place, folder));
    writeFileSync(join(place, 'one', 'x'), 'x');
    for (const name of ['other', 'store/never']) linkSync(join(place, 'one', 'x'), join(place, name));
    execFileSync('cp', ['-a', `${place}/.`, source]);
    rmSync(join(source, 'store'), { recursive: true });
    execFileSync('btrfs', ['subvolume', 'delete', `${share}.snapshot`], { stdio: 'pipe' });
    execFileSync('btrfs', ['subvolume', 'snapshot', '-r', share, `${share}.snapshot`], { stdio: 'pipe' });
    renameSync(join(place, 'one'), join(place, 'two'));
    await carry(operation(place, source, { exclude: ['store'] }));
    expect(finals.get('docker')?.listed).toEqual(expect.arrayContaining(['two/x', 'other']));
    expect(statSync(join(source, 'two/x')).ino).toBe(statSync(join(source, 'other')).ino);
    expect(readdirSync(source)).not.toContain('store');
  });

  test('lets a file take the place of a directory, and the other way round', async () => {
    await begin();
    rmSync(join(place, 'web'), { recursive: true });
    writeFileSync(join(place, 'web'), 'a file now');
    rmSync(join(place, 'a'));
    mkdirSync(join(place, 'a', 'deep'), { recursive: true });
    writeFileSync(join(place, 'a', 'deep', 'x'), '');
    await carry(operation(place, source));
    expect(await differences(source, place)).toEqual([]);
  });

  test('the whole tree, after a try that was cut off, removes what it left half-done', async () => {
    await begin();
    writeFileSync(join(place, 'b'), 'new');
    writeFileSync(join(source, '.b.Xy12Zq'), 'ne');
    await carry(operation(place, source));
    expect(await differences(source, place)).not.toEqual([]);
    await carry(operation(place, source, { whole: true }));
    expect(await differences(source, place)).toEqual([]);
  });

  test('does not delete what was never copied, with the directory around it that is gone', async () => {
    await begin();
    mkdirSync(join(source, 'web', 'store'));
    writeFileSync(join(source, 'web', 'store', 'layer'), 'image');
    rmSync(join(place, 'web'), { recursive: true });
    await expect(carry(operation(place, source, { exclude: ['web/store'] }))).rejects.toMatchObject({
      code: 'copy/not-empty',
      next: [expect.stringContaining(`left behind in ${sshd.destination}:${source}/web`), expect.anything()],
    });
    expect(readFileSync(join(source, 'web', 'store', 'layer'), 'utf8')).toBe('image');
  });

  test('to an rsync that does not delete by a list leaves what is gone to the pass that follows', async () => {
    await begin();
    writeFileSync(join(place, 'b'), 'x');
    execFileSync('touch', ['-r', join(source, 'b'), join(place, 'b')]);
    rmSync(join(place, 'web'), { recursive: true });
    writeFileSync(join(place, 'web'), 'a file now');
    rmSync(join(place, 'a'));
    await carry(operation(place, source, { goneLater: true }));
    expect((await differences(source, place)).map(({ path }) => path)).toEqual(['a']);
    await carry(operation(place, source, { whole: true }));
    expect(await differences(source, place)).toEqual([]);
  });

  test('nothing, where nothing was written, changes nothing', async () => {
    await begin();
    const before = await digest(source);
    expect(await carry(operation(place, source))).toEqual([
      expect.stringContaining(': 0 entries changed, 0 deleted.'),
    ]);
    expect(await digest(source)).toBe(before);
  });

  test('from the top of the share brings nothing of drayage to the source', async () => {
    await begin();
    mkdirSync(join(place, '.drayage'));
    writeFileSync(join(place, '.drayage', 'share.json'), '{}');
    writeFileSync(join(place, 'new'), 'new');
    await carry(operation(place, source, { protectMarker: true }));
    expect(execFileSync('ls', ['-A', source], { encoding: 'utf8' }).split('\n')).toEqual([
      'a',
      'b',
      'new',
      'web',
      '',
    ]);
    expect(await text(doc1, listingDigest(top, place, []))).toBe(
      await text(doc1, listingDigest(top, source, [])),
    );
  });

  test.each([
    ['content and time', () => writeFileSync(join(source, 'a'), 'longer')],
    ['a mode', () => chmodSync(join(source, 'a'), 0o600)],
    ['a new name', () => writeFileSync(join(source, 'new\nname'), '')],
    ['a name that is gone', () => rmSync(join(source, 'web/c'))],
  ])('whether somebody wrote to the source meanwhile shows: %s', async (_what, change) => {
    await begin();
    const left = await digest(join(`${share}.snapshot`, 'doc1'));
    expect(await digest(source)).toBe(left);
    change();
    expect(await digest(source)).not.toBe(left);
  });

  test('shows the names of what was written, one by one', async () => {
    await begin();
    writeFileSync(join(place, 'web', 'new\nline'), '');
    writeFileSync(join(place, 'a'), 'changed');
    rmSync(join(place, 'b'));
    expect(await written(place, share)).toEqual({
      added: 1,
      changed: 2,
      gone: 1,
      more: false,
      first: ['+ web/new\\x0aline', '~ a', '~ web', '- b'],
    });
  });

  test('a directory that cannot be entered is an error, not an empty list', async () => {
    await begin();
    const gone = join(node.path, 'nothing here');
    expect((await doc1.run(listingDigest(move, gone, []))).exitCode).toBe(1);
    expect((await prom.run(listingDifference(move, { before: gone, now: place }, []))).exitCode).toBe(1);
  });
});
