/** What `guest integrate` enters in hosts.nix: real edits, evaluated by Nix where this machine has it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type GuestWorld, startGuestWorld } from './world.ts';

let world: GuestWorld;
afterEach(() => world.close());

const open = async (hosts: string) => {
  world = await startGuestWorld({ more: 'hosts: { file: hosts.nix }\n' });
  writeFileSync(join(world.cwd, 'hosts.nix'), hosts);
};
const key = () => world.hostKey().split(' ').slice(0, 2).join(' ');
const run = (...args: string[]) => world.run(['doc2', '--yes', ...args]);

const before = [
  '# The fleet.',
  '{',
  '  _proxmox = { host = "192.0.2.1"; node = "prom"; };',
  '  doc1 = { sshAlias = "doc1"; localIp = "192.0.2.2"; };',
  '',
  '  stack2 = {',
  '    sshAlias = "doc2"; # the new one',
  '    proxmox = { vmid = 114; cores = 1; memory = 1024; disk = "8G"; };',
  '  };',
  '}',
  '',
].join('\n');

it('address and host key of a host that is there, by its alias; the second time nothing', async () => {
  await open(before);
  const ended = await run();
  expect(ended.stderr).toContain(`+    publicKey = "${key()}";`);
  expect(ended.exitCode).toBe(0);
  const after = before.replace(
    '# the new one\n',
    `# the new one\n    localIp = "127.0.0.1";\n    publicKey = "${key()}";\n`,
  );
  expect(world.file('hosts.nix')).toBe(after);
  const again = await run();
  expect(again.stderr).toContain('Nothing to do.');
  expect(world.file('hosts.nix')).toBe(after);
});

it('an older key and an older address become those of the guest, and nothing else', async () => {
  const old = before.replace(
    '# the new one\n',
    '# the new one\n    localIp = "192.0.2.99";\n    publicKey = "ssh-ed25519 AAAAold";\n',
  );
  await open(old);
  expect((await run()).exitCode).toBe(0);
  expect(world.file('hosts.nix')).toBe(
    old.replace('192.0.2.99', '127.0.0.1').replace('ssh-ed25519 AAAAold', key()),
  );
});

it('a host that is not there yet, as the machine is', async () => {
  await open('{\n  _proxmox = { host = "192.0.2.1"; node = "prom"; defaultStorage = "local"; };\n}\n');
  expect((await run()).exitCode).toBe(0);
  expect(world.file('hosts.nix')).toBe(
    [
      '{',
      '  _proxmox = { host = "192.0.2.1"; node = "prom"; defaultStorage = "local"; };',
      '',
      '  doc2 = {',
      '    hostname = "doc2";',
      '    sshAlias = "doc2";',
      '    localIp = "127.0.0.1";',
      `    publicKey = "${key()}";`,
      '    proxmox = {',
      '      vmid = 114;',
      '      cores = 1;',
      '      memory = 1024;',
      '      disk = "as-it-is";',
      '    };',
      '  };',
      '}',
      '',
    ].join('\n'),
  );
  expect((await run()).stderr).toContain('Nothing to do.');
});

it('what cannot be edited is shown to be pasted, and the rest of the guest is fitted in all the same', async () => {
  const computed = before.replace('stack2 = {', 'stack2 = { } // {');
  await open(computed);
  const ended = await run();
  expect(ended.stderr).toContain(`publicKey = "${key()}";`);
  expect(ended.stderr).toContain('localIp = "127.0.0.1";');
  expect(ended.stderr).toMatch(/hosts\.nix:6:\d+: an operation \(\/\/\)/);
  expect(ended.exitCode).toBe(0);
  expect(world.file('hosts.nix')).toBe(computed);
  expect(world.file('drayage.yaml')).toContain('ssh: root@127.0.0.1');
});

it('another machine of that name, and a file that is no Nix, stop it; --skip hosts leaves the file alone', async () => {
  await open(before.replace('114', '999'));
  const other = await run();
  expect(other.exitCode).toBe(2);
  expect(other.stderr).toContain('doc2 is VM 114, and stack2.proxmox.vmid is 999');
  expect(other.stderr).toContain('-> drayage guest integrate doc2 --skip hosts');
  writeFileSync(join(world.cwd, 'hosts.nix'), '{ doc2 = {\n');
  expect(await run()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('nix/syntax') });
  expect((await run('--skip', 'hosts')).exitCode).toBe(0);
  expect(world.file('hosts.nix')).toBe('{ doc2 = {\n');
});
