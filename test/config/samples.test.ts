import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { problemText } from '../../src/config/errors.ts';
import { parseConfig } from '../../src/config/load.ts';

const samples = join(import.meta.dirname, 'samples');
const names = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length));

describe('a valid sample', () => {
  test.each(names(samples))('%s loads without a problem', (name) => {
    expect(parseConfig(readFileSync(join(samples, `${name}.yaml`)), `${name}.yaml`, {})).toHaveProperty(
      'config',
    );
  });
});

describe('an invalid sample is told of in full', () => {
  const invalid = join(samples, 'invalid');
  test.each(names(invalid))('%s', async (name) => {
    const result = parseConfig(readFileSync(join(invalid, `${name}.yaml`)), `${name}.yaml`, {});
    const told = 'problems' in result ? `${result.problems.map(problemText).join('\n')}\n` : 'no problem\n';
    // Beside the sample, to be read with it; `vitest -u` writes it anew.
    await expect(told).toMatchFileSnapshot(join(invalid, `${name}.expected`));
  });
});
