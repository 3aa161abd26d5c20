import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleFolder } from '../../plan/tofu/sample.ts';
import { standInTofu } from '../../support/stand-in-tofu.ts';
import { drayage } from '../cli/world.ts';

/** The sample fleet in a real git repository, with its generated files committed. */
let top: string;
let path: string;
const token = 'drayage@pve!mover=01234567-89ab-cdef-0123-456789abcdef';

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'drayage-check-'));
  for (const name of ['hosts.nix', 'drayage.yaml']) cpSync(join(sampleFolder, name), join(top, name));
  mkdirSync(join(top, 'tofu'));
  for (const name of ['drayage.tf.json', 'drayage-provider.tf.json'])
    cpSync(join(sampleFolder, name), join(top, 'tofu', name));
  const tofu = standInTofu(join(top, '.git-not', 'stand-in'));
  tofu.set({});
  path = `${tofu.bin}:${process.env.PATH}`;
  writeFileSync(join(top, '.gitignore'), '.drayage/\n.git-not/\n');
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'Mara');
  git('config', 'user.email', 'mara@example.com');
  git('add', '-A');
  git('commit', '-qm', 'the fleet');
});
afterEach(() => rmSync(top, { recursive: true }));

/** No configuration of this machine's user. */
const env = () => ({ PATH: path, HOME: top, GIT_CONFIG_NOSYSTEM: '1' });
const git = (...args: string[]) =>
  execFileSync('git', ['-C', top, ...args], { env: env(), encoding: 'utf8', stdio: 'pipe' });
const check = (...args: string[]) =>
  drayage(['check', ...args], { cwd: top, env: { ...env(), PROXMOX_VE_API_TOKEN: token } });
const commit = () => {
  try {
    return { ok: true, said: git('commit', '-qm', 'a change') };
  } catch (error) {
    return { ok: false, said: String((error as { stderr: unknown }).stderr) };
  }
};
const stage = (name: string, text: string) => {
  mkdirSync(join(top, name, '..'), { recursive: true });
  writeFileSync(join(top, name), text);
  git('add', '-f', '--', name);
};
const hook = () => join(top, '.git/hooks/pre-commit');

describe('drayage check', () => {
  it('holds for the sample fleet, without a network', async () => {
    const ended = await check('--offline');
    expect(ended.exitCode).toBe(0);
    for (const line of [
      'good    configuration',
      'good    nix: 8 hosts',
      'good    generated files: fresh',
      'good    tofu: tofu 1.12.6: valid',
      'good    secrets: 0 staged files',
      'skipped drift: --offline',
    ])
      expect(ended.stdout).toContain(line);
  });

  it('fails for a secret that is staged, names file and line, and never shows it', async () => {
    stage('notes/a b.md', `one\n${token}\n`);
    stage('tofu/terraform.tfstate', '{}');
    const ended = await check('--offline');
    expect(ended.exitCode).toBe(5);
    expect(ended.stderr).toContain('notes/a b.md:2: an API token of Proxmox VE');
    expect(ended.stderr).toContain('tofu/terraform.tfstate: the state of OpenTofu');
    expect(ended.stderr).toContain("git restore --staged -- 'notes/a b.md'");
    expect(ended.stderr + ended.stdout).not.toContain('01234567');
  });

  it('costs less than two seconds of processor time without a network, all programs that it calls included', () => {
    const script = '"$@" >/dev/null; times';
    const argv = [
      '-c',
      script,
      'bash',
      process.execPath,
      join(import.meta.dirname, '../../../src/cli/main.ts'),
    ];
    const said = execFileSync('bash', [...argv, 'check', '--offline'], {
      cwd: top,
      env: env(),
      encoding: 'utf8',
    });
    const [, children = ''] = said.trim().split('\n');
    const spent = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60 + Number(s));
    expect(spent).toHaveLength(2);
    expect((spent[0] as number) + (spent[1] as number)).toBeLessThan(2);
  });

  it('looks into many files of any name, and only at the name of a very large one', async () => {
    stage('a\nb "c".md', 'harmless\n');
    stage('large.bin', 'x'.repeat(6_000_000));
    stage('z.md', `${token}\n`);
    const ended = await check('--offline');
    expect(ended).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('z.md:1: an API token') });
    git('rm', '-qf', '--cached', 'z.md');
    expect((await check('--offline')).stdout).toContain('2 staged files, nothing secret');
  });

  it('looks at what is staged, not at what lies in the folder', async () => {
    stage('notes.md', `${token}\n`);
    writeFileSync(join(top, 'notes.md'), 'harmless\n');
    expect((await check('--offline')).exitCode).toBe(5);
    git('add', 'notes.md');
    writeFileSync(join(top, 'notes.md'), `${token}\n`);
    expect((await check('--offline')).exitCode).toBe(0);
  });

  it('fails for files that are not fresh, or would be committed without what they are made from', async () => {
    const hosts = join(top, 'hosts.nix');
    writeFileSync(hosts, readFileSync(hosts, 'utf8').replace('memory = 16384', 'memory = 24576'));
    const stale = await check('--offline');
    expect(stale).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('-> drayage tofu generate') });
    expect(await drayage(['tofu', 'generate', '--offline'], { cwd: top, env: env() })).toMatchObject({
      exitCode: 0,
    });
    git('add', 'hosts.nix');
    const half = await check('--offline');
    expect(half).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('git add -- tofu/drayage.tf.json'),
    });
    git('add', '-A');
    expect((await check('--offline')).exitCode).toBe(0);
  });

  it('fails for a Nix file among many whose staged text is none, and names it', async () => {
    mkdirSync(join(top, 'more'));
    for (let number = 0; number < 60; number += 1)
      writeFileSync(join(top, 'more', `it's ${number}.nix`), `{ number = ${number}; }\n`);
    git('add', '-A');
    expect((await check('--offline')).stdout).toContain('60 staged files parsed');
    writeFileSync(join(top, 'more', "it's 7.nix"), '{ number = ; }\n');
    git('add', '-A');
    writeFileSync(join(top, 'more', "it's 7.nix"), '{ number = 7; }\n');
    const failed = await check('--offline');
    expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("more/it's 7.nix:1:12") });
  });

  it('fails for a hosts.nix that is none, and for a drayage.yaml with a mistake, at its line', async () => {
    writeFileSync(join(top, 'hosts.nix'), '{\n  a = ;\n}\n');
    const nix = await check('--offline');
    expect(nix.exitCode).not.toBe(0);
    expect(nix.stderr.match(/hosts\.nix:2:\d+/g)).toHaveLength(1);
    expect(nix.stdout).toContain('skipped generated files: hosts.nix was not read');
    writeFileSync(join(top, 'drayage.yaml'), 'nodes: 7\n');
    const yaml = await check('--offline');
    expect(yaml).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^drayage\.yaml:1:8: nodes is 7/m),
    });
  });
});

