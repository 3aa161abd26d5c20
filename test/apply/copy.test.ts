import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holds } from '../../src/apply/check.ts';
import { copyPass } from '../../src/apply/copy.ts';
import type { Copy } from '../../src/apply/copy-parts.ts';
import type { World } from '../../src/apply/world.ts';
import type { Check } from '../../src/plan/operation.ts';
import type { Host } from '../../src/ssh/host.ts';
import { copy, type Durable, fakeWorld, fresh, plan } from './fake-world.ts';

let folder: string;
let durable: Durable;
/** What was done, in order. */
let done: string[];
/** The source's clock: seconds since the epoch, since boot, and the boot. */
let clock: { seconds: number; uptime: number; boot: number };
/** What each round finds, one after the other; `undefined`: few. */
let finds: (number | 'too-large')[];
/** What is not equal when both sides are read as a whole. */
let unequal: string[][];
/** What is not equal when a round is compared. */
let differ: string[][];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-seed-'));
  durable = fresh();
  done = [];
  clock = { seconds: 1_800_000_000, uptime: 1000, boot: 1 };
  finds = [];
  differ = [];
  unequal = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function world(more: Partial<World> = {}) {
  const { world: made, events } = fakeWorld(durable, undefined, {
    runPath: folder,
    copies: join(folder, 'copies'),
  });
  const hosts = (name: string): Host => ({
    name,
    async run(argv) {
      const line = argv.join(' ');
      if (line.includes('sync')) done.push('sync');
      if (!line.includes('date +%s')) return made.hosts(name).run(argv);
      done.push('clock');
      const stdout = `${clock.seconds}\n${clock.uptime}.00 1.00\n0000000${clock.boot}-0000-0000-0000-000000000000\n`;
      return { exitCode: 0, stdout: Buffer.from(stdout), stderr: Buffer.alloc(0) };
    },
  });
  const journaled: World = {
    ...made,
    hosts,
    async bulk(...given) {
      durable.journal.push({ kind: 'intent' } as never);
      done.push('bulk');
      return made.bulk(...given);
    },
    async pass(...given) {
      durable.journal.push({ kind: 'intent' } as never);
      done.push('pass');
      return { ...(await made.pass(...given)), changed: (finds.shift() as number | undefined) ?? 1 };
    },
    async settle(sides, options) {
      done.push(readdirSync(options.kept).includes('source.jsonl.gz') ? 'settle with memory' : 'settle');
      const settled = await made.settle(sides, options);
      for (const side of ['source', 'target']) writeFileSync(join(options.kept, `${side}.jsonl.gz`), '');
      return { ...settled, pending: unequal.shift() ?? [] };
    },
    async changes(pass, baseline, given) {
      // As the real one: looked at, and nothing touched before.
      if (finds[0] !== 'too-large') await given.keepDoubt(baseline.pending);
      durable.journal.push({ kind: 'intent' } as never);
      const pending = baseline.pending.length === 0 ? '' : ` with ${baseline.pending.join(' ')}`;
      done.push(
        `${pass.frozen ? 'last ' : ''}changes since ${baseline.since.seconds - 1_800_000_000}${pending}`,
      );
      clock = { ...clock, seconds: clock.seconds + 60, uptime: clock.uptime + 60 };
      const found = finds.shift();
      if (found === 'too-large') return { kind: 'too-large', listed: 999 };
      const result = await made.changes(pass, baseline, given);
      if (result.kind !== 'done') throw new Error('the test has made no such list');
      return { ...result, listed: Array.from({ length: found ?? 1 }, (_one, index) => `file ${index}`) };
    },
    async listed(_sides, names) {
      done.push(`compare ${names.length}`);
      const differences = (differ.shift() ?? []).map((name) => ({
        path: name,
        name,
        what: 'content' as const,
        source: 'a',
        target: 'b',
      }));
      return { differences, entries: names.length, filesRead: 1, bytesRead: 1, attributesCompared: true };
    },
    async compare(sides, options) {
      done.push('compare all');
      return made.compare(sides, options);
    },
    ...more,
  };
  return { world: journaled, events };
}

const passes = () => done.filter((what) => what !== 'clock' && what !== 'sync');
const marks = () => durable.marks.moves.docker;
const withoutList = (operation: Copy): Copy => ({ ...operation, full: '/mnt/docker is nfs4' });
const finalCheck = plan.steps.find(({ id }) => id === 'final-pass docker')?.proof[0] as Check;

