/** A cluster with one running guest: a real sshd on the loopback, whose guest agent tells what a test says. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, secret, startBench } from '../../lab-kit/proxmox/bench.ts';
import { startSshd, type TestSshd } from '../../support/sshd.ts';
import { drayage, type Ended } from '../cli/world.ts';

const mac = 'BC:24:11:00:01:14';

export interface GuestWorld {
  readonly bench: Bench;
  readonly sshd: TestSshd;
  readonly cwd: string;
  /** Programs for the controller. */
  readonly bin: string;
  run(args: readonly string[]): Promise<Ended>;
  file(name: 'drayage.yaml' | 'known_hosts' | 'hosts.nix'): string;
  /** What the guest agent reads; undefined: it refuses to read files. */
  setHostKey(text: string | undefined): void;
  hostKey(): string;
  writes(): string[];
  close(): Promise<void>;
}

/** Writes programs into a folder: name -> text of a shell script. */
export function programs(folder: string, texts: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}`);
    chmodSync(join(folder, name), 0o755);
  }
}

export async function startGuestWorld(
  options: { readonly guestPrograms?: Readonly<Record<string, string>>; readonly more?: string } = {},
): Promise<GuestWorld> {
  const bench = await startBench();
  const [cwd, bin, guestBin] = ['work', 'bin', 'guest-bin'].map((name) => join(bench.folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(cwd);
  programs(bin, {});
  programs(guestBin, options.guestPrograms ?? { podman: 'exit 127\n' });
  const sshd = await startSshd({
    path: `${guestBin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  });
  bench.writeConf(114, `agent: 1\nmemory: 1024\nname: doc2\nnet0: virtio=${mac},bridge=vmbr0\n`);
  bench.machines.up.add(114);
  const hostKey = () => readFileSync(join(sshd.folder, 'host_key.pub'), 'utf8').trim();
  const setHostKey = (text: string | undefined) => {
    bench.machines.agentAnswers = {
      'guest-ping': {},
      'guest-network-get-interfaces': [
        { name: 'lo', 'hardware-address': '00:00:00:00:00:00', 'ip-addresses': [address('127.0.0.9')] },
        { name: 'podman0', 'hardware-address': '02:00:00:00:00:01', 'ip-addresses': [address('10.88.0.1')] },
        { name: 'eth0', 'hardware-address': mac.toLowerCase(), 'ip-addresses': [address('127.0.0.1')] },
      ],
      'guest-file-open': text === undefined ? new Error('Command guest-file-open has been disabled') : 1000,
      'guest-file-read': {
        count: text?.length ?? 0,
        'buf-b64': Buffer.from(text ?? '').toString('base64'),
        eof: true,
      },
      'guest-file-close': {},
    };
  };
  setHostKey(hostKey());
  const sshConfig = join(cwd, 'ssh_config');
  writeFileSync(join(cwd, 'known_hosts'), 'elsewhere ssh-ed25519 AAAA');
  writeFileSync(
    sshConfig,
    [
      'Host 127.0.0.1',
      `  Port ${sshd.port}`,
      `  IdentityFile ${sshd.identity}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      `  UserKnownHostsFile ${join(cwd, 'known_hosts')}`,
      '  GlobalKnownHostsFile none',
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(cwd, 'drayage.yaml'),
    [
      'cluster:',
      `  endpoint: ${bench.api.url}`,
      `  fingerprint: "${bench.api.fingerprint}"`,
      `ssh: { config: ${sshConfig} }`,
      'nodes: { prom: { ssh: root@prom } }',
      'guests:',
      '  doc2: # to be',
      '    create: { template: 9000 }',
      'shares: {}',
      'moves: {}',
      options.more ?? '',
    ].join('\n'),
  );
  return {
    bench,
    sshd,
    cwd,
    bin,
    hostKey,
    setHostKey,
    run: (args) =>
      drayage(['guest', 'integrate', ...args], {
        cwd,
        env: { PROXMOX_VE_API_TOKEN: `root@pam!drayage=${secret}`, PATH: `${bin}:${process.env.PATH}` },
      }),
    file: (name) => readFileSync(join(cwd, name), 'utf8'),
    writes: () =>
      bench
        .records()
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path }) => `${method} ${path}`),
    close: async () => {
      await sshd.stop();
      await bench.close();
    },
  };
}

const address = (ip: string) => ({ 'ip-address': ip, 'ip-address-type': 'ipv4', prefix: 24 });
