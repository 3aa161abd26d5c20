import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DrayageError } from '../../src/errors/error.ts';
import { editFleet, editSource, type FleetEdit } from '../../src/nix/edit-fleet.ts';
import { proveEdit } from '../../src/nix/prove-edit.ts';
import { sourceOf } from '../../src/nix/source.ts';
import { NixCode } from '../../src/nix/write-value.ts';
import { withoutNix } from './no-nix.ts';

const samples = join(import.meta.dirname, 'samples');

const share: FleetEdit = { kind: 'share', host: 'doc2', device: { mapping: 'containers' } };

const edited = async (text: string, edit: FleetEdit) =>
  (await editSource(sourceOf('/srv/fleet/hosts.nix', text), edit, withoutNix)).after.text;

async function refused(action: () => Promise<unknown>): Promise<DrayageError> {
  const error = await action().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DrayageError) return error;
  throw new Error(`no error of drayage: ${String(error)}`);
}

describe('a share in hosts.nix', () => {
  test('stands behind what is there, in its indentation; comments stay where they are', async () => {
    expect(
      await edited(
        '{\n  doc2 = {\n    proxmox = {\n      vmid = 114;\n      cores = 4; memory = 8192;\n      disk = "32G"; # all of it\n      # the end\n    };\n  };\n}\n',
        { kind: 'share', host: 'doc2', device: { mapping: 'containers', cache: 'always', directIo: true } },
      ),
    ).toBe(
      '{\n  doc2 = {\n    proxmox = {\n      vmid = 114;\n      cores = 4; memory = 8192;\n      disk = "32G"; # all of it\n      virtiofs = {\n        mapping = "containers";\n        cache = "always";\n        direct_io = true;\n      };\n      # the end\n    };\n  };\n}\n',
    );
  });

  test('stands on the same line where all of it does', async () => {
    expect(
      await edited('{ doc2 = { proxmox = { vmid = 114; cores = 4; memory = 16; disk = "1G"; }; }; }', share),
    ).toBe(
      '{ doc2 = { proxmox = { vmid = 114; cores = 4; memory = 16; disk = "1G"; virtiofs = { mapping = "containers"; }; }; }; }',
    );
  });

  test('makes a list with one that is there for another mapping', async () => {
    const text = readFileSync(join(samples, 'hosts', '12-virtiofs-there.nix'), 'utf8');
    expect(await edited(text, share)).toContain(
      'virtiofs = [ {\n        mapping = "mirrors"; # read-mostly\n      } { mapping = "containers"; } ];',
    );
  });

  test('that is there keeps what the call does not name', async () => {
    const text = readFileSync(join(samples, 'hosts', '13-virtiofs-same-mapping.nix'), 'utf8');
    expect(await edited(text, share)).toBe(text);
    expect(
      await edited(text, { ...share, device: { mapping: 'containers', cache: 'auto', exposeAcl: true } }),
    ).toContain(
      '        # tuning of last year\n        cache = "auto";\n        mapping = "containers";\n        expose_acl = true;\n',
    );
  });

  test('keeps the line endings of the file', async () => {
    const text = readFileSync(join(samples, 'hosts', '06-crlf.nix'), 'utf8');
    const after = await edited(text, share);
    expect(after.split('\r\n').length).toBe(text.split('\r\n').length + 3);
    expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });

  test('goes with its line, and its comment stays', async () => {
    const unshare = { kind: 'unshare', host: 'doc2', mapping: 'containers' } as const;
    const before = '{\n  doc2.user = "x";\n}\n'.replace(
      'doc2.user = "x";',
      'doc2 = {\n    proxmox = {\n      vmid = 114; cores = 4; memory = 16; disk = "1G";\n      # the share\n      virtiofs = { mapping = "containers"; };\n    };\n  };',
    );
    expect(await edited(before, unshare)).toBe(
      before.replace('      virtiofs = { mapping = "containers"; };\n', ''),
    );
    expect(await edited(before.replace('"containers"', '"music"'), unshare)).toContain('music');
  });
});

