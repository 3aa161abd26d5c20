import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../src/apply/events.ts';
import { observe } from '../../src/apply/observe.ts';
import { type ApplyOptions, applyPlan } from '../../src/apply/run.ts';
import type { World } from '../../src/apply/world.ts';
import type { Check } from '../../src/plan/operation.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { type Durable, type Fault, fakeWorld, fresh, plan } from './fake-world.ts';

let runPath: string;
beforeAll(() => {
  runPath = mkdtempSync(join(tmpdir(), 'drayage-run-'));
});
afterAll(() => rmSync(runPath, { recursive: true, force: true }));

async function run(
  durable: Durable,
  fault?: Fault,
  options: Partial<ApplyOptions> = {},
  more: Parameters<typeof fakeWorld>[2] = {},
) {
  const { world, events } = fakeWorld(durable, fault, { runPath, copies: join(runPath, 'copies'), ...more });
  const result = await applyPlan({ plan, world, gate: async () => 'open', ...options });
  return { result, events };
}

const notReleased: Check = {
  ...{ kind: 'run', host: 'doc1', argv: ['is', 'released', 'no'], expect: { exitCode: 0 } },
  what: 'it is not released',
};
const arrived = { target: 'running', source: 'stopped', fence: 'up', released: 'yes', data: 'equal' };
const back = { source: 'running', fence: 'down', target: 'stopped', released: 'no' };
const changesOfAWholeRun = 9;
/** At which change the final pass is, and the start on the target. */
const finalPass = 6;
const startOnTarget = 8;

