/** The program as it is started, in a folder without a drayage.yaml: what needs no world. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandSpecs } from '../../src/cli/commands.ts';
import { openTerminal } from '../../src/cli/terminal.ts';

const cli = join(import.meta.dirname, '../../src/cli/main.ts');
function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  return { status, stdout, stderr };
}

describe('what is not there', () => {
  it.each([
    [['pln'], "unknown command 'pln'", 'Did you mean plan?'],
    [['plan', '--formt', 'json'], "unknown option '--formt'", 'Did you mean --format?'],
    [['plan', '--format', 'yaml'], "'yaml' is invalid", 'Allowed choices are text, markdown, json.'],
    [['completion'], "missing required argument 'shell'", 'drayage --help lists the commands'],
    [['completion', 'csh'], 'no completion for csh', '-> drayage completion bash'],
    [['status', 'extra'], 'too many arguments', 'drayage --help lists the commands'],
    [['apply', '--window', 'abc'], "'abc' is invalid", 'a length in seconds, such as 60'],
    [['apply', '--window', '-5'], "'-5' is invalid", 'a length in seconds, such as 60'],
    [['apply', '--until', 'lunch'], "'lunch' is invalid", 'prepare, seed, cutover, prove'],
  ])('%j ends with 2 and a way out', (args, seen, way) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toContain(seen);
    expect(stderr).toContain(way);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

it('help goes to stdout and is no failure', () => {
  const { status, stdout, stderr } = run('--help');
  expect(stdout).toContain('A first evening:');
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('the version is that of the package', () => {
  expect(run('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(JSON.parse(run('version', '--json').stdout)).toHaveProperty('node', process.version);
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('of %s knows every command and every option of it', (shell) => {
    const { status, stdout } = run('completion', shell);
    expect(status).toBe(0);
    for (const { name, options = [] } of commandSpecs) {
      for (const word of name.split(' ')) expect(stdout).toMatch(new RegExp(`\\b${word}\\b`));
      for (const { long } of options) expect(stdout).toContain(long?.slice(2));
    }
  });
});

describe('colour', () => {
  const bold = (env: NodeJS.ProcessEnv, color = true, isTTY = true) => {
    const before = process.stdout.isTTY;
    process.stdout.isTTY = isTTY;
    try {
      return openTerminal({ color, json: false }, env).palette.bold('x');
    } finally {
      process.stdout.isTTY = before;
    }
  };

  it('is there on a terminal', () => {
    expect(bold({})).not.toBe('x');
    // no-color.org: an empty NO_COLOR does not count.
    expect(bold({ NO_COLOR: '' })).not.toBe('x');
  });

  it('is not there with NO_COLOR, --no-color, a dumb terminal, or no terminal', () => {
    expect(bold({ NO_COLOR: '1' })).toBe('x');
    expect(bold({}, false)).toBe('x');
    expect(bold({ TERM: 'dumb' })).toBe('x');
    expect(bold({}, true, false)).toBe('x');
  });
});