describe('a new host in hosts.nix', () => {
  const values = {
    configurationFile: NixCode.path('./hosts/doc2/configuration.nix'),
    hostname: 'doc2',
    authorizedKeys: NixCode.variable('keys'),
    proxmox: {
      vmid: 114,
      cores: 4,
      memory: 8192,
      disk: '32G',
      tags: ['opentofu', 'nixos'],
      ignoreChangesExtra: [],
    },
  };

  test('stands behind the others, with an empty line before it', async () => {
    const before =
      'let\n  keys = [ ];\nin {\n  _proxmox = { host = "a"; node = "b"; };\n\n  doc1 = {\n    hostname = "doc1";\n  }; # the old one\n\n}\n';
    expect(await edited(before, { kind: 'host', attribute: 'doc2', values })).toBe(
      before.replace(
        '# the old one\n',
        [
          '# the old one',
          '',
          '  doc2 = {',
          '    configurationFile = ./hosts/doc2/configuration.nix;',
          '    hostname = "doc2";',
          '    authorizedKeys = keys;',
          '    proxmox = {',
          '      vmid = 114;',
          '      cores = 4;',
          '      memory = 8192;',
          '      disk = "32G";',
          '      tags = [ "opentofu" "nixos" ];',
          '      ignoreChangesExtra = [ ];',
          '    };',
          '  };',
          '',
        ].join('\n'),
      ),
    );
  });

  test.each([
    ['its attribute', { attribute: 'doc1', values: {} }, '"doc1" is a name of doc1'],
    ['its alias', { attribute: 'x', values: { sshAlias: 'old' } }, '"old" is a name of doc1'],
    ['its number', { attribute: 'x', values: { proxmox: { vmid: 104 } } }, 'vmid 104 is that of doc1'],
  ])('may not take %s from another', async (_what, host, seen) => {
    const text =
      '{\n  doc1 = { sshAlias = "old"; proxmox = { vmid = 104; cores = 1; memory = 16; disk = "1G"; }; };\n}';
    const error = await refused(() => edited(text, { kind: 'host', ...host }));
    expect(error).toMatchObject({ code: 'nix/taken', exit: 2, seen, where: '/srv/fleet/hosts.nix:2:3' });
    expect(error.next[0]).toMatch(/^choose another (name|vmid)$/);
  });
});

describe('an address in hosts.nix', () => {
  const set = { kind: 'set', host: 'doc2', key: 'localIp', value: '192.0.2.7' } as const;
  const whole =
    '{\n  doc2 = {\n    hostname = "doc2";\n    localIp = "192.0.2.1"; # fixed\n    proxmox = { vmid = 114; cores = 1; memory = 16; disk = "1G"; };\n  };\n}\n';

  test('is changed where it stands', async () => {
    expect(await edited(whole, set)).toBe(whole.replace('192.0.2.1"', '192.0.2.7"'));
  });

  test('is added to what the host has of its own, before its machine', async () => {
    expect(await edited(whole.replace(/ {4}localIp.*\n/, ''), set)).toBe(
      whole.replace('localIp = "192.0.2.1"; # fixed', 'localIp = "192.0.2.7";'),
    );
  });

  test('that is computed is left to its owner', async () => {
    const text = 'let net = n: "192.0.2.${n}"; in { doc2 = { localIp = "192.0.2.${"1"}"; }; }';
    const withNix = {
      name: 'controller',
      run: async () => ({
        exitCode: 0,
        stdout: Buffer.from('{"doc2":{"localIp":"192.0.2.1"}}'),
        stderr: Buffer.alloc(0),
      }),
    };
    const error = await refused(() => editSource(sourceOf('/srv/fleet/hosts.nix', text), set, withNix));
    expect(error).toMatchObject({
      code: 'nix/not-editable',
      seen: expect.stringContaining('a string with `${`'),
    });
    expect(error.next[0]).toContain('localIp = "192.0.2.7";');
  });
});