describe('the hook', () => {
  it('keeps a commit with a secret from being made, and lets the next one through', async () => {
    expect(await check('--install')).toMatchObject({ exitCode: 0 });
    expect(statSync(hook()).mode & 0o777).toBe(0o755);
    stage('notes.md', `${token}\n`);
    expect(commit()).toMatchObject({ ok: false, said: expect.stringContaining('notes.md:1') });
    stage('notes.md', 'harmless\n');
    expect(commit()).toMatchObject({ ok: true });
  });

  it('is installed once, and taken away as if it had never been', async () => {
    await check('--install');
    const text = readFileSync(hook(), 'utf8');
    await check('--install');
    expect(readFileSync(hook(), 'utf8')).toBe(text);
    await check('--uninstall');
    expect(existsSync(hook())).toBe(false);
    expect((await check('--uninstall')).exitCode).toBe(0);
  });

  it('calls a hook that is there before it, with its verdict, and puts it back byte by byte', async () => {
    const own =
      '#!/bin/sh\necho own >>"$(git rev-parse --show-toplevel)/.git/said"\nexit "$(cat .git/verdict)"\n';
    writeFileSync(hook(), own);
    chmodSync(hook(), 0o755);
    await check('--install');
    await check('--install');
    writeFileSync(join(top, '.git/verdict'), '1');
    stage('a.md', 'a\n');
    expect(commit().ok).toBe(false);
    writeFileSync(join(top, '.git/verdict'), '0');
    expect(commit().ok).toBe(true);
    stage('a.md', `${token}\n`);
    expect(commit().ok).toBe(false);
    expect(readFileSync(join(top, '.git/said'), 'utf8')).toBe('own\nown\nown\n');
    await check('--uninstall');
    expect(readFileSync(hook(), 'utf8')).toBe(own);
    expect(statSync(hook()).mode & 0o777).toBe(0o755);
  });

  it.each([
    [
      'husky',
      () => {
        mkdirSync(join(top, '.husky'));
        git('config', 'core.hooksPath', '.husky/_');
      },
      'add to .husky/pre-commit:',
    ],
    [
      'core.hooksPath',
      () => {
        git('config', 'core.hooksPath', 'tools/hooks');
      },
      'add to tools/hooks/pre-commit:',
    ],
    [
      'the pre-commit framework',
      () => {
        writeFileSync(join(top, '.pre-commit-config.yaml'), 'repos: []\n');
      },
      'add to .pre-commit-config.yaml',
    ],
    [
      'lefthook',
      () => {
        writeFileSync(join(top, 'lefthook.yml'), 'pre-commit: {}\n');
      },
      'add to lefthook.yml',
    ],
  ])('does not fight %s: it says the line to add', async (_, before, advice) => {
    before();
    const ended = await check('--install');
    expect(ended).toMatchObject({ exitCode: 5, stderr: expect.stringContaining(advice) });
    expect(ended.stderr).toContain('--file drayage.yaml check --offline');
    expect(existsSync(hook())).toBe(false);
  });

  it('looks at the right index from a folder below, in a linked worktree, and for a part of what is staged', async () => {
    mkdirSync(join(top, 'vms'));
    for (const name of ['hosts.nix', 'drayage.yaml', 'tofu']) git('mv', name, `vms/${name}`);
    git('commit', '-qm', 'below');
    const other = join(top, '.git-not/other');
    git('worktree', 'add', '-q', other);
    const here = { cwd: other, env: { ...env(), PROXMOX_VE_API_TOKEN: token } };
    const installed = await drayage(['--file', 'vms/drayage.yaml', 'check', '--install'], here);
    expect(installed.exitCode).toBe(0);
    const inOther = (...args: string[]) =>
      execFileSync('git', ['-C', other, ...args], { env: env(), stdio: 'pipe' });
    for (const name of ['good.md', 'bad.md'])
      writeFileSync(join(other, name), name === 'bad.md' ? `${token}\n` : 'a\n');
    inOther('add', '-A');
    expect(() => inOther('commit', '-qm', 'both')).toThrow(/bad\.md:1/);
    inOther('commit', '-qm', 'one', '--', 'good.md');
    expect(() => inOther('commit', '-qm', 'the other')).toThrow(/bad\.md:1/);
  });

  it('needs a repository', async () => {
    rmSync(join(top, '.git'), { recursive: true });
    expect(await check('--install')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('-> git init'),
    });
    expect((await check('--offline')).stdout).toContain('skipped secrets: not a git repository');
  });
});
