import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../../bench/census-memory.ts', import.meta.url));

const measure = (entries: number): { entries: number; hardLinkGroups: number; residentBytes: number } =>
  JSON.parse(execFileSync(process.execPath, [program, String(entries)], { encoding: 'utf8' }));

it('the census of a million entries, a tenth of them hard links, grows by little over that of a thousand', () => {
  const [small, large] = [measure(1000), measure(1_000_000)];
  expect(large).toMatchObject({ entries: 1_000_000, hardLinkGroups: 50_000 });
  expect(large.residentBytes).toBeLessThan(200e6);
  expect(large.residentBytes - small.residentBytes).toBeLessThan(60e6);
}, 60_000);