describe('what drayage does not understand', () => {
  /** As Nix reads it; without Nix it would be refused even before. */
  const evaluatedAs = (fleet: unknown) => ({
    name: 'controller',
    run: async () => ({ exitCode: 0, stdout: Buffer.from(JSON.stringify(fleet)), stderr: Buffer.alloc(0) }),
  });
  const fleet = {
    doc2: { hostname: 'doc2', proxmox: { vmid: 114, cores: 4, memory: 8192, disk: '32G' } },
  };

  test.each([
    ['computed-proxmox', '3:15', 'an operation (//)'],
    ['called-proxmox', '3:41', 'a function call'],
    ['named-proxmox', '3:22', 'the name "vm"'],
    ['inherited-proxmox', '3:20', 'an `inherit`'],
    ['recursive-root', '1:1', 'a `rec` set'],
    ['recursive-proxmox', '2:22', 'a `rec` set'],
    ['dotted-proxmox', '3:5', 'a dotted path'],
    ['dotted-host', '2:3', 'a dotted path'],
    ['dotted-virtiofs', '5:7', 'a dotted path'],
    ['root-merge', '1:1', 'an operation (//)'],
    ['computed-virtiofs', '6:18', 'an operation (//)'],
    ['computed-mapping', '6:32', 'a string with `${`'],
    ['no-proxmox', '2:10', 'a set without "proxmox"'],
    ['computed-names', '4:29', 'a name that is computed'],
  ])('%s is refused with its place, and the text to paste', async (name, place, what) => {
    const file = join(samples, 'refused', `${name}.nix`);
    const before = readFileSync(file);
    const error = await refused(() => editFleet(file, share, evaluatedAs(fleet)));
    expect(error).toMatchObject({ code: 'nix/not-editable', exit: 2, where: `${file}:${place}` });
    expect(error.seen).toContain(what);
    expect(error.next).toEqual([
      `write this yourself into doc2.proxmox, at ${file}:${place}:\nvirtiofs = {\n  mapping = "containers";\n};`,
    ]);
    expect(readFileSync(file)).toEqual(before);
  });
});

test('a host that is there twice is refused before anything else is looked at', async () => {
  const file = join(samples, 'refused', 'host-in-two-parts.nix');
  const error = await refused(() => editFleet(file, share, withoutNix));
  expect(error).toMatchObject({ code: 'nix/host-twice', exit: 2, where: `${file}:3:3` });
});

describe('the proof of an edit', () => {
  const prove = (before: string, after: string) =>
    proveEdit(withoutNix, sourceOf('/srv/hosts.nix', before), sourceOf('/srv/hosts.nix', after), {
      path: ['a', 'b'],
      value: () => 2,
    });

  test.each([
    ['nothing changed', '{ a = { b = 1; }; }', '{ a = { b = 1; }; }', 'a.b'],
    ['another value', '{ a = { b = 1; }; }', '{ a = { b = 3; }; }', 'a.b'],
    ['something beside it', '{ a = { b = 1; }; c = 1; }', '{ a = { b = 2; }; c = 2; }', 'c'],
    ['something is gone', '{ a = { b = 1; }; c = 1; }', '{ a = { b = 2; }; }', 'c'],
    ['something is new', '{ a = { b = 1; }; }', '{ a = { b = 2; d = 1; }; }', 'a.d'],
    ['something computed', '{ a = { b = 1; }; c = f 1; }', '{ a = { b = 2; }; c = f 2; }', 'c.computed'],
  ])('fails when %s', async (_what, before, after, where) => {
    const error = await refused(() => prove(before, after));
    expect(error).toMatchObject({ code: 'nix/other-difference', exit: 5 });
    expect(error.seen).toContain(`${where} would be another value`);
    expect(error.next).toEqual(['change a.b in /srv/hosts.nix yourself']);
  });

  test('holds for exactly the intended difference, and says that Nix was not asked', async () => {
    expect(await prove('{ a = { b = 1; }; }', '{ a = { b = 2; }; }')).toBe(false);
  });
});
