import { describe, expect, test } from 'vitest';
import { differenceOf } from '../../../src/plan/fleet/difference.ts';
import { writeFleetPlan } from '../../../src/plan/fleet/write-hosts.ts';
import { planSchema } from '../../../src/plan/plan.ts';

const edit = {
  path: '/srv/fleet/hosts.nix',
  before: '{ }\n',
  after: '{ a = 1; }\n',
  mode: '0640',
  owner: { uid: 1000, gid: 100 },
  attribute: 'a',
  evaluated: true,
};

describe('the plan that writes hosts.nix', () => {
  const plan = writeFleetPlan(edit, '0.1.0');
  const [step] = plan.steps;

  test('is data, and is one file with its mode and owner', () => {
    expect(planSchema.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
    expect(step?.operations).toMatchObject([
      {
        kind: 'write',
        host: 'controller',
        path: edit.path,
        content: edit.after,
        mode: '0640',
        owner: edit.owner,
      },
    ]);
  });

  test('writes only what was read, knows when it is done, and can be taken back', () => {
    const before = '1d6faa9e1a76d13f3ab8558a3640158b1f0a54f624a4e37ddc3ef41ed4191058';
    const sums = (checks: readonly unknown[] | undefined) => JSON.stringify(checks).match(/[0-9a-f]{64}/g);
    expect(sums(step?.operations[0]?.guards)).not.toEqual(sums(step?.probe));
    expect(sums(step?.probe)).toEqual(sums(step?.proof));
    expect(step?.undo).toMatchObject([{ kind: 'write', content: edit.before }]);
    expect(sums(step?.undo[0]?.guards)).toEqual(sums(step?.probe));
    expect(sums(step?.operations[0]?.guards)).toEqual([before]);
  });

  test('says how it was proven', () => {
    expect(step?.why).toContain('Nix evaluated');
    expect(writeFleetPlan({ ...edit, evaluated: false }, '0.1.0').steps[0]?.why).toContain('has no Nix');
  });
});

describe('the difference of two texts', () => {
  const lines = (text: string) => text.split('').join('\n');

  test('is what changes, and three lines around it', () => {
    expect(differenceOf(lines('abcdefgh'), lines('abcdXefgh'))).toEqual({
      from: 2,
      lines: [
        { sign: ' ', text: 'b' },
        { sign: ' ', text: 'c' },
        { sign: ' ', text: 'd' },
        { sign: '+', text: 'X' },
        { sign: ' ', text: 'e' },
        { sign: ' ', text: 'f' },
        { sign: ' ', text: 'g' },
      ],
    });
  });

  test('shows what goes before what comes, without the line endings of another system', () => {
    expect(differenceOf('a\r\nb\r\n', 'a\r\nc\r\n')?.lines).toEqual([
      { sign: ' ', text: 'a' },
      { sign: '-', text: 'b' },
      { sign: '+', text: 'c' },
      { sign: ' ', text: '' },
    ]);
  });

  test('is nothing for the same text', () => {
    expect(differenceOf('a', 'a')).toBeUndefined();
  });
});
