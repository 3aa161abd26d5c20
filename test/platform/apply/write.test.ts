import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeScript } from '../../../src/apply/write.ts';
import { controllerHost } from '../../../src/ssh/local.ts';

const host = controllerHost('prom');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-write-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (path: string, content: string, mode = '0640', owner = '', bytes = content.length) =>
  host.run(['sh', '-c', writeScript, 'sh', path, mode, owner, String(bytes)], { stdin: content });

test('a file is written whole, with its mode and owner, whatever its name', async () => {
  const path = join(folder, ' $(x)\n-é');
  expect((await write(path, 'one\n', '0640', '12:34')).exitCode).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('one\n');
  expect(statSync(path)).toMatchObject({ uid: 12, gid: 34, mode: 0o100640 });
  expect((await write(path, 'two')).exitCode).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('two');
  expect(readdirSync(folder)).toHaveLength(1);
});

test('a file that cannot be written leaves the old one, and nothing beside it', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'old');
  chmodSync(path, 0o600);
  const result = await write(path, 'new', '0640', 'no-such-user-here');
  expect(result.exitCode).not.toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a content that ends too early, as a connection that is cut ends it, is not put in place', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'old');
  const result = await write(path, 'the first ha', '0640', '', 22);
  expect(result.exitCode).not.toBe(0);
  expect(result.stderr.toString()).toContain('12 of 22 bytes have come');
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a directory in the place of the file is not written into', async () => {
  mkdirSync(join(folder, 'there'));
  expect((await write(join(folder, 'there'), 'x')).exitCode).not.toBe(0);
  expect(execFileSync('ls', ['-A', join(folder, 'there')]).toString()).toBe('');
});

test('a folder that is not there is an error', async () => {
  const result = await write(join(folder, 'none', 'file'), 'x');
  expect(result.exitCode).not.toBe(0);
  expect(result.stderr.toString()).toContain('none');
});
