/**
 * A small world for the command line: the API emulator and three real sshd's on the loopback, which stand for prom, doc1
 * and doc2 with a few programs replaced. Everything that looks works; nothing in it could carry out a plan.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, secret, startBench } from '../../lab-kit/proxmox/bench.ts';
import { startSshd, type TestSshd } from '../../support/sshd.ts';

const root = join(import.meta.dirname, '../../..');
const cli = join(root, 'src/cli/main.ts');
/** Compiled once for all tests: half of what a command takes. */
const compiled = join(root, 'node_modules/.cache/drayage-compiled');

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs drayage as a user would, in a folder, without a terminal. Nothing of the environment but PATH is passed on. */
export function drayage(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: options.cwd, NODE_COMPILE_CACHE: compiled, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    texts.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    texts.stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, ...texts }));
  });
}

/** Every file below a folder with its content, so that two states can be compared. */
export function filesBelow(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => [path, readFileSync(path, 'base64')]),
  );
}

/** Programs of a machine: name -> text of a shell script. */
type Programs = Readonly<Record<string, string>>;

const datasetRow = (available: string, path: string) =>
  [
    ...['nvmeprom/containers', '24576', available, '24576', 'yes', 'on', 'off', 'posix'],
    ...['on', '131072', 'on', '0', '0', '14064300717093013981', path],
  ].join('\\t');

/** A shell in which some programs, `test` among them, answer otherwise. */
const shell = (functions: string) => `exec /bin/sh -c '${functions}'"$2"\n`;

function promPrograms(folder: string): Programs {
  return {
    pveversion: 'echo "pve-manager/9.1.4/5ac30304265fbd8e (running kernel: 6.17.2-1-pve)"\n',
    zpool:
      'printf "nvmeprom\\t2000000000000\\t1000000000000\\t1000000000000\\tONLINE\\t1234567890\\toff\\n"\n',
    zfs: [
      '[ "$1" = version ] && { printf "zfs-2.3.9-1\\nzfs-kmod-2.3.9-1\\n"; exit 0; }',
      `[ -e ${folder}/available ] || { echo "cannot open '$9': dataset does not exist" >&2; exit 1; }`,
      `printf "${datasetRow(`$(cat ${folder}/available)`, `${folder}/share`)}\\n"`,
      '',
    ].join('\n'),
    sh: shell(
      'test() { [ "$*" = "-x /usr/libexec/virtiofsd" ] || command test "$@"; }; cat() { if [ "$*" = /proc/sys/kernel/hostname ]; then echo prom; else command cat "$@"; fi; }; ',
    ),
  };
}

const guestPrograms: Programs = {
  docker: 'exit 127\n',
  systemctl: 'exit 0\n',
  podman: '[ "$1" = --version ] && echo podman version 5.4.2; exit 0\n',
};

/** On the target, the source path is not there: both guests are this one machine. */
const targetShell = (folder: string) =>
  shell(`stat() { case "$*" in *${folder}/*) return 1;; *) command stat "$@";; esac; }; `);

export interface CliWorld {
  readonly folder: string;
  /** Where drayage is run: holds drayage.yaml and nothing else. */
  readonly cwd: string;
  /** The source path, with a few files in it. */
  readonly source: string;
  readonly bench: Bench;
  readonly sshd: Readonly<Record<'prom' | 'doc1' | 'doc2', TestSshd>>;
  readonly env: Readonly<Record<string, string>>;
  /** Bytes that the share's dataset, which then exists, has left. */
  setAvailable(bytes: number): void;
  /** Writes drayage.yaml, with some of its text replaced, and runs drayage there. */
  run(
    args: readonly string[],
    change?: {
      readonly replace?: readonly [string, string][];
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Promise<Ended>;
  /** What the API was asked that was not a question. */
  writes(): string[];
  close(): Promise<void>;
}

export async function startWorld(narrow: Record<string, string[]> = {}): Promise<CliWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-cli-'));
  const cwd = join(folder, 'work');
  const source = join(folder, 'mnt-docker');
  mkdirSync(cwd);
  mkdirSync(join(source, 'web'), { recursive: true });
  writeFileSync(join(source, 'web/index.html'), 'hello\n');
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    await Promise.all(closers.map((one) => one()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const machine = async (name: string, programs: Programs) => {
      const bin = join(folder, `bin-${name}`);
      mkdirSync(bin);
      for (const [program, text] of Object.entries(programs)) {
        writeFileSync(join(bin, program), `#!/bin/sh\n${text}`);
        chmodSync(join(bin, program), 0o755);
      }
      const sshd = await startSshd({
        path: `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      });
      closers.push(() => sshd.stop());
      return sshd;
    };
    const [prom, doc1, doc2] = await Promise.all([
      machine('prom', promPrograms(folder)),
      machine('doc1', guestPrograms),
      machine('doc2', { ...guestPrograms, sh: targetShell(folder) }),
    ]);
    const bench = await startBench({}, narrow);
    closers.push(() => bench.close());
    bench.writeConf(114, 'agent: 1\ncores: 1\nmemory: 1024\nname: doc2\n');
    bench.machines.up.add(104).add(114);
    const sshConfig = join(folder, 'ssh_config');
    const hosts = [prom, doc1, doc2].map((sshd) => readFileSync(sshd.configFile, 'utf8'));
    writeFileSync(sshConfig, hosts.join('\n'));
    const yaml = [
      'cluster:',
      `  endpoint: ${bench.api.url}`,
      `  fingerprint: "${bench.api.fingerprint}"`,
      'ssh:',
      `  config: ${sshConfig}`,
      'nodes:',
      `  prom: { ssh: ${prom.destination} }`,
      'guests:',
      `  doc1: { vmid: 104, ssh: ${doc1.destination} }`,
      `  doc2: { vmid: 114, ssh: ${doc2.destination} }`,
      'shares:',
      '  containers:',
      '    node: prom',
      '    dataset: nvmeprom/containers',
      `    path: ${folder}/share`,
      '    owner: "1000:100"',
      'moves:',
      '  docker:',
      `    from: { guest: doc1, path: ${source} }`,
      '    to: { share: containers, guest: doc2 }',
      '',
    ].join('\n');
    const env = { PROXMOX_VE_API_TOKEN: `root@pam!drayage=${secret}` };
    return {
      folder,
      cwd,
      source,
      bench,
      sshd: { prom, doc1, doc2 },
      env,
      setAvailable: (bytes) => writeFileSync(join(folder, 'available'), String(bytes)),
      run: (args, change = {}) => {
        const text = (change.replace ?? []).reduce((whole, [from, to]) => {
          if (!whole.includes(from)) throw new Error(`the file has no ${from}`);
          return whole.replace(from, to);
        }, yaml);
        writeFileSync(join(cwd, 'drayage.yaml'), text);
        return drayage(args, { cwd, env: { ...env, ...change.env } });
      },
      writes: () =>
        bench
          .records()
          .filter(({ method }) => method !== 'GET')
          .map(({ method, path }) => `${method} ${path}`),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