describe('the first copy', () => {
  test('is everything once, then both sides compared, then rounds until few entries change', async () => {
    finds = [400, 30, 10];
    await copyPass(copy('seed'), world().world, 'seed');
    expect(passes()).toEqual([
      'bulk',
      'settle',
      'changes since 0',
      'compare 400',
      'changes since 0',
      'compare 30',
      'changes since 60',
      'compare 10',
    ]);
    expect(marks()).toMatchObject({ seeded: true, round: { listed: 10 } });
  });

  test('reads the clock, then syncs, before each look at the source', async () => {
    await copyPass(copy('seed'), world().world, 'seed');
    expect(done).toEqual([
      'bulk',
      'clock',
      'sync',
      'settle',
      'clock',
      'sync',
      'changes since 0',
      'compare 1',
    ]);
  });

  test('ends after the passes that are allowed, and says that the downtime is longer for it', async () => {
    finds = [500, 500, 500, 500, 500, 500, 500];
    const { world: made, events } = world();
    await copyPass(copy('seed'), made, 'seed');
    expect(passes().filter((what) => what.startsWith('changes'))).toHaveLength(5);
    expect(events).toContainEqual(
      expect.objectContaining({ level: 'warning', text: expect.stringContaining('After 5 passes') }),
    );
  });

  test('carries again what was not equal after a round', async () => {
    finds = [400];
    differ = [['log', 'odd\nname'], []];
    await copyPass(copy('seed'), world().world, 'seed');
    expect(passes().slice(2)).toEqual([
      'changes since 0',
      'compare 400',
      'changes since 0 with log odd\nname',
      'compare 1',
    ]);
  });

  test('goes over everything again when a list is too large, and reads only what is not remembered', async () => {
    finds = ['too-large', 5];
    await copyPass(copy('seed'), world().world, 'seed');
    expect(passes()).toEqual([
      'bulk',
      'settle',
      'changes since 0',
      'bulk',
      'settle with memory',
      'changes since 60',
      'compare 5',
    ]);
  });

  test('of a file system without a proven ctime is whole passes, until rsync finds little to do', async () => {
    finds = [4000, 300, 7];
    await copyPass(withoutList(copy('seed')), world().world, 'seed');
    expect(done).toEqual(['pass', 'pass', 'pass']);
    expect(marks()).toMatchObject({ seeded: true });
    expect(marks()?.baseline).toBeUndefined();
  });

  test('looks at its guards again before each pass', async () => {
    finds = [400, 400];
    const { world: made } = world();
    const listed: World['listed'] = async (...given) => {
      durable.facts.marker = 'gone';
      return made.listed(...given);
    };
    await expect(copyPass(copy('seed'), { ...made, listed }, 'seed')).rejects.toMatchObject({
      code: 'apply/guard',
      exit: 5,
      next: ['drayage status', 'drayage plan'],
    });
    expect(passes()).toEqual(['bulk', 'settle', 'changes since 0', 'compare 400']);
    expect(durable.broken).toEqual([]);
  });
});

describe('a first copy that was interrupted', () => {
  const fails = () => Promise.reject(new Error('cut'));

  test('in the first pass begins it again', async () => {
    await expect(copyPass(copy('seed'), world({ bulk: fails }).world, 'seed')).rejects.toThrow('cut');
    done = [];
    await copyPass(copy('seed'), world().world, 'seed');
    expect(passes()[0]).toBe('bulk');
  });

  test('while both sides are compared does not copy everything again', async () => {
    await expect(copyPass(copy('seed'), world({ settle: fails }).world, 'seed')).rejects.toThrow('cut');
    done = [];
    await copyPass(copy('seed'), world().world, 'seed');
    expect(passes()).toEqual(['settle', 'changes since 0', 'compare 1']);
  });

  test('in a round, or before what it carried is compared, goes on from the round before', async () => {
    finds = [400];
    let rounds = 0;
    const { world: made } = world();
    const listed: World['listed'] = async (...given) => {
      rounds += 1;
      if (rounds === 2) throw new Error('cut');
      return made.listed(...given);
    };
    await expect(copyPass(copy('seed'), { ...made, listed }, 'seed')).rejects.toThrow('cut');
    done = [];
    await copyPass(copy('seed'), world().world, 'seed');
    // The second round began with the clock at 60; its list was never compared.
    expect(passes()).toEqual(['changes since 0', 'compare 1']);
  });

  test('leaves only the files that the marks name', async () => {
    finds = [400, 400, 400];
    await copyPass(copy('seed'), world().world, 'seed');
    expect(readdirSync(join(folder, 'copies/docker')).sort()).toEqual([
      expect.stringMatching(/^since-/),
      'source.jsonl.gz',
      'target.jsonl.gz',
    ]);
    expect(readdirSync(join(folder, 'copies/docker', marks()?.baseline?.folder as string)).sort()).toEqual([
      'directories.gz',
      'pending.gz',
    ]);
  });
});

