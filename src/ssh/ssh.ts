import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sshError } from './errors.ts';
import { type SshTarget, sshByHand, sshFailure, sudoFailure } from './failure.ts';
import type { Host } from './host.ts';
import { type ProcessEnd, runProcess } from './process.ts';
import { quoteArgv } from './quote.ts';

export interface SshAccess extends SshTarget {
  /** Run every command through `sudo -n`. */
  readonly sudo?: boolean;
  /** A private folder for connection sockets and ssh's own log; short, see ssh/control-path. */
  readonly controlFolder: string;
  /** Options of ssh_config(5) that go before those of any configuration. */
  readonly options?: Readonly<Record<string, string>>;
}

export interface SshHost extends Host {
  /** Ends the shared connection; commands that still use it end with it. */
  close(): Promise<void>;
}

/** sun_path is 104 bytes on BSD and macOS, with the NUL; ssh binds `<path>.<16 random>` first and renames. */
const controlPathLimit = 104 - 1 - 17;

/** What the login shell of the machine is given: words that sh, bash, zsh and fish read alike, in the C locale. */
export function remoteCommand(argv: readonly string[], sudo = false): string {
  return quoteArgv(['env', 'LC_ALL=C', ...(sudo ? ['sudo', '-n', '--'] : []), ...argv]);
}

/**
 * A machine reached by the system's OpenSSH, with the operator's own configuration, agent, jump hosts and known hosts.
 * One connection is shared by all commands (ControlMaster) and ends by itself a minute after the last one, should
 * this process be killed.
 *
 * `ssh` exits with the status of the remote command, or with 255 if an error occurred (ssh(1)). A 255 is taken for the
 * remote command's when ssh itself wrote nothing to its log (`-E`) and the connection is still there; a remote command
 * that was ended by a signal also shows as 255.
 */
export function sshHost(access: SshAccess): SshHost {
  const { name, destination, sudo = false, controlFolder } = access;
  const id = randomBytes(4).toString('hex');
  const controlPath = join(controlFolder, id);
  if (Buffer.byteLength(controlPath) > controlPathLimit) {
    throw sshError('ssh/control-path', {
      seen: `${controlPath} has ${Buffer.byteLength(controlPath)} bytes; at most ${controlPathLimit} are usable`,
      next: ['TMPDIR=/tmp drayage ...'],
    });
  }
  const base = [
    ...(access.configFile === undefined ? [] : ['-F', access.configFile]),
    ...['-S', controlPath.replaceAll('%', '%%')],
  ];
  const options = Object.entries({
    ...access.options,
    BatchMode: 'yes',
    ConnectTimeout: '10',
    ServerAliveInterval: '10',
    ServerAliveCountMax: '3',
    ControlMaster: 'auto',
    ControlPersist: '60',
    // What an operator's configuration may add for interactive use, and what ssh must say for us to tell errors apart.
    ClearAllForwardings: 'yes',
    PermitLocalCommand: 'no',
    RemoteCommand: 'none',
    RequestTTY: 'no',
    EscapeChar: 'none',
    LogLevel: 'ERROR',
  }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);

  let logs = 0;
  /** Runs ssh with its own messages kept apart from those of the remote command. */
  async function ssh(
    args: readonly string[],
    run: Parameters<Host['run']>[1],
  ): Promise<[ProcessEnd, string]> {
    const logFile = join(controlFolder, `${id}.${++logs}.log`);
    try {
      const end = await runProcess('ssh', [...base, '-E', logFile, ...options, ...args], run);
      return [
        end,
        (await readFile(logFile, 'utf8').catch(() => '')).replaceAll(/^ControlSocket .*\r?\n/gm, ''),
      ];
    } finally {
      await rm(logFile, { force: true });
    }
  }

  const alive = async () => {
    const end = await runProcess('ssh', [...base, '-O', 'check', '--', destination], { timeoutSeconds: 10 });
    return end.ended === 'exit' && end.exitCode === 0;
  };

  let connected: Promise<void> | undefined;
  /** One connection for all, so that commands started together do not each open one. */
  const connect = () => {
    connected ??= open().catch((error) => {
      connected = undefined;
      throw error;
    });
    return connected;
  };
  async function open(): Promise<void> {
    const [end, log] = await ssh(['-N', '-f', '--', destination], { timeoutSeconds: 60 });
    if (end.ended === 'exit' && end.exitCode === 0) return;
    if (end.ended === 'not-started') {
      throw sshError('ssh/missing', { seen: end.message, next: ['apt install openssh-client'] });
    }
    throw sshFailure(access, `${log}\n${end.stderr.toString()}`);
  }

  return {
    name,
    async run(argv, run = {}) {
      const command = remoteCommand(argv, sudo);
      const who = `${name} (${destination}): ${quoteArgv(argv)}`;
      if (!run.signal?.aborted) await connect();
      const [end, log] = await ssh(['-T', '--', destination, command], run);
      if (end.ended === 'exit') {
        if (end.exitCode === 255) {
          if (/\S/.test(log)) throw sshFailure(access, `${log}\n${end.stderr.toString()}`);
          if (!(await alive())) {
            throw sshError('ssh/connection-lost', { seen: who, next: [sshByHand(access, 'uptime')] });
          }
        }
        if (sudo && end.exitCode === 1) {
          const refused = sudoFailure(access, argv, end.stderr.toString());
          if (refused !== undefined) throw refused;
        }
        return { exitCode: end.exitCode, stdout: end.stdout, stderr: end.stderr };
      }
      if (end.ended === 'not-started') {
        throw sshError('ssh/missing', { seen: end.message, next: ['apt install openssh-client'] });
      }
      throw sshError(end.ended === 'aborted' ? 'ssh/aborted' : 'ssh/no-answer', {
        seen:
          end.ended === 'aborted'
            ? `${who}: given up on request`
            : `${who}: no answer for ${run.timeoutSeconds} s`,
        next: [
          `${sshByHand(access, 'ps -e -o pid,stat,wchan:20,args')}   # does it still run? state D: it waits for a disk or a share`,
        ],
      });
    },
    async close() {
      if (connected === undefined) return;
      connected = undefined;
      await runProcess('ssh', [...base, '-O', 'exit', '--', destination], { timeoutSeconds: 10 });
    },
  };
}