describe('a run', () => {
  test('carries the plan out, asks once before the downtime, and measures it', async () => {
    const durable = fresh();
    const { result, events } = await run(durable);
    expect(result.exitCode).toBe(0);
    expect(durable.facts).toMatchObject(arrived);
    expect(durable.broken).toEqual([]);
    expect(durable.history).toHaveLength(changesOfAWholeRun);
    expect(events.filter(({ type }) => type === 'gate')).toEqual([
      {
        type: 'gate',
        phase: 'one',
        expectedWindowSeconds: expect.any(Number),
        parts: [
          { what: 'stopping 2 workloads', seconds: 4 },
          {
            what: 'copying and checking what changes, as the last pass over 1 entry took',
            seconds: expect.any(Number),
          },
          { what: 'snapshot and release', seconds: 6 },
          { what: 'starting 2 workloads', seconds: 4 },
        ],
      },
    ]);
    expect(result.windowSeconds).toBeGreaterThan(0);
    expect(result.expectedWindowSeconds).toBe(15);
    expect(events.filter(({ type }) => type === 'window-closed')).toEqual([
      { type: 'window-closed', phase: 'one', seconds: result.windowSeconds, expectedSeconds: 15 },
    ]);
    expect(durable.marks.window).toBeUndefined();
    const order = events.map(({ type }) => type);
    expect(order.indexOf('window-opened')).toBeGreaterThan(order.indexOf('gate'));
    expect(order.at(-1)).toBe('run-finished');
  });

  test('a second time changes nothing and asks nothing', async () => {
    const durable = fresh();
    await run(durable);
    const before = durable.history.length;
    const { result, events } = await run(durable);
    expect(result.exitCode).toBe(0);
    expect(durable.history).toHaveLength(before);
    expect(events.some(({ type }) => type === 'gate')).toBe(false);
    expect([...result.steps.values()]).toEqual(plan.steps.map(() => 'in-place'));
  });

  test('that the operator holds at the gate stops there, with the source running, and says how to go on', async () => {
    const durable = fresh();
    const { result, events } = await run(durable, undefined, { gate: async () => 'stay' });
    expect(result.exitCode).toBe(6);
    expect(durable.facts).toMatchObject({ ...back, placed: 'yes' });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'message', text: expect.stringContaining('drayage apply') }),
    );
  });

  describe('whose operator answers late', () => {
    async function answered(afterMs: number, onAnswer = () => {}, more: Parameters<typeof run>[3] = {}) {
      const durable = fresh();
      let clock = 0;
      const now = () => {
        clock += 100;
        return clock;
      };
      const gate = async () => {
        clock += afterMs;
        onAnswer();
        return 'open' as const;
      };
      const { result, events } = await run(durable, undefined, { gate }, { now, ...more });
      return { durable, result, events };
    }
    const seeds = (events: readonly { type: string; what?: string }[]) =>
      events.flatMap(({ type, what }, at) => (type === 'operation-started' && what === 'seed' ? [at] : []));

    test('carries what has changed meanwhile before anything is stopped', async () => {
      const { durable, result, events } = await answered(3_600_000);
      expect(result.exitCode).toBe(0);
      expect(durable.history.slice(2, 5)).toEqual(['bulk', 'changes', 'changes']);
      expect(durable.facts).toMatchObject(arrived);
      const order = events.map(({ type }) => type);
      expect(seeds(events)).toHaveLength(2);
      expect(seeds(events)[1]).toBeGreaterThan(order.indexOf('gate'));
      expect(seeds(events)[1]).toBeLessThan(order.indexOf('window-opened'));
    });

    test('and at once does not', async () => {
      const { events } = await answered(5_000);
      expect(seeds(events)).toHaveLength(1);
    });

    test('and then stops it all the same has no downtime', async () => {
      const finish = new AbortController();
      const { durable, result, events } = await answered(3_600_000, () => finish.abort(), {
        finish: finish.signal,
      });
      expect(result).toMatchObject({ error: { code: 'apply/interrupted' } });
      expect(durable.facts).toMatchObject(back);
      expect(events.some(({ type }) => type === 'window-opened')).toBe(false);
    });
  });

  describe('whose operator thinks about it', () => {
    /** Answers after so many pauses. */
    async function thinking(pauses: number, answer: 'open' | 'stay', durable = fresh(), fault?: Fault) {
      let reply: (answer: 'open' | 'stay') => void = () => {};
      const slept: number[] = [];
      const asked = new Promise<'open' | 'stay'>((resolve) => {
        reply = resolve;
      });
      const sleep = async (milliseconds: number, signal?: AbortSignal) => {
        slept.push(milliseconds);
        if (slept.length > pauses) {
          reply(answer);
          await once(signal as AbortSignal, 'abort');
        }
      };
      let clock = 0;
      const now = () => {
        clock += 20_000;
        return clock;
      };
      return { durable, slept, ...(await run(durable, fault, { gate: () => asked }, { sleep, now })) };
    }
    const said = (events: readonly Event[]) =>
      events.flatMap((event) => (event.type === 'message' ? [event.text] : []));

    test('goes on carrying what changes, quietly, and says so when it is answered', async () => {
      const { durable, slept, result, events } = await thinking(3, 'open');
      expect(result.exitCode).toBe(0);
      expect(durable.history.slice(2, 7)).toEqual(['bulk', 'changes', 'changes', 'changes', 'changes']);
      expect(slept[0]).toBe(60_000);
      expect(said(events)).toContain('While the question waited, what had changed was carried: 3 passes.');
      const order = events.map(({ type }) => type);
      expect(order.slice(order.indexOf('gate') + 1)[0]).toBe('message');
      expect(durable.facts).toMatchObject(arrived);
    });

    test('rests ten times as long as a pass took', async () => {
      const { slept } = await thinking(2, 'open');
      expect(slept[1]).toBeGreaterThan(600_000);
    });

    test('and leaves it has no downtime', async () => {
      const { durable, result, events } = await thinking(1, 'stay');
      expect(result.exitCode).toBe(6);
      expect(durable.facts).toMatchObject(back);
      expect(events.some(({ type }) => type === 'window-opened')).toBe(false);
    });

    test('is told when the last pass failed; the one after the answer decides', async () => {
      const durable = fresh();
      const { result, events } = await thinking(1, 'open', durable, { at: 4, kind: 'fails' });
      expect(said(events)).toContainEqual(
        expect.stringContaining('The last pass while the question waited failed: '),
      );
      expect(result.exitCode).toBe(0);
    });
  });

  test('hands the readers of the last pass to its comparison, and ends those that nobody asked', async () => {
    let closed = 0;
    const given: unknown[] = [];
    const { readers: reading, ...world } = fakeWorld(fresh(), undefined, { runPath }).world;
    const readers: World['readers'] = (...of) => {
      const close = () => {
        closed += 1;
      };
      return { ...reading(...of), close };
    };
    const watched: World['listed'] = (sides, names, options) => {
      given.push(options.readers?.algorithm);
      return world.listed(sides, names, options);
    };
    await run(fresh(), undefined, {}, { readers, listed: watched });
    expect(given).toContain('sha256');
    expect(closed).toBe(0);
    const cut: World['sink'] = (event) => {
      if (event.type === 'operation-finished' && event.what === 'final') throw new Error('cut');
    };
    await run(fresh(), undefined, {}, { readers, sink: cut });
    expect(closed).toBe(1);
  });

  describe('opens what the last pass needs', () => {
    const watched = (durable: ReturnType<typeof fresh>, fault?: Parameters<typeof fakeWorld>[1]) => {
      const { changes } = fakeWorld(durable, fault, { runPath }).world;
      const seen: { source: string | undefined; begun: boolean; end: string }[] = [];
      const more: Partial<World> = {
        changes: (pass, baseline, world) => {
          if (!pass.frozen) return changes(pass, baseline, world);
          const one = { source: durable.facts.source, begun: false, end: 'waits' };
          seen.push(one);
          world.begin?.then(
            () => {
              one.begun = true;
            },
            (error: Error) => {
              one.end = error.message;
            },
          );
          return changes(pass, baseline, world);
        },
      };
      return { seen, more };
    };

    test('while the workloads stop, and looks at nothing before they have', async () => {
      const durable = fresh();
      const { seen, more } = watched(durable);
      let begunAtStop: boolean | undefined;
      const sink: World['sink'] = (event) => {
        if (event.type === 'operation-finished' && event.what === 'stop') begunAtStop = seen[0]?.begun;
      };
      expect((await run(durable, undefined, {}, { ...more, sink })).result.exitCode).toBe(0);
      expect(seen).toEqual([{ source: 'running', begun: true, end: 'waits' }]);
      expect(begunAtStop).toBe(false);
    });

    test('and gives it up where the pass does not come', async () => {
      const durable = fresh();
      const { seen, more } = watched(durable);
      const sink: World['sink'] = (event) => {
        if (event.type === 'operation-finished' && event.what === 'stop') throw new Error('cut');
      };
      await run(durable, undefined, {}, { ...more, sink });
      expect(seen).toEqual([{ source: 'running', begun: false, end: 'the last pass was given up' }]);
    });
  });

  test('until the seed does not come to the gate; the cutover goes on from there', async () => {
    const durable = fresh();
    const first = await run(durable, undefined, { until: 'seed' });
    expect(first.result.exitCode).toBe(0);
    expect(durable.history).toEqual(['placed=yes', 'mounted=yes', 'bulk', 'changes']);
    expect((await run(durable)).result.exitCode).toBe(0);
    expect(durable.facts).toMatchObject(arrived);
  });

  test('of a plan with blockers is refused, with the way out', async () => {
    const durable = fresh();
    const blocked: Plan = {
      ...plan,
      blockers: [{ code: 'x', seen: 'no room', meaning: '', next: ['make room'] }],
    };
    const { result, events } = await run(durable, undefined, { plan: blocked });
    expect(result).toMatchObject({ exitCode: 5, error: { code: 'apply/blocked', next: ['make room'] } });
    expect(events.at(-1)).toEqual({ type: 'run-finished', exitCode: 5, error: 'apply/blocked' });
    expect(durable.history).toEqual([]);
  });

  test('of a later phase is refused while the earlier one is not proven', async () => {
    const later: Plan = {
      ...plan,
      phases: [...plan.phases, { name: 'two', moves: ['media'], after: 'one' }],
      steps: [
        ...plan.steps,
        { ...(plan.steps[0] as Plan['steps'][number]), id: 'place media', phase: 'two', move: 'media' },
      ],
    };
    const durable = fresh();
    const { result } = await run(durable, undefined, { plan: later, phases: ['two'] });
    expect(result).toMatchObject({
      exitCode: 5,
      error: { code: 'apply/needs', next: ['drayage apply --phase one'] },
    });
  });

  test('stops at a step that only the operator can do, and says what', async () => {
    const steps = plan.steps.map((step) =>
      step.id === 'mounted docker' ? { ...step, operations: [], byHand: 'edit configuration.nix' } : step,
    );
    const { result } = await run(fresh(), undefined, { plan: { ...plan, steps } });
    expect(result).toMatchObject({
      exitCode: 6,
      error: { code: 'apply/by-hand', seen: expect.stringContaining('configuration.nix') },
    });
  });

  test('never copies without the marker', async () => {
    const durable = fresh();
    durable.facts.marker = 'gone';
    const { result } = await run(durable);
    expect(result).toMatchObject({ exitCode: 5, error: { code: 'apply/guard' } });
    expect(durable.history).toEqual([]);
  });

  test('refuses a pass that deletes and has no guard', async () => {
    const steps = plan.steps.map((step) => ({
      ...step,
      operations: step.operations.map((operation) =>
        operation.kind === 'copy' ? { ...operation, guards: [] } : operation,
      ),
    }));
    const durable = fresh();
    const { result } = await run(durable, undefined, { plan: { ...plan, steps } });
    expect(result).toMatchObject({ exitCode: 5, error: { code: 'apply/unguarded-delete' } });
    expect(durable.facts).toMatchObject(back);
  });
});

