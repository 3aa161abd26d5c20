import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { editProviderVersion } from '../../src/nix/provider-version.ts';

const pinned = `# The provider, as a function of what the fleet says.
{ proxmoxConfig, ... }: {
  terraform = {
    required_version = ">= 1.6.0";
    required_providers = {
      other = { source = "somebody/other"; version = "~> 1.0"; };
      proxmox = {
        source = "bpg/proxmox"; # not telmate
        version = "~> 0.70.0"; # too old for virtiofs
      };
    };
  };
  provider.proxmox.endpoint = "https://\${proxmoxConfig.host}:8006/";
}
`;

describe('the version of the provider in a Nix file', () => {
  let file = '';
  beforeEach(() => {
    file = join(mkdtempSync(join(tmpdir(), 'drayage-provider-')), 'provider.nix');
  });
  afterEach(() => rmSync(join(file, '..'), { recursive: true, force: true }));

  test('is one string, and nothing else changes', async () => {
    writeFileSync(file, pinned);
    const edit = await editProviderVersion(file, '~> 0.111.0');
    expect(edit).toMatchObject({ changed: true, from: '~> 0.70.0', to: '~> 0.111.0' });
    expect(edit.after.text).toBe(pinned.replace('~> 0.70.0', '~> 0.111.0'));
    expect(readFileSync(file, 'utf8')).toBe(pinned);
  });

  test('that is right already stays', async () => {
    writeFileSync(file, pinned);
    expect(await editProviderVersion(file, '~> 0.70.0')).toMatchObject({ changed: false });
  });

  test.each([
    ['no provider', '{ }', /:1:1$/, '0 sets with source'],
    [
      'two of them',
      '[ { source = "bpg/proxmox"; } { source = "registry.opentofu.org/bpg/proxmox"; } ]',
      /:1:31$/,
      '2 sets',
    ],
    ['a version that is computed', '{ source = "bpg/proxmox"; version = v; }', /:1:1$/, 'no plain `version`'],
    ['no version', '{ source = "bpg/proxmox"; }', /:1:1$/, 'no plain `version`'],
  ])('is refused with what to write: %s', async (_what, text, where, seen) => {
    writeFileSync(file, text);
    await expect(editProviderVersion(file, '>= 0.76.0')).rejects.toMatchObject({
      code: 'nix/not-editable',
      exit: 2,
      where: expect.stringMatching(where),
      seen: expect.stringContaining(seen),
      next: ['write this yourself into terraform.required_providers.proxmox:\nversion = ">= 0.76.0";'],
    });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});
