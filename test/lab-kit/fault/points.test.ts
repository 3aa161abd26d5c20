import { expect, test } from 'vitest';
import { intentOf, isDeed, nameOf, pointAt, pointNamed, pointsOf } from '../../../lab/fault/points.ts';
import { writeScript } from '../../../src/apply/write.ts';
import { makePlan } from '../../../src/plan/make-plan.ts';
import type { Operation } from '../../../src/plan/operation.ts';
import { remoteCommand } from '../../../src/ssh/ssh.ts';
import { sampleConfig, sampleFindings, sampleYaml } from '../../support/sample.ts';

const plan = makePlan(sampleConfig(sampleYaml), sampleFindings(), '0.1.0');
const points = pointsOf(plan);

test('every operation of a plan is a point, in order, with a name of its own', () => {
  expect(points.map(({ operation }) => operation)).toEqual(plan.steps.flatMap((step) => step.operations));
  expect(new Set(points.map(nameOf)).size).toBe(points.length);
  expect(points.map(nameOf)).toContain('power-cycle docker #2');
});

const line = (intent: object) => JSON.stringify({ kind: 'intent', id: 1, time: '', ...intent });

test('the operation at hand is the last line of the journal, if it is an intent', () => {
  const { step, operation } = points[3]!;
  expect(intentOf(line({ step, undo: false, operation }))).toMatchObject({ step, operation });
  expect(intentOf('{"kind":"outcome","id":1,"time":"","ok":true,"seconds":0}')).toBeUndefined();
  expect(intentOf(line({ step, undo: false, operation }).slice(0, 50))).toBeUndefined();
  expect(intentOf('')).toBeUndefined();
});

test('each operation is found at its point, two of the same words too', () => {
  for (const point of points) {
    const { step, operation } = point;
    expect(pointAt({ step, undo: false, operation }, points)).toBe(point);
  }
});

test('an operation that has another digest now is found by what it is for', () => {
  const point = points.find(({ step }) => step === 'device docker')!;
  const { step, operation } = point;
  if (operation.kind !== 'call') throw new Error('no call');
  const again = { ...operation, params: { ...operation.params, digest: 'another' } };
  expect(pointAt({ step, undo: false, operation: again }, points)).toBe(point);
});

test('an operation is named by its number, or as the last of its step', () => {
  const [first, last] = ['power-cycle docker #1', 'power-cycle docker #last'].map((name) =>
    pointNamed(name, points),
  );
  expect(first?.operation.what).toBe('shut the guest down');
  expect(last?.operation.what).toBe('start it');
  expect(() => pointNamed('power-cycle docker #3', points)).toThrow('power-cycle docker #3');
});

test('what takes a step back is no point', () => {
  const { step, operation } = points[0]!;
  expect(pointAt({ step, undo: true, operation }, points)).toBeUndefined();
});

test('the deed is told from the looks and readings beside it', () => {
  const run: Operation = { kind: 'run', host: 'doc2', argv: ['podman', 'stop', 'a b'], what: 'stop' };
  expect(isDeed(remoteCommand(run.argv), run)).toBe(true);
  expect(isDeed(remoteCommand(['cat', '/etc/a']), run)).toBe(false);
  const write: Operation = {
    ...{ kind: 'write', host: 'doc2', path: '/etc/a b', mode: '0644', what: 'write' },
    content: { from: { host: 'doc1', path: '/etc/a b' }, sha256: '' },
  };
  expect(isDeed(remoteCommand(['sh', '-c', writeScript, 'sh', '/etc/a b', '0644', '0:0']), write)).toBe(true);
  expect(isDeed(remoteCommand(['cat', '--', '/etc/a b']), write)).toBe(false);
  const copy = points.find(({ operation }) => operation.kind === 'copy')!.operation;
  if (copy.kind !== 'copy') throw new Error('no copy');
  expect(isDeed(remoteCommand(copy.listArgv), copy)).toBe(true);
  expect(isDeed(remoteCommand(['find', '/']), copy)).toBe(false);
});
