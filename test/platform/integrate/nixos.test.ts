/** NixOS by stand-in programs: what drayage runs, and in which order. It proves nothing about a real NixOS. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type GuestWorld, programs, startGuestWorld } from './world.ts';

let world: GuestWorld;
afterEach(() => world.close());

const system = '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-nixos-system-doc2-25.11';
const recipient = 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq';

it('the flake is built here, the guest switches by a unit of its own, and its secrets are encrypted anew', async () => {
  world = await startGuestWorld({
    more: 'hosts: { file: hosts.nix }\n',
    guestPrograms: {
      podman: 'exit 127\n',
      cat: '[ "$1" = /etc/os-release ] && { echo ID=nixos; exit 0; }; exec /bin/cat "$@"\n',
      'nixos-generate-config':
        'echo "{ ... }: { boot.initrd.availableKernelModules = [ \\"virtio_pci\\" ]; }"\n',
      readlink: '[ -e "$HOME/switched" ] && echo $(/bin/cat "$HOME/switched") || echo /nix/store/old\n',
      systemctl: '[ "$1" = show ] && { echo Result=success; echo ActiveState=active; }; exit 0\n',
      'systemd-run': `echo "$@" >"$HOME/run"; echo ${system} >"$HOME/switched"\n`,
    },
  });
  const { bin, cwd } = world;
  const log = join(cwd, 'log');
  programs(bin, {
    nix: `echo ${system}\n`,
    'nixos-rebuild': `echo "nixos-rebuild $*" >>${log}\n`,
    'ssh-to-age': `[ "$(cut -d' ' -f1)" = ssh-ed25519 ] && echo ${recipient}\n`,
    sops: `echo "sops $*" >>${log}; printf '  - recipient: ${recipient}\\n' >>"$4"\n`,
  });
  mkdirSync(join(cwd, 'hosts/doc2'), { recursive: true });
  writeFileSync(
    join(cwd, 'hosts.nix'),
    '{ doc2 = { hostname = "doc2"; proxmox = { vmid = 114; cores = 2; memory = 2048; disk = "32G"; }; }; }\n',
  );
  writeFileSync(join(cwd, '.sops.yaml'), `keys:\n  - &doc2 ${recipient}\n`);
  writeFileSync(join(cwd, 'secret.yaml'), 'a: ENC[x]\nsops:\n  age: []\n');
  execFileSync('sh', ['-c', 'git init -q . && git add hosts.nix .sops.yaml secret.yaml'], { cwd });

  const ended = await world.run(['doc2', '--yes']);
  expect(ended.stderr).toContain('publicKey = "ssh-ed25519 ');
  expect(ended.exitCode).toBe(0);
  expect(readFileSync(log, 'utf8')).toBe(
    [
      'sops updatekeys --yes -- secret.yaml',
      `nixos-rebuild boot --flake ${cwd}#doc2 --target-host root@127.0.0.1`,
      '',
    ].join('\n'),
  );
  expect(readFileSync(join(world.sshd.folder, 'run'), 'utf8')).toContain(
    '/nix/var/nix/profiles/system/bin/switch-to-configuration switch',
  );
  expect(readFileSync(join(cwd, 'hosts/doc2/hardware-configuration.nix'), 'utf8')).toContain('virtio_pci');
  const known = execFileSync('git', ['ls-files'], { cwd }).toString();
  expect(known).toContain('hosts/doc2/hardware-configuration.nix');
  expect(readFileSync(join(cwd, 'hosts.nix'), 'utf8')).toContain('publicKey = "ssh-ed25519 ');

  const again = await world.run(['doc2', '--yes']);
  expect(again.stderr).toContain('Nothing to do.');
  expect(readFileSync(log, 'utf8').split('\n')).toHaveLength(3);

  // A guest that .sops.yaml does not name: only the operator can say which rules it belongs to.
  writeFileSync(join(cwd, '.sops.yaml'), 'keys: []\n');
  const unnamed = await world.run(['doc2', '--yes']);
  expect(unnamed.stderr).toContain(`- &doc2 ${recipient}`);
  expect(unnamed.stderr).toContain('drayage guest integrate doc2 --skip secrets');
  expect(unnamed.exitCode).not.toBe(0);
  expect((await world.run(['doc2', '--yes', '--skip', 'secrets'])).exitCode).toBe(0);
  expect(existsSync(join(cwd, '.drayage'))).toBe(true);
});
