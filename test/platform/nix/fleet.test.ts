import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readFleet } from '../../../src/nix/fleet.ts';
import { withoutNix } from '../../nix/no-nix.ts';

const sample = join(import.meta.dirname, '..', '..', 'nix', 'samples', 'fleet.nix');

describe('hosts.nix, read by the real Nix', () => {
  let folder = '';
  const file = (text: string) => {
    const path = join(folder, "it's a fleet.nix");
    writeFileSync(path, text);
    return path;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-nix-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is the same fleet as without it, where everything is written out', async () => {
    const fleet = await readFleet(sample);
    expect(fleet.evaluated).toBe(true);
    expect({ ...fleet, evaluated: false }).toEqual(await readFleet(sample, withoutNix));
  });

  test('may compute its values, from files of its repository too', async () => {
    mkdirSync(join(folder, '.git'));
    mkdirSync(join(folder, 'nix'));
    writeFileSync(join(folder, 'names.nix'), '{ user = "nils"; }');
    writeFileSync(
      join(folder, 'nix', 'hosts.nix'),
      'let vm = id: { vmid = id; cores = 1; memory = 1024; disk = "8G"; }; in rec { a = { inherit (import ../names.nix) user; proxmox = vm 101 // { tags = [ "x" ]; }; home = ./missing.nix; }; b = a // { proxmox = vm 102; }; }',
    );
    const fleet = await readFleet(join(folder, 'nix', 'hosts.nix'));
    expect(fleet.hosts).toMatchObject([
      { attribute: 'a', user: 'nils', proxmox: { vmid: 101, tags: ['x'] } },
      { attribute: 'b', user: 'nils', proxmox: { vmid: 102 } },
    ]);
  });

  test('cannot read outside its repository', async () => {
    const path = file('{ a.user = builtins.readFile "/etc/passwd"; }');
    await expect(readFleet(path)).rejects.toMatchObject({
      code: 'nix/evaluation',
      exit: 2,
      seen: expect.stringContaining("access to absolute path '/etc/passwd' is forbidden"),
    });
  });

  test('cannot fetch anything', async () => {
    const path = file('{ a.user = builtins.readFile (builtins.fetchurl "http://192.0.2.1/x"); }');
    await expect(readFleet(path)).rejects.toMatchObject({
      code: 'nix/evaluation',
      seen: expect.stringContaining('forbidden'),
    });
  });

  test('that cannot be evaluated is told with its line', async () => {
    const path = file('{\n  a = {\n    user = missing;\n  };\n}\n');
    await expect(readFleet(path)).rejects.toMatchObject({
      code: 'nix/evaluation',
      where: `${path}:3:12`,
      seen: expect.stringContaining("undefined variable 'missing'"),
      next: [`nix-instantiate --eval --strict ${path}`],
    });
    expect(readFileSync(path, 'utf8')).toContain('missing');
  });

  test('with a host twice is refused by Nix in its own words', async () => {
    const path = file('{\n  a.user = "x";\n  a.user = "y";\n}\n');
    await expect(readFleet(path)).rejects.toMatchObject({
      code: 'nix/evaluation',
      where: `${path}:3:3`,
      seen: expect.stringContaining('already defined'),
    });
  });
});
