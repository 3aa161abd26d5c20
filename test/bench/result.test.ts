import { expect, it } from 'vitest';
import { type Measurements, makeResult, markdown } from '../../bench/result.ts';

const measurements: Measurements = {
  bench: 'window',
  ratios: { 'window/plan': 0.02, 'window/twoPass': 0.3 },
  targets: [
    { ratio: 'window/plan', limit: 1 / 30, better: 'below' },
    { ratio: 'window/twoPass', limit: 0.25, better: 'below' },
    { ratio: 'copy/best', limit: 1, better: 'above' },
  ],
  measured: {
    plan: { what: 'the plan', seconds: [50, 40, 45] },
    window: { what: 'the window', seconds: [0.9, 0.8] },
  },
  cache: 'warm',
  tree: { entries: 200_000, bytes: 3.4e9 },
  fileSystems: 'ext4 to btrfs',
  machine: { cores: 2, processor: 'p', memoryGigabytes: 24, kernel: '6.18', tools: {}, load: 0 },
  checks: {},
  notes: ['a note'],
};

it('has medians, every single time, and says of each target whether it is reached', () => {
  const result = makeResult(measurements);
  expect(result.medians).toEqual({ plan: 45, window: 0.8500000000000001 });
  expect(result.timings).toEqual({ plan: [50, 40, 45], window: [0.9, 0.8] });
  expect(result.targets.map(({ ratio, reached }) => [ratio, reached])).toEqual([
    ['window/plan', true],
    ['window/twoPass', false],
    ['copy/best', false],
  ]);
});

it('reaches a target that is to be above when it is just there', () => {
  const { targets } = makeResult({ ...measurements, ratios: { 'copy/best': 1 } });
  expect(targets.find(({ ratio }) => ratio === 'copy/best')?.reached).toBe(true);
});

it('is a table that names what was measured on, each time, and what is not reached', () => {
  const lines = markdown(makeResult(measurements)).split('\n');
  expect(lines[0]).toContain(
    '200000 entries, 3400 MB, ext4 to btrfs; caches warm; 2 cores, 24 GB, Linux 6.18',
  );
  expect(lines).toContain('| the plan | 45.00 s | 50.00, 40.00, 45.00 |');
  expect(lines).toContain('| window/plan | 0.020 | at most 0.033 | reached |');
  expect(lines).toContain('| window/twoPass | 0.300 | at most 0.250 | NOT reached |');
  expect(lines.at(-1)).toBe('- a note');
});

it('says of a busy machine that it was one', () => {
  const machine = { ...measurements.machine, load: 3.2 };
  expect(markdown(makeResult({ ...measurements, machine }))).toContain(
    'load 3.2 at the start: a busy machine.',
  );
  expect(markdown(makeResult(measurements))).not.toContain('busy');
});
