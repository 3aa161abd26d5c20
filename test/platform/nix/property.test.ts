/** Random fleets and random edits, all judged by one run of the real Nix: it evaluates slowly to begin with, not many texts. */
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editSource } from '../../../src/nix/edit-fleet.ts';
import { sourceOf } from '../../../src/nix/source.ts';
import { withoutNix } from '../../nix/no-nix.ts';
import { randomFleet } from '../../nix/random-fleet.ts';

/** What Nix makes of each text. */
function byNix(texts: readonly string[]): unknown[] {
  return JSON.parse(
    execFileSync('nix-instantiate', ['--store', 'dummy://', '--eval', '--json', '--strict', '-'], {
      cwd: tmpdir(),
      input: `[\n${texts.map((text) => `(${text}\n)`).join('\n')}\n]`,
      env: { ...process.env, NIX_CONFIG: 'build-users-group =' },
      maxBuffer: 2 ** 28,
      stdio: ['pipe', 'pipe', 'ignore'],
    }).toString('utf8'),
  );
}

describe('200 random fleets', () => {
  const fleets = fc.sample(randomFleet, 200);

  test('are to Nix what they are to drayage', () => {
    expect(byNix(fleets.map(({ text }) => text))).toEqual(fleets.map(({ value }) => value));
  });

  test('edited, are to Nix exactly what was intended', async () => {
    const edited = await Promise.all(
      fleets.map(async ({ text, value }) => {
        const key = value.target?.user;
        const wanted = `ssh-ed25519 ${typeof key === 'string' ? key : ''}`;
        const set = await editSource(
          sourceOf('/srv/hosts.nix', text),
          { kind: 'set', host: 'target', key: 'publicKey', value: wanted },
          withoutNix,
        );
        const values = { sshAlias: 'its own', proxmox: { vmid: 120, cores: 1, memory: 64, disk: '1G' } };
        const added = await editSource(
          set.after,
          { kind: 'host', attribute: 'one-more', values },
          withoutNix,
        );
        const removed = await editSource(
          added.after,
          { kind: 'unshare', host: 'target', mapping: 'containers' },
          withoutNix,
        );
        const shared = await editSource(
          removed.after,
          {
            kind: 'share',
            host: 'target',
            device: { mapping: 'containers', cache: 'metadata', directIo: true },
          },
          withoutNix,
        );
        const proxmox = { ...(value.target?.proxmox as Record<string, unknown>) };
        const there = proxmox.virtiofs;
        const left = (there === undefined ? [] : [there].flat()).filter(
          (device) => ((device as { mapping?: string }).mapping ?? 'containers') !== 'containers',
        );
        const device = { mapping: 'containers', cache: 'metadata', direct_io: true };
        const stays = Array.isArray(there) && left.length > 0;
        proxmox.virtiofs = left.length === 0 && !stays ? device : [...left, device];
        return {
          text: shared.after.text,
          value: { ...value, target: { ...value.target, publicKey: wanted, proxmox }, 'one-more': values },
        };
      }),
    );
    expect(byNix(edited.map(({ text }) => text))).toEqual(edited.map(({ value }) => value));
  });
});
