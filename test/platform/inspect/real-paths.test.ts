import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRealPaths } from '../../../src/inspect/real-paths.ts';
import { readSource } from '../../../src/inspect/source.ts';
import { controllerHost } from '../../../src/ssh/local.ts';

let folder: string;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'drayage-links-')));
  mkdirSync(join(folder, 'data', 'docker', 'web site'), { recursive: true });
  symlinkSync('data', join(folder, 'link'));
  symlinkSync('loop', join(folder, 'loop'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('real paths on a real machine', () => {
  it('come back one for one: through links, of what is missing, and of a link to itself', async () => {
    const at = (path: string) => join(folder, path);
    const asked = ['link/docker/web site', 'link/missing/x', 'data', 'loop/x'].map(at);
    const real = await readRealPaths(controllerHost(), asked, []);
    expect([...real.keys()]).toEqual(asked);
    expect([...real.values()].slice(0, 3)).toEqual(
      ['data/docker/web site', 'data/missing/x', 'data'].map(at),
    );
  });

  it('are told of a source path below a link', async () => {
    const path = join(folder, 'link', 'docker');
    const nothing = { exclude: [], mounts: [], storeRoots: [], missingTools: ['getfattr'] };
    const { source } = await readSource({ host: controllerHost(), path, ...nothing });
    expect(source).toMatchObject({ state: 'directory', realPath: join(folder, 'data', 'docker') });
  });
});
