import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Event } from '../../src/apply/events.ts';
import { noMarks } from '../../src/apply/marks.ts';
import type { Operation } from '../../src/plan/operation.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { Choice } from '../../src/plan/way-back/facts.ts';
import { performRollback, refuseOthers } from '../../src/rollback/rollback.ts';
import { moved, rollback } from '../support/handed-over.ts';
import { afterHandOver, type Durable, type Fault, names, simulatedWorld } from './simulated-world.ts';

let equal = () => false;
/** The source is as the snapshot of the cutover has it. */
let untouched = () => true;
let carry: (operation: Operation) => void = () => {};
vi.mock('../../src/apply/compare.ts', () => ({
  compareCheck: async (check: { target: { path: string } }) => {
    const held = check.target.path.includes('/.zfs/snapshot/') ? untouched() : equal();
    return { holds: held, seen: held ? 'equal' : 'one difference' };
  },
}));

vi.mock('../../src/apply/carry-back.ts', () => ({
  carryBack: async (operation: Operation) => carry(operation),
}));

/** What `drayage rollback` would plan for the world as it is. */
function planNow(durable: Durable, choice: Choice): Plan {
  const { begun, done, snapshots, handedOver, released } = durable;
  const untouched = !begun && !done;
  return rollback({
    findings: moved({ handedOver, released }),
    move: {
      carryBack: done ? 'done' : begun ? 'begun' : 'none',
      written: { added: 1, changed: 0, gone: 0, more: false, first: [] },
      ...(untouched ? { source: { asLeft: durable.data.source === 'old', state: 'd' } } : {}),
    },
    share: { snapshots },
    wanted: { choice },
  });
}

async function run(durable: Durable, choice: Choice, fault?: Fault, gate: 'open' | 'stay' = 'open') {
  const plan = planNow(durable, choice);
  const { world, ...rest } = simulatedWorld(durable, plan, choice, fault);
  equal = rest.compare;
  carry = rest.carry;
  const events: Event[] = [];
  const result = await performRollback({
    plan,
    world: { ...world, sink: (event) => events.push(event) },
    moves: ['docker'],
    again: `drayage rollback --${choice}`,
    gate: async () => gate,
  });
  return { result, plan, events };
}

const on = (durable: Durable, side: 'source' | 'target') => names.filter((name) => durable[side][name].runs);

/** The end of an undisturbed rollback. */
function expectBack(durable: Durable, choice: Choice) {
  expect(durable.broken).toEqual([]);
  expect(on(durable, 'source')).toEqual(names);
  expect(on(durable, 'target')).toEqual([]);
  expect(names.filter((name) => durable.source[name].fenced)).toEqual([]);
  expect(durable).toMatchObject({ released: false, handedOver: false, begun: false });
  expect(durable.data.source).toBe(choice === 'carry-back' ? 'new' : 'old');
  expect(durable.marks).toEqual(noMarks);
}

const choices = ['carry-back', 'discard'] as const;

describe.each(choices)('a rollback with --%s', (choice) => {
  test('brings the workloads back to the source and exits with 7', async () => {
    const durable = afterHandOver();
    const { result } = await run(durable, choice);
    expect(result.error).toBeUndefined();
    expect(result.exitCode).toBe(7);
    expectBack(durable, choice);
    expect(durable.snapshots).toEqual(['drayage-docker-cutover', 'drayage-docker-rollback-1']);
  });

  test('a second time has nothing to do', async () => {
    const durable = afterHandOver();
    await run(durable, choice);
    expect(planNow(durable, choice).steps).toEqual([]);
  });

  test('that is not let into the downtime has changed nothing', async () => {
    const durable = afterHandOver();
    const { result } = await run(durable, choice, undefined, 'stay');
    expect(result.exitCode).toBe(6);
    expect(durable.history).toEqual([]);
    expect(on(durable, 'target')).toEqual(names);
  });

  test('forgets what was proven and what was equal before it begins', async () => {
    const durable = afterHandOver();
    durable.marks = { ...durable.marks, moves: { docker: {} as never } };
    await run(durable, choice, { at: 0, kind: 'killed-before' }).catch(() => {});
    expect(durable.marks.moves).toEqual({});
    expect(durable.marks.cutovers).toEqual({ docker: 'run' });
  });

  test('whose command fails says how to go on with it, and takes nothing back', async () => {
    const durable = afterHandOver();
    const { result } = await run(durable, choice, { at: 5, kind: 'fails' });
    expect(result.error).toMatchObject({
      next: expect.arrayContaining([`drayage rollback --${choice}`]),
    });
    expect((result.error as { next: string[] }).next.join()).not.toContain('drayage apply');
    expect(result.exitCode).not.toBe(7);
  });

  test('disturbed at each change in turn, in each way, arrives at the same end, and no law is broken', async () => {
    const undisturbed = afterHandOver();
    await run(undisturbed, choice);
    const changes = undisturbed.history.length;
    expect(changes).toBeGreaterThan(12);
    for (let at = 0; at < changes; at += 1)
      for (const kind of ['killed-before', 'killed-after', 'fails', 'half'] as const) {
        const durable = afterHandOver();
        await run(durable, choice, { at, kind });
        expect(durable.broken, `${kind} at ${at}`).toEqual([]);
        for (let tries = 0; durable.handedOver && tries < 3; tries += 1) {
          const { result, plan } = await run(durable, choice);
          expect(plan.blockers, `${kind} at ${at}`).toEqual([]);
          expect(result.error, `${kind} at ${at}`).toBeUndefined();
        }
        expect(on(durable, 'source'), `${kind} at ${at}`).toEqual(names);
        expect(durable.broken, `${kind} at ${at}`).toEqual([]);
        expect(durable.data.source).toBe(choice === 'carry-back' ? 'new' : 'old');
        expect(durable).toMatchObject({ released: false, handedOver: false, begun: false });
      }
  }, 60_000);
});

