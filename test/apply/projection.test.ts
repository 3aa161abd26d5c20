import { expect, test } from 'vitest';
import type { Marks, MoveMarks } from '../../src/apply/marks.ts';
import { projectWindow } from '../../src/apply/projection.ts';
import type { Plan } from '../../src/plan/plan.ts';

const window = { stop: 4, copy: 16, release: 6, start: 4 };
const estimate = { entries: 1, bytes: 1, seedSeconds: 1, windowSeconds: 30, workloads: 2, window };
const plan = { estimates: { docker: estimate, media: estimate } } as unknown as Plan;
const measured = {
  pair: '',
  seeded: true,
  baseline: {
    since: { seconds: 1, uptime: 1, bootId: '' },
    folder: '',
    directories: '',
    pending: '',
    entries: 1,
  },
  round: { seconds: 1.23, listed: 600 },
};
const marks = (moves: Record<string, MoveMarks>): Marks => ({ format: 1, cutovers: {}, moves });

test('without a measured pass the projection is the estimate of the plan', () => {
  expect(projectWindow(plan, ['docker'], marks({}))).toEqual({
    seconds: 30,
    parts: [
      { what: 'stopping 2 workloads', seconds: 4 },
      { what: 'copying and checking', seconds: 16 },
      { what: 'snapshot and release', seconds: 6 },
      { what: 'starting 2 workloads', seconds: 4 },
    ],
  });
});

test('the copy takes what the last pass over the changes took', () => {
  const { seconds, parts } = projectWindow(plan, ['docker'], marks({ docker: measured }));
  expect(seconds).toBe(16);
  expect(parts[1]).toEqual({
    what: 'copying and checking what changes, as the last pass over 600 entries took',
    seconds: 1.2,
  });
});

test('a measured pass over everything says nothing of the window, which also reads everything', () => {
  const { baseline: _none, ...whole } = measured;
  expect(projectWindow(plan, ['docker'], marks({ docker: whole })).seconds).toBe(30);
});

test('the moves of one window add up; one that was not measured makes it an estimate', () => {
  const both = projectWindow(plan, ['docker', 'media'], marks({ docker: measured }));
  expect(both.seconds).toBe(46);
  expect(both.parts[0]?.what).toBe('stopping 4 workloads');
  expect(both.parts[1]?.what).toBe('copying and checking');
});
