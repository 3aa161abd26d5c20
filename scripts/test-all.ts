/**
 * Everything that must hold, in one command: format and lint, types, dead code, unit and platform tests, the published
 * package, the lab. Ends with one plain line, `N passed, N failed`.
 */
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const total: Tally = { passed: 0, failed: 0, skipped: 0 };

/** A check that is one command: passed or failed as a whole. */
async function command(title: string, argv: readonly string[]): Promise<void> {
  const [file, ...args] = argv;
  console.log(`\n== ${title}`);
  const result = await execa(file as string, args, { stdio: 'inherit', reject: false });
  if (result.exitCode === 0) total.passed += 1;
  else total.failed += 1;
}

/** A vitest project: its tests are counted one by one. */
async function project(name: string): Promise<void> {
  console.log(`\n== ${name} tests`);
  const report = join(tmpdir(), `drayage-${name}-${process.pid}.json`);
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`];
  const result = await execa('vitest', ['run', '--project', name, ...reporters], {
    stdio: 'inherit',
    reject: false,
  });
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
    total.passed += numPassedTests;
    total.failed += numFailedTests;
    total.skipped += numPendingTests;
    // A file that cannot be loaded has no tests to fail.
    if (result.exitCode !== 0 && numFailedTests === 0) total.failed += 1;
  } catch {
    total.failed += 1;
  } finally {
    rmSync(report, { force: true });
  }
}

const only = process.argv.slice(2);
const wanted = (name: string) => only.length === 0 || only.includes(name);

if (wanted('lint')) await command('format and lint', ['biome', 'ci', '--error-on-warnings']);
if (wanted('types')) await command('types', ['tsc', '--noEmit', '-p', '.']);
if (wanted('knip')) await command('dead code', ['knip']);
if (wanted('docs'))
  await command('generated docs are fresh', ['node', 'scripts/generate-docs.ts', '--check']);
if (wanted('unit')) await project('unit');
if (wanted('platform')) await project('platform');
if (wanted('package')) await command('the published package', ['node', 'scripts/try-package.ts']);
if (wanted('lab')) await project('lab');

const skipped = total.skipped === 0 ? '' : `, ${total.skipped} skipped`;
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;