test('whatever happens, again and again, the laws hold, and the last run brings the source back', async () => {
  const fault = fc.record({
    at: fc.nat(24),
    kind: fc.constantFrom('killed-before', 'killed-after', 'fails', 'half'),
  }) as fc.Arbitrary<Fault>;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...choices),
      fc.array(fault, { maxLength: 4 }),
      async (choice, faults) => {
        const durable = afterHandOver();
        for (const each of faults) if (durable.handedOver) await run(durable, choice, each);
        expect(durable.broken).toEqual([]);
        if (durable.handedOver) expect((await run(durable, choice)).result.exitCode).toBe(7);
        expect(durable.broken).toEqual([]);
        expect(on(durable, 'source')).toEqual(names);
        expect(durable.data.source).toBe(choice === 'carry-back' ? 'new' : 'old');
      },
    ),
    { numRuns: 100 },
  );
}, 60_000);

test('one that was released again by hand after it was carried back copies once more', async () => {
  const durable = afterHandOver();
  const end = planNow(durable, 'carry-back').steps.findIndex(({ id }) => id === 'lift-fence docker');
  expect(end).toBeGreaterThan(0);
  durable.done = true;
  durable.begun = true;
  durable.data.source = 'mixed';
  const { result } = await run(durable, 'carry-back');
  expect(result.exitCode).toBe(7);
  expect(durable.history).toContain('rsync of exactly what was written since, with deletions');
  expect(durable.data.source).toBe('new');
});

test('a source with other content than the snapshot is refused before anything is stopped', async () => {
  const durable = afterHandOver();
  untouched = () => false;
  const { result } = await run(durable, 'carry-back');
  untouched = () => true;
  expect(result.error).toMatchObject({
    code: 'rollback/source-differs',
    next: [expect.stringContaining('drayage rollback --move docker --discard'), expect.anything()],
  });
  expect(on(durable, 'target')).toEqual(names);
  expect(durable.history).toEqual([]);
});

test.each(choices)(
  'the downtime of --%s is told, from the first stop to the start on the source',
  async (choice) => {
    const durable = afterHandOver();
    const { result, events } = await run(durable, choice);
    const closed = events.find(({ type }) => type === 'window-closed');
    expect(closed).toMatchObject({ phase: 'main', seconds: result.windowSeconds });
    expect(result.windowSeconds).toBeGreaterThan(0);
    const at = (wanted: (event: Event) => boolean) => events.findIndex(wanted);
    expect(at(({ type }) => type === 'window-opened')).toBeLessThan(
      at((event) => event.type === 'operation-started'),
    );
  },
);

test('a difference after the copy starts nothing', async () => {
  const durable = afterHandOver();
  const plan = planNow(durable, 'carry-back');
  const { world, ...rest } = simulatedWorld(durable, plan, 'carry-back');
  equal = () => false;
  carry = rest.carry;
  const result = await performRollback({
    plan,
    world,
    moves: ['docker'],
    again: 'drayage rollback --carry-back',
    gate: async () => 'open',
  });
  expect(result).toMatchObject({
    exitCode: 4,
    error: { code: 'apply/difference', next: ['drayage rollback --carry-back'] },
  });
  expect(on(durable, 'source')).toEqual([]);
  expect(durable.done).toBe(false);
});

test.each(choices)(
  'with --%s nothing starts on a source path that is not mounted any more; mounted again, it goes on',
  async (choice) => {
    const durable = afterHandOver();
    const plan = planNow(durable, choice);
    const { world, ...rest } = simulatedWorld(durable, plan, choice);
    equal = rest.compare;
    carry = rest.carry;
    const result = await performRollback({
      plan,
      world: {
        ...world,
        sink: (event) => {
          if (event.type === 'step-started' && event.step.startsWith('lift-fence')) durable.mounted = false;
        },
      },
      moves: ['docker'],
      again: `drayage rollback --${choice}`,
      gate: async () => 'open',
    });
    expect(result.error).toMatchObject({
      code: 'apply/guard',
      seen: expect.stringContaining('something was mounted, unmounted or replaced there'),
      next: expect.arrayContaining([`drayage rollback --${choice}`]),
    });
    expect(on(durable, 'source')).toEqual([]);
    durable.mounted = true;
    expect((await run(durable, choice)).result.exitCode).toBe(7);
    expectBack(durable, choice);
  },
);

test('a window that holds other moves too is refused, with the way to take it back as a whole', () => {
  const window = {
    phase: 'one',
    plan: 'p',
    run: 'r',
    openedAt: '2026-11-23T20:00:00.000Z',
    begun: [
      { step: 'fence docker', move: 'docker', undo: [] },
      { step: 'fence media', move: 'media', undo: [] },
    ],
    released: [],
  };
  expect(() => refuseOthers({ ...noMarks, window }, ['docker'])).toThrow(
    expect.objectContaining({
      code: 'rollback/window-of-others',
      next: ['drayage rollback --phase one', 'drayage apply   # goes on with it'],
    }),
  );
  expect(() => refuseOthers({ ...noMarks, window }, ['docker', 'media'])).not.toThrow();
});
