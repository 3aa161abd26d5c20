import { describe, expect, it } from 'vitest';
import type { Findings } from '../../src/inspect/findings.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import { withRecorded } from '../../src/plan/recorded.ts';
import { sampleConfig, sampleFindings } from '../support/sample.ts';

/** What an inspection sees once the window has begun: everything stopped, restart policies taken away. */
function afterTheStop(): Findings {
  const found = sampleFindings();
  const doc1 = found.guests.doc1!;
  const system = doc1.system!;
  return {
    ...found,
    guests: {
      ...found.guests,
      doc1: {
        ...doc1,
        system: {
          ...system,
          containers: system.containers.map((container) => ({
            ...container,
            running: false,
            restartPolicy: 'no',
          })),
          units: system.units.map((unit) => ({ ...unit, active: false })),
        },
      },
    },
  };
}

describe('a plan made after the window has begun', () => {
  const before = makePlan(sampleConfig(), sampleFindings(), '0.1.0');
  const now = makePlan(sampleConfig(), afterTheStop(), '0.1.0');
  const step = (id: string, plan = now) => plan.steps.find((candidate) => candidate.id === id);

  it('would not know by itself what to start', () => {
    expect(step('start docker')?.proof).toEqual([]);
    expect(step('restart-policy docker')).toBeUndefined();
  });

  it('starts what ran before, as the plan of the run that stopped it says', () => {
    const plan = withRecorded(now, new Map([['docker', { plan: before, released: true }]]));
    expect(step('start docker', plan)).toEqual(step('start docker', before));
    expect(step('restart-policy docker', plan)).toEqual(step('restart-policy docker', before));
    expect(plan.steps.map(({ id }) => id)).toEqual(before.steps.map(({ id }) => id));
  });

  it('has its steps in the phase where the move is now: phases may be added when the first is done', () => {
    const phases = [
      { name: 'doc2', moves: ['docker'] },
      { name: 'igpu2', moves: [], after: 'doc2' },
    ];
    const plan = withRecorded({ ...now, phases }, new Map([['docker', { plan: before, released: true }]]));
    expect(plan.steps.find(({ stage }) => stage === 'prove')).toMatchObject({
      phase: 'doc2',
    });
    expect(new Set(plan.steps.flatMap(({ move, phase }) => (move === undefined ? [] : [phase])))).toEqual(
      new Set(['doc2']),
    );
  });

  it('keeps the steps of a move that cannot be planned any more', () => {
    const found = sampleFindings();
    const { system: _gone, ...doc1 } = found.guests.doc1!;
    const off = makePlan(
      sampleConfig(),
      { ...found, guests: { ...found.guests, doc1: { ...doc1, running: false } } },
      '0.1.0',
    );
    expect(step('start docker', off)).toBeUndefined();
    expect(
      step('start docker', withRecorded(off, new Map([['docker', { plan: before, released: true }]]))),
    ).toBeDefined();
  });

  it('is not blocked by what the source of a released move looks like', () => {
    const found = sampleFindings();
    const { system: _gone, ...doc1 } = found.guests.doc1!;
    const off = makePlan(
      sampleConfig(),
      { ...found, guests: { ...found.guests, doc1: { ...doc1, running: false } } },
      '0.1.0',
    );
    expect(off.blockers).not.toEqual([]);
    expect(withRecorded(off, new Map([['docker', { plan: before, released: true }]])).blockers).toEqual([]);
    expect(withRecorded(off, new Map([['docker', { plan: before, released: false }]])).blockers).not.toEqual(
      [],
    );
  });

  it('goes on from a hand-over that was cut off before the release, while its window is open', () => {
    const found = sampleFindings();
    const target = { empty: false, claimed: true, released: false, handedOver: true };
    const cut = makePlan(
      sampleConfig(),
      { ...found, moves: { docker: { ...found.moves.docker!, target } } },
      '0.1.0',
    );
    expect(cut.blockers.map(({ code }) => code)).toEqual(['plan/handed-over']);
    expect(withRecorded(cut, new Map([['docker', { plan: before, released: false }]])).blockers).toEqual([]);
  });

  it('is the plan itself when no window has begun', () => {
    expect(withRecorded(now, new Map())).toBe(now);
  });
});
