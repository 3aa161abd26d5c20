import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TestSshd {
  /** A Host of `configFile`: the user who runs the tests, on 127.0.0.1. */
  readonly destination: string;
  /** For `ssh -F`. */
  readonly configFile: string;
  readonly port: number;
  /** Private to this server: keys, known_hosts, authorized_keys, log. Removed by `stop`. */
  readonly folder: string;
  /** Private key that the server accepts. */
  readonly identity: string;
  /** Makes the server show another host key from the next connection on. */
  changeHostKey(): Promise<void>;
  /** Ends the server and everything that was started through it. */
  stop(): Promise<void>;
}

/** A real sshd on a free port of 127.0.0.1, with keys of its own. Nothing of the user's ssh configuration is read or changed. */
export async function startSshd(
  options: {
    /** PATH of the sessions. */
    readonly path?: string;
    /** Lines of sshd_config. */
    readonly extraConfig?: readonly string[];
  } = {},
): Promise<TestSshd> {
  const folder = await mkdtemp(join(tmpdir(), 'drayage-sshd-'));
  const at = (file: string) => join(folder, file);
  const port = await freePort();
  const destination = `box-${port}`;
  makeKey(at('host_key'));
  makeKey(at('id'));
  await copyFile(at('id.pub'), at('authorized_keys'));
  const trust = async () => {
    const [type, key] = readFileSync(at('host_key.pub'), 'utf8').split(' ');
    await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${type} ${key?.trim()}\n`);
  };
  await trust();
  await writeFile(
    at('sshd_config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${at('host_key')}`,
      `AuthorizedKeysFile ${at('authorized_keys')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin yes',
      // A login shell must not read the dotfiles of whoever runs the tests.
      `SetEnv HOME=${folder} PATH=${options.path ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'}`,
      'MaxSessions 50',
      'MaxStartups 100',
      ...(options.extraConfig ?? []),
      '',
    ].join('\n'),
  );
  await writeFile(
    at('ssh_config'),
    [
      `Host ${destination}`,
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      `  User ${userInfo().username}`,
      `  IdentityFile ${at('id')}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      `  UserKnownHostsFile ${at('known_hosts')}`,
      '  GlobalKnownHostsFile none',
      '  StrictHostKeyChecking yes',
      '',
    ].join('\n'),
  );
  // sshd needs its privilege separation folder, which a service manager makes elsewhere.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });

  let server = await launch(at('sshd_config'), at('sshd.log'), port);
  const kill = async () => {
    for (const pid of [...descendants(server), server]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  };
  return {
    destination,
    configFile: at('ssh_config'),
    port,
    folder,
    identity: at('id'),
    async changeHostKey() {
      await kill();
      await rm(at('host_key'));
      await rm(at('host_key.pub'));
      await rm(at('sshd.log'));
      makeKey(at('host_key'));
      server = await launch(at('sshd_config'), at('sshd.log'), port);
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port of 127.0.0.1 on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function makeKey(file: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
}

async function launch(config: string, log: string, port: number): Promise<number> {
  const child = spawn('/usr/sbin/sshd', ['-D', '-f', config, '-E', log], { stdio: 'ignore' });
  const { pid } = child;
  if (pid === undefined) throw new Error('sshd did not start: is openssh-server installed?');
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${readFileSync(log, 'utf8')}`);
    if (readLog(log).includes(`listening on 127.0.0.1 port ${port}.`)) {
      child.unref();
      return pid;
    }
    await sleep(50);
  }
  process.kill(pid, 'SIGKILL');
  throw new Error(`sshd does not listen: ${readLog(log)}`);
}

function readLog(log: string): string {
  try {
    return readFileSync(log, 'utf8');
  } catch {
    return '';
  }
}

/** Every process below one, the sessions of sshd included, which are in process groups of their own. */
function descendants(of: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended while we looked.
    }
  }
  const found: number[] = [];
  for (let next = [of]; next.length > 0; ) {
    next = [...parents].filter(([, parent]) => next.includes(parent)).map(([pid]) => pid);
    found.unshift(...next);
  }
  return found;
}
