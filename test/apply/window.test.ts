import { describe, expect, test } from 'vitest';
import type { OpenWindow } from '../../src/apply/marks.ts';
import { takeBack } from '../../src/apply/window.ts';
import type { Check, Operation } from '../../src/plan/operation.ts';
import { fakeWorld, fresh } from './fake-world.ts';

const set = (what: string, fact: string, value: string, guards: Check[] = []): Operation => ({
  kind: 'run',
  host: 'doc1',
  argv: ['set', fact, value],
  guards,
  what,
});
const current = (share: string): Check => ({
  kind: 'run',
  host: 'doc1',
  argv: ['is', `${share}-current`, 'here'],
  expect: { exitCode: 0 },
  what: `${share} was not given away`,
});

/** Two shares on their way to another node, with one guest that mounts both; the first one was given away. */
function twoShares(guestUndo: Operation[]) {
  const durable = fresh();
  durable.facts['media-current'] = 'there';
  durable.facts['photos-current'] = 'here';
  durable.facts.guest = 'off';
  const window: OpenWindow = {
    phase: 'enter maint',
    plan: 'p',
    run: 'run',
    openedAt: '2026-11-23T20:00:00.000Z',
    expectedSeconds: 60,
    begun: [
      { step: 'stop guest doc2', undo: guestUndo },
      {
        step: 'prepare media@maint',
        move: 'media@maint',
        undo: [set('media writable', 'media', 'rw', [current('media')])],
      },
      {
        step: 'prepare photos@maint',
        move: 'photos@maint',
        undo: [set('photos writable', 'photos', 'rw', [current('photos')])],
      },
    ],
    released: ['media@maint'],
  };
  durable.marks = { ...durable.marks, window };
  return durable;
}
const startGuest = set('start doc2 again', 'guest', 'on', [current('media'), current('photos')]);

describe('a window of two shares, one of them given away', () => {
  test('is not taken back in part: the guest that mounts both was stopped for both', async () => {
    const durable = twoShares([startGuest]);
    const { world } = fakeWorld(durable);
    expect(await takeBack(world, new Set())).toEqual({ kind: 'nothing' });
    expect(durable.history).toEqual([]);
    expect(durable.facts).toMatchObject({ guest: 'off' });
    expect(durable.marks.window?.released).toEqual(['media@maint']);
  });

  test('is taken back for the other one, where no step stopped a guest for both', async () => {
    const durable = twoShares([]);
    const { world } = fakeWorld(durable);
    expect(await takeBack(world, new Set())).toEqual({ kind: 'all', kept: ['media@maint'] });
    expect(durable.history).toEqual(['photos=rw']);
  });

  test('is taken back as a whole, guest and all, where the hand-over was noted and never written', async () => {
    const durable = twoShares([startGuest]);
    durable.facts['media-current'] = 'here';
    const { world } = fakeWorld(durable);
    expect(await takeBack(world, new Set())).toEqual({ kind: 'all', kept: [] });
    expect(durable.history).toEqual(['photos=rw', 'media=rw', 'guest=on']);
  });

  test('is never taken back by the run that has begun the hand-over: its outcome may be on its way', async () => {
    const durable = twoShares([startGuest]);
    durable.facts['media-current'] = 'here';
    const { world } = fakeWorld(durable);
    expect(await takeBack(world, new Set(['media@maint']))).toEqual({ kind: 'nothing' });
    expect(durable.history).toEqual([]);
  });
});

test('a guest that was still going down when the window was taken back is started when it is off', async () => {
  const durable = fresh();
  durable.facts.guest = 'on';
  const isOn: Check = {
    kind: 'run',
    host: 'doc2',
    argv: ['is', 'guest', 'on'],
    expect: { exitCode: 0 },
    what: 'doc2 answers',
  };
  const start: Operation = { ...set('start doc2 again', 'guest', 'on'), unless: [isOn] };
  const window: OpenWindow = {
    ...{ phase: 'enter maint', plan: 'p', run: 'run', openedAt: '2026-11-23T20:00:00.000Z' },
    expectedSeconds: 60,
    begun: [
      {
        step: 'stop guest doc2',
        undo: [start, set('start the ticker', 'ticker', 'on'), set('start the writer', 'writer', 'on')],
      },
    ],
    released: [],
  };
  durable.marks = { ...durable.marks, window };
  const { world } = fakeWorld(durable);
  let wentDown = false;
  const hosts: typeof world.hosts = (name) => {
    const host = world.hosts(name);
    return {
      name,
      async run(argv, options) {
        if (argv[0] === 'set' && !wentDown) durable.facts.guest = 'off';
        wentDown ||= argv[0] === 'set';
        const asks = argv[0] === 'set' && argv[1] !== 'guest' && durable.facts.guest === 'off';
        return asks
          ? { ...(await host.run(['is', 'guest', 'on'], options)), exitCode: 1 }
          : host.run(argv, options);
      },
    };
  };
  expect(await takeBack({ ...world, hosts }, new Set())).toEqual({ kind: 'all', kept: [] });
  expect(durable.facts).toMatchObject({ guest: 'on', ticker: 'on', writer: 'on' });
  expect(durable.history).toEqual(['guest=on', 'ticker=on', 'writer=on']);
});
