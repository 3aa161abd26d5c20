import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const small = ['--entries', '3000', '--megabytes', '40', '--changes', '300', '--runs', '1', '--json'];

function start(bench: string, args: readonly string[] = small) {
  return spawn(process.execPath, [`bench/${bench}.ts`, ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(bench: string, args?: readonly string[]) {
  const child = start(bench, args);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, ...output };
}

/** Images, mounts and processes of the bench all have its folder in their names. */
function expectNothingLeft() {
  expect(readdirSync(folder)).toEqual([]);
  expect(execFileSync('losetup', ['--list', '--output', 'BACK-FILE']).toString()).not.toContain(folder);
  expect(execFileSync('ps', ['-e', '-o', 'args']).toString()).not.toContain(folder);
}

it.each([
  ['window', ['window/plan', 'window/twoPass'], ['plan', 'twoPass', 'window']],
  ['copy', ['copy/best'], ['drayage', 'rsync', 'tar']],
  ['verify', ['verify/read'], ['copy']],
])(
  'bench:%s prints one JSON object with its ratios, and leaves nothing',
  async (bench, ratios, checked) => {
    const { exitCode, stdout, stderr } = await run(bench);
    expect(exitCode, stderr).toBe(0);
    const result = JSON.parse(stdout);
    expect(Object.keys(result.ratios)).toEqual(expect.arrayContaining(ratios));
    for (const ratio of ratios) expect(result.ratios[ratio]).toBeGreaterThan(0);
    expect(Object.keys(result.checks)).toEqual(expect.arrayContaining(checked));
    for (const engine of checked)
      expect(result.checks[engine]).toMatchObject({ equal: true, differences: 0 });
    expect(result.tree.entries).toBe(3000);
    expect(result.targets.map(({ ratio }: { ratio: string }) => ratio)).toEqual(ratios);
    expectNothingLeft();
  },
  180_000,
);

it('leaves nothing after Ctrl-C in the middle', async () => {
  const child = start('copy');
  // The first number of an engine: mounts, sshd and processes are all there.
  for await (const chunk of child.stderr) if (/fpsync|Run 1/.test(String(chunk))) break;
  const closed = once(child, 'close');
  child.stdout.resume();
  child.kill('SIGINT');
  expect((await closed)[0]).toBe(130);
  expectNothingLeft();
}, 60_000);

it('says what is wrong with an argument, and how to use it', async () => {
  const { exitCode, stdout, stderr } = await run('window', ['--target', 'zfs']);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toContain('--target zfs is not btrfs, xfs or ext4');
  expect(stderr).toContain('--changes N');
});
