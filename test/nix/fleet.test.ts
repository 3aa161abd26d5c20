import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DrayageError } from '../../src/errors/error.ts';
import { findHost } from '../../src/nix/find-host.ts';
import { fleetOf, readFleet } from '../../src/nix/fleet.ts';
import { sourceOf } from '../../src/nix/source.ts';
import { withoutNix } from './no-nix.ts';

const sample = join(import.meta.dirname, 'samples', 'fleet.nix');

const read = async (text: string) => fleetOf(sourceOf('/srv/fleet/hosts.nix', text), withoutNix);

async function refused(action: () => Promise<unknown>): Promise<DrayageError> {
  const error = await action().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DrayageError) return error;
  throw new Error(`no error of drayage: ${String(error)}`);
}

describe('hosts.nix without Nix on the machine', () => {
  test('is read from what is written out, and says that it was not evaluated', async () => {
    const fleet = await readFleet(sample, withoutNix);
    expect(fleet.evaluated).toBe(false);
    expect(fleet.proxmox).toEqual({
      host: '192.0.2.12',
      node: 'prom',
      defaultStorage: 'tank',
      templateVmid: 9003,
    });
    expect(fleet.hosts.map(({ attribute }) => attribute)).toEqual(['desk', 'doc2', 'media', 'pve-vm']);
    expect(findHost(fleet, 'doc1')).toMatchObject({
      attribute: 'pve-vm',
      user: 'nils',
      localIp: '192.0.2.29',
      where: `${sample}:27:3`,
      proxmox: {
        vmid: 104,
        name: 'Doc1',
        disk: '250G',
        diskGib: 250,
        tags: [],
        cloneFromTemplate: false,
        ignoreInit: true,
        virtiofs: [],
      },
    });
  });

  test('takes virtiofs as one set or as a list, with the defaults of a device left out', async () => {
    const fleet = await readFleet(sample, withoutNix);
    expect(findHost(fleet, 'doc2').proxmox?.virtiofs).toEqual([
      { mapping: 'containers', cache: 'always', directIo: true },
    ]);
    const media = findHost(fleet, 'media').proxmox;
    expect(media?.virtiofs).toEqual([
      { mapping: 'containers' },
      { mapping: 'mirrors', exposeAcl: true, exposeXattr: true },
    ]);
    expect(media).toMatchObject({ node: 'maint', readonly: true, network: { bridge: 'vmbr1', vlan: 20 } });
    expect(media).not.toHaveProperty('diskGib');
    expect(media).not.toHaveProperty('tags');
    expect(media?.otherKeys).toEqual(['hostpci']);
  });

  test('reads dotted paths as the sets that they are', async () => {
    const fleet = await read(
      '{ a.proxmox.vmid = 100; a.proxmox.cores = 1; a.proxmox.memory = 16; a.proxmox.disk = "1G"; }',
    );
    expect(fleet.hosts[0]?.proxmox).toMatchObject({ vmid: 100, cores: 1 });
  });

  test.each([
    ['{ a = f { }; }', ':1:7', 'a function call'],
    ['{ a = { proxmox = b // { }; }; }', ':1:19', 'an operation (//)'],
    ['{ a = { inherit user; }; }', ':1:17', 'an `inherit`'],
    ['{ a = { user = "x${y}"; }; }', ':1:16', 'a string with `${`'],
    ['{ a = rec { user = "x"; }; }', ':1:7', 'a `rec` set'],
    ['{ lib, ... }: { }', ':1:1', 'a function'],
    ['let a = b; b = a; in { c = { user = a; }; }', ':1:', 'depends on itself'],
    ['{ a = { user = "x"; user = "y"; }; }', ':1:', 'a set with "user" twice'],
    ['{ ${x} = { }; }', ':1:3', 'computed name'],
  ])('is refused where a value is computed, with what would help: %s', async (text, where, what) => {
    const error = await refused(() => read(text));
    expect(error).toMatchObject({ code: 'nix/not-static', exit: 2 });
    expect(error.where).toContain(`/srv/fleet/hosts.nix${where}`);
    expect(error.seen).toContain(what);
    expect(error.next[0]).toContain('nix-bin');
  });

  test('is refused with a host twice, with both places, though Nix would make one of them', async () => {
    const error = await refused(() => read('let x = 1; in {\n  a = { };\n  a = { };\n}'));
    expect(error).toMatchObject({ code: 'nix/host-twice', exit: 2, where: '/srv/fleet/hosts.nix:3:3' });
    expect(error.seen).toBe('"a" is there already, at /srv/fleet/hosts.nix:2:3');
    expect(error.next).toEqual(['make one set of the two, or give one of them another name']);
  });

  test('is not refused for what is computed beside the values that are read', async () => {
    const fleet = await read('{ a = { user = "x"; other = f 1; }; _lib = x: x; }');
    expect(fleet.hosts).toMatchObject([{ attribute: 'a', user: 'x' }]);
  });
});