describe('a window that fails', () => {
  test('before the release is taken back: the source runs again', async () => {
    const durable = fresh();
    const { result, events } = await run(durable, { at: finalPass, kind: 'fails' });
    expect(result.exitCode).toBe(7);
    expect(durable.facts).toMatchObject(back);
    expect(durable.broken).toEqual([]);
    expect(durable.marks.window).toBeUndefined();
    expect(events).toContainEqual(expect.objectContaining({ text: expect.stringContaining('taken back') }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'window-closed', takenBack: true }));
    expect(events.at(-1)).toEqual({ type: 'run-finished', exitCode: 7 });
  });

  test('because source and target differ is taken back, and the difference is named', async () => {
    const durable = fresh();
    const { world } = fakeWorld(durable, undefined, { runPath });
    const original = world.changes;
    const { result } = await run(
      durable,
      undefined,
      {},
      {
        changes: async (...given) => {
          const done = await original(...given);
          durable.facts.data = 'behind';
          return done;
        },
      },
    );
    expect(result).toMatchObject({
      exitCode: 7,
      error: { code: 'apply/difference', seen: expect.stringContaining('x: content') },
    });
    expect(durable.facts).toMatchObject(back);
  });

  test('that comes to the release forgets what was known of the copy: the target may write from there on', async () => {
    const durable = fresh();
    await run(durable, { at: finalPass, kind: 'killed-after' });
    expect(durable.marks.moves.docker?.baseline).toBeDefined();
    const again = fresh();
    await run(again, { at: finalPass + 1, kind: 'killed-before' });
    expect(again.marks.moves.docker?.seeded).toBe(true);
    expect(again.marks.moves.docker?.baseline).toBeUndefined();
  });

  test('because the release is refused by its guards is taken back', async () => {
    const durable = fresh();
    const { world } = fakeWorld(durable, undefined, { runPath });
    const { result } = await run(
      durable,
      undefined,
      {},
      {
        listed: async (...parts) => {
          if (durable.facts.source === 'stopped') durable.facts.mounted = 'lost';
          return world.listed(...parts);
        },
      },
    );
    expect(result).toMatchObject({ exitCode: 7, error: { code: 'apply/guard' } });
    expect(durable.facts).toMatchObject(back);
  });

  test('after the release is not taken back, and the next run goes on', async () => {
    const durable = fresh();
    const { result, events } = await run(durable, { at: startOnTarget, kind: 'fails' });
    expect(result.exitCode).toBe(6);
    expect(durable.facts).toMatchObject({
      source: 'stopped',
      fence: 'up',
      released: 'yes',
      target: 'stopped',
    });
    expect(events).toContainEqual(
      expect.objectContaining({ text: expect.stringContaining('drayage apply') }),
    );
    expect((await run(durable)).result.exitCode).toBe(0);
    expect(durable.facts).toMatchObject(arrived);
  });

  test('by the first Ctrl-C ends the operation at hand and is taken back', async () => {
    const durable = fresh();
    const finish = new AbortController();
    const { result } = await run(
      durable,
      undefined,
      {},
      {
        finish: finish.signal,
        sink: (event) => event.type === 'operation-started' && event.what === 'stop' && finish.abort(),
      },
    );
    expect(result.exitCode).toBe(7);
    expect(durable.facts).toMatchObject(back);
    expect(durable.broken).toEqual([]);
  });

  test('by the second Ctrl-C stops at once; the next run goes on', async () => {
    const durable = fresh();
    const stop = new AbortController();
    const { result } = await run(
      durable,
      { at: finalPass, kind: 'fails' },
      {},
      {
        stop: stop.signal,
        sink: (event) => event.type === 'operation-started' && event.what === 'final' && stop.abort(),
      },
    );
    expect(result.exitCode).toBe(130);
    expect(durable.facts.source).toBe('stopped');
    expect((await run(durable)).result.exitCode).toBe(0);
    expect(durable.facts).toMatchObject(arrived);
  });
});