describe('what is known of an earlier copy does not count', () => {
  test.each<[string, () => void, Partial<Copy>]>([
    [
      'when the clock was set back by an hour',
      () => (clock = { ...clock, seconds: clock.seconds - 3600 }),
      {},
    ],
    ['when the source was booted', () => (clock = { ...clock, boot: 2 }), {}],
    ['when its files are damaged', () => rmSync(join(folder, 'copies'), { recursive: true }), {}],
  ])('%s: both sides are compared anew, and every byte is read', async (_why, happen, more) => {
    await copyPass(copy('seed'), world().world, 'seed');
    done = [];
    happen();
    await copyPass({ ...copy('seed'), ...more }, world().world, 'seed');
    expect(passes().slice(0, 2)).toEqual(['settle', expect.stringMatching(/^changes since/)]);
  });

  test('when the clock is set between two rounds', async () => {
    finds = [400];
    const { world: made } = world();
    const listed: World['listed'] = async (...given) => {
      clock = { ...clock, seconds: clock.seconds - 3600 };
      return made.listed(...given);
    };
    await copyPass(copy('seed'), { ...made, listed }, 'seed');
    expect(passes().slice(3, 5)).toEqual(['compare 400', 'settle']);
  });

  test.each<[string, Partial<Copy>]>([
    ['another source', { source: { host: 'doc1', path: '/mnt/other' } }],
    ['another place in the share', { target: { path: '/share/other', topIsShare: false } }],
    ['other exclusions', { exclude: ['cache'] }],
    [
      'another directory at the same place',
      {
        guards: [
          {
            kind: 'source',
            host: 'doc1',
            path: '/mnt/docker',
            device: '7',
            inode: '99',
            what: 'it is there',
          },
        ],
      },
    ],
  ])('for %s: everything is copied', async (_what, other) => {
    await copyPass(copy('seed'), world().world, 'seed');
    done = [];
    await copyPass({ ...copy('seed'), ...other }, world().world, 'seed');
    expect(passes().slice(0, 2)).toEqual(['bulk', 'settle']);
  });
});

describe('the final pass', () => {
  const seeded = async () => {
    await copyPass(copy('seed'), world().world, 'seed');
    done = [];
  };
  const last = async (operation = copy('final')) => {
    const { world: made, events } = world();
    await copyPass(operation, made, 'final-pass');
    const answer = await holds(finalCheck, made, 'final-pass');
    return { answer, events };
  };

  test('carries what changed since the last round, and exactly that is read on both sides', async () => {
    await seeded();
    finds = [12];
    expect((await last()).answer.holds).toBe(true);
    expect(passes()).toEqual(['last changes since 0', 'compare 12']);
    expect(marks()?.final).toMatchObject({ how: 'change-list', listed: 12 });
  });

  test('does not hold when one thing of the list is not equal', async () => {
    await seeded();
    differ = [['a file']];
    expect((await last()).answer).toMatchObject({
      holds: false,
      seen: expect.stringContaining('a file: content'),
    });
  });

  test('that is killed before its proof is made again from where the rounds ended', async () => {
    await seeded();
    await copyPass(copy('final'), world().world, 'final-pass');
    done = [];
    expect((await last()).answer.holds).toBe(true);
    expect(passes()).toEqual(['last changes since 0', 'compare 1']);
  });

  test('whose list is not known to who compares reads everything', async () => {
    await seeded();
    durable.facts.data = 'equal';
    expect((await holds(finalCheck, world().world, 'final-pass')).holds).toBe(true);
    expect(passes()).toEqual(['compare all']);
  });

  test.each<[string, () => void, string]>([
    [
      'the clock was set back by an hour',
      () => (clock = { ...clock, seconds: clock.seconds - 3600 }),
      'the clock of doc1 was set since the copy before',
    ],
    ['the source was booted', () => (clock = { ...clock, boot: 2 }), 'doc1 was booted since the copy before'],
    [
      'nothing is known of a copy before',
      () => (durable.marks = { ...durable.marks, moves: {} }),
      'it is not known since when /share/docker is a copy of the source',
    ],
  ])('goes over everything when %s, reads every byte, and says why', async (_when, happen, because) => {
    await seeded();
    happen();
    durable.facts.source = 'stopped';
    const { answer, events } = await last();
    expect(answer.holds).toBe(true);
    expect(passes()).toEqual(['pass', 'settle', 'compare 0']);
    expect(marks()?.final).toMatchObject({ how: 'full-pass', because });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'message', text: expect.stringContaining(because) }),
    );
  });

  test('goes over everything when the list is too large; what was read before need not be read again', async () => {
    await seeded();
    finds = ['too-large'];
    durable.facts.source = 'stopped';
    await last();
    expect(passes()).toEqual(['last changes since 0', 'pass', 'settle with memory', 'compare 0']);
    expect(marks()?.final).toMatchObject({
      how: 'full-pass',
      because: '999 entries have changed, more than 25 % of 1,000 entries',
    });
  });

  test('over everything carries by name what is still not equal: rsync takes equal size and time for equal', async () => {
    await seeded();
    clock = { ...clock, boot: 2 };
    unequal = [['a', 'b']];
    finds = [9, 2];
    const { answer } = await last();
    expect(answer.holds).toBe(true);
    expect(passes().slice(0, 4)).toEqual(['pass', 'settle', 'last changes since 60 with a b', 'compare 2']);
  });

  test('goes over everything where the plan says so', async () => {
    await seeded();
    durable.facts.source = 'stopped';
    await last(withoutList(copy('final')));
    expect(passes()).toEqual(['pass', 'settle', 'compare 0']);
    expect(marks()?.final).toMatchObject({ because: '/mnt/docker is nfs4' });
  });
});