describe('a value of hosts.nix that cannot be', () => {
  test.each([
    [
      '{\n  a.proxmox = {\n    vmid = "104";\n    cores = 1; memory = 16; disk = "1G"; };\n}',
      ':3:5',
      'a.proxmox.vmid',
    ],
    ['{ a.proxmox = { vmid = 104; }; }', ':1:3', 'a.proxmox.cores'],
    ['{ a.proxmox = { vmid = 99; cores = 1; memory = 16; disk = "1G"; }; }', ':1:17', 'a.proxmox.vmid'],
    ['{ a = 1; }', ':1:3', 'a:'],
    ['[ 1 ]', ':1:1', 'not a set of hosts'],
    ['{ _proxmox = { host = "x"; }; }', ':1:3', '_proxmox.node'],
  ])('is told with its place: %s', async (text, where, what) => {
    const error = await refused(() => read(text));
    expect(error).toMatchObject({ code: 'nix/value', exit: 2 });
    expect(error.where).toBe(`/srv/fleet/hosts.nix${where}`);
    expect(error.seen).toContain(what);
  });
});

describe('a file that is not Nix', () => {
  test('is told with line and column, and the command that tells more', async () => {
    const error = await refused(() => read('{\n  a = {\n    user = "x"\n  };\n}'));
    expect(error).toMatchObject({ code: 'nix/syntax', exit: 2, where: '/srv/fleet/hosts.nix:4:3' });
    expect(error.next).toEqual(['nix-instantiate --parse /srv/fleet/hosts.nix']);
  });

  test('may be nested as deep as it likes', async () => {
    expect(await refused(() => read('['.repeat(200_000)))).toMatchObject({ code: 'nix/syntax' });
  });

  test('or is not there, is told by its name', async () => {
    const error = await refused(() => readFleet('/nowhere/hosts.nix', withoutNix));
    expect(error).toMatchObject({ code: 'nix/unreadable', exit: 2, next: ['ls -l /nowhere/hosts.nix'] });
  });
});

describe('the name of a host', () => {
  test('is its attribute, alias, host name or name in Proxmox VE', async () => {
    const fleet = await readFleet(sample, withoutNix);
    for (const name of ['pve-vm', 'doc1', 'Doc1']) expect(findHost(fleet, name).attribute).toBe('pve-vm');
  });

  test('must be that of one host: the nearest is offered for one that is unknown', async () => {
    const fleet = await readFleet(sample, withoutNix);
    const error = await refused(async () => findHost(fleet, 'dco2'));
    expect(error).toMatchObject({ code: 'nix/no-host', exit: 2, next: ['did you mean "doc2"?'] });
  });

  test('must be that of one host: two are refused, with both places', async () => {
    const fleet = await read('{ a.sshAlias = "x"; b.hostname = "x"; }');
    const error = await refused(async () => findHost(fleet, 'x'));
    expect(error.seen).toContain('a (/srv/fleet/hosts.nix:1:3) and of b (/srv/fleet/hosts.nix:1:21)');
    expect(error.next).toEqual(['use the name of the attribute: a or b']);
  });
});
