import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type GuestWorld, startGuestWorld } from './world.ts';

let world: GuestWorld;
afterEach(() => world.close());

const told = async (args: readonly string[], code: number, ...texts: string[]) => {
  const before = [world.file('drayage.yaml'), world.file('known_hosts')];
  const ended = await world.run(args);
  for (const text of texts) expect(ended.stderr.replace(/\s+/g, ' ')).toContain(text);
  expect(ended.exitCode).toBe(code);
  expect([world.file('drayage.yaml'), world.file('known_hosts')]).toEqual(before);
};

it('the address and the host key come from the guest agent, and are entered; the second time nothing is done', async () => {
  world = await startGuestWorld();
  const ended = await world.run(['doc2', '--yes']);
  expect(ended.stderr).toContain('The guest agent read it inside the guest');
  expect(ended.stderr).toContain('No share of drayage.yaml is meant for doc2');
  expect(ended.exitCode).toBe(0);
  const [type, key] = world.hostKey().split(' ');
  expect(world.file('known_hosts')).toBe(
    `elsewhere ssh-ed25519 AAAA\n[127.0.0.1]:${world.sshd.port} ${type} ${key}\n`,
  );
  expect(world.file('drayage.yaml')).toContain(
    '  doc2: # to be\n    create: { template: 9000 }\n    vmid: 114\n    ssh: root@127.0.0.1\n',
  );
  await told(['doc2', '--yes'], 0, 'Nothing to do.');
  expect(world.writes()).toEqual([]);
});

it('a machine with another key than the guest is not believed', async () => {
  world = await startGuestWorld();
  const other = execFileSync('sh', [
    '-c',
    'ssh-keygen -q -t ed25519 -N "" -f "$1/other" && cat "$1/other.pub"',
    'sh',
    world.cwd,
  ]);
  world.setHostKey(other.toString());
  await told(['doc2', '--yes', '--wait', '1'], 5, 'integrate/other-machine', 'Nothing was sent to it');
});

it('without the word of the agent, the fingerprint of the console is needed', async () => {
  world = await startGuestWorld();
  world.setHostKey(undefined);
  const fingerprint = execFileSync('ssh-keygen', ['-lf', join(world.sshd.folder, 'host_key.pub')])
    .toString()
    .split(' ')[1] as string;
  await told(
    ['doc2', '--yes', '--wait', '1'],
    5,
    'integrate/host-key-unknown',
    `-> on the console of doc2, not over ssh: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`,
    `drayage guest integrate doc2 --host-key ${fingerprint}`,
  );
  await told(
    ['doc2', '--yes', '--wait', '1', '--host-key', `SHA256:${'A'.repeat(43)}`],
    5,
    'integrate/other-machine',
  );
  const ended = await world.run(['doc2', '--yes', '--host-key', fingerprint]);
  expect(ended.stderr).toContain('You have compared it with what the console of the guest shows.');
  expect(ended.exitCode).toBe(0);
});

it('an older key in known_hosts is not taken away', async () => {
  world = await startGuestWorld();
  const old = readFileSync(join(world.sshd.folder, 'id.pub'), 'utf8').split(' ').slice(0, 2).join(' ').trim();
  writeFileSync(join(world.cwd, 'known_hosts'), `[127.0.0.1]:${world.sshd.port} ${old}\n`);
  await told(
    ['doc2', '--yes'],
    5,
    'guest/other-host-key',
    `ssh-keygen -R '[127.0.0.1]:${world.sshd.port}' -f`,
  );
});

it('what is not there, or does not run, is told with what to do', async () => {
  world = await startGuestWorld();
  await told(['doc9', '--yes'], 5, 'integrate/no-guest', '-> drayage guest new doc9');
  await told(['doc2', '--share', 'media', '--yes'], 2, 'integrate/unknown-share');
  await told(['doc2', '--moves', '--yes'], 2, 'usage/no-moves', '-> drayage guest integrate doc2');
  await told(['doc2', '--skip', 'coffee'], 2, 'Allowed choices are known-hosts');
  world.bench.machines.up.delete(114);
  await told(['doc2', '--yes'], 5, 'integrate/stopped', 'qm start 114');
});