test('a first Ctrl-C before the window stops with 130 and leaves the source running', async () => {
  const durable = fresh();
  const finish = new AbortController();
  const { result } = await run(
    durable,
    undefined,
    {},
    {
      finish: finish.signal,
      sink: (event) => event.type === 'operation-started' && event.what === 'seed' && finish.abort(),
    },
  );
  expect(result).toMatchObject({ exitCode: 130, error: { code: 'apply/interrupted' } });
  expect(durable.history.at(-1)).toBe('bulk');
  expect(durable.facts.source).toBe('running');
});

test('after a kill in the window, a failure in the next run still takes back what the killed one began', async () => {
  const durable = fresh();
  await run(durable, { at: finalPass, kind: 'killed-before' });
  expect(durable.facts).toMatchObject({ source: 'stopped', fence: 'up' });
  // What is left to copy belongs to the final pass: the rounds are not made again.
  const { result } = await run(durable, { at: 0, kind: 'fails' });
  expect(result.exitCode).toBe(7);
  expect(durable.facts).toMatchObject(back);
});

test('after a kill before the release was written, a failure in the next run takes the window back', async () => {
  const guarded: Plan = {
    ...plan,
    steps: plan.steps.map((step) => ({
      ...step,
      undo: step.undo.map((operation) => ({ ...operation, guards: [notReleased] })),
    })),
  };
  const durable = fresh();
  await run(durable, { at: finalPass + 1, kind: 'killed-before' }, { plan: guarded });
  expect(durable.marks.window?.released).toEqual(['docker']);
  expect(durable.facts.released).toBe('no');
  const { result } = await run(durable, { at: 0, kind: 'fails' }, { plan: guarded });
  expect(result.exitCode).toBe(7);
  expect(durable.facts).toMatchObject(back);
});

