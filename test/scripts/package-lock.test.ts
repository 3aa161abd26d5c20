import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const text = readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8');
const packages: Record<string, Entry> = JSON.parse(text).packages;

it('lists the packages of every platform: npm ci refuses a lock that does not', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`])
      .map((name) => `${path} -> ${name}`),
  );
  expect(missing).toEqual([]);
});

it('names no registry', () => {
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

it('holds the digest of everything that is installed on Linux with glibc', () => {
  const here = ({ os, cpu, libc }: Entry) =>
    (os?.includes('linux') ?? true) &&
    (cpu?.some((one) => one === 'x64' || one === 'arm64') ?? true) &&
    (libc?.includes('glibc') ?? true);
  const bare = Object.entries(packages).filter(
    ([path, entry]) => path !== '' && here(entry) && entry.integrity === undefined,
  );
  expect(bare.map(([path]) => path)).toEqual([]);
});