test('after a kill behind the release, a failure in the next run takes nothing back', async () => {
  const durable = fresh();
  await run(durable, { at: finalPass + 1, kind: 'killed-after' });
  const { result } = await run(durable, { at: 0, kind: 'fails' });
  expect(result.exitCode).toBe(6);
  expect(durable.facts).toMatchObject({ source: 'stopped', fence: 'up', released: 'yes' });
});

test('a window that an earlier run left open is named at the gate', async () => {
  const durable = fresh();
  await run(durable, { at: finalPass, kind: 'killed-before' });
  let since: string | undefined;
  await run(durable, undefined, {
    gate: async (gate) => {
      since = gate.openSince;
      return 'open';
    },
  });
  expect(since).toMatch(/^20\d\d-/);
});

test('whatever happens at whatever change, the laws hold and the last run arrives', async () => {
  const fault = fc.record({
    at: fc.nat(changesOfAWholeRun + 4),
    kind: fc.constantFrom('killed-before', 'killed-after', 'fails'),
  }) as fc.Arbitrary<Fault>;
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 4 }), async (faults) => {
      const durable = fresh();
      for (const each of faults) {
        const { result } = await run(durable, each);
        if (result.exitCode === 7) expect(durable.facts).toMatchObject(back);
        expect(durable.broken).toEqual([]);
      }
      const { result } = await run(durable);
      expect(result.error).toBeUndefined();
      expect(result.exitCode).toBe(0);
      expect(durable.facts).toMatchObject(arrived);
      expect(durable.broken).toEqual([]);
      expect(durable.marks.window).toBeUndefined();
    }),
    { numRuns: 200 },
  );
}, 60_000);

test('looking at a plan changes nothing', async () => {
  const durable = fresh();
  const { world } = fakeWorld(durable, undefined, { runPath });
  const states = await observe(plan, world);
  expect(states.get('place docker')).toBe('to-do');
  expect(durable.history).toEqual([]);
  expect(durable.journal).toEqual([]);
  await run(durable);
  const after = await observe(plan, world);
  expect(new Set(after.values())).toEqual(new Set(['in-place']));
});
