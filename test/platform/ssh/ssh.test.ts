import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DrayageError } from '../../../src/errors/error.ts';
import { type SshAccess, type SshHost, sshHost } from '../../../src/ssh/ssh.ts';
import { freePort, startSshd, type TestSshd } from '../../support/sshd.ts';

let sshd: TestSshd;
let controlFolder: string;
const open: SshHost[] = [];

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());
beforeEach(async () => {
  controlFolder = await mkdtemp(join(tmpdir(), 'drayage-c-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((host) => host.close()));
  await rm(controlFolder, { recursive: true, force: true });
});

function box(more: Partial<SshAccess> = {}): SshHost {
  const host = sshHost({
    name: 'doc1',
    destination: sshd.destination,
    configFile: sshd.configFile,
    controlFolder,
    ...more,
  });
  open.push(host);
  return host;
}

const failure = (work: Promise<unknown>): Promise<DrayageError> =>
  work.then(
    () => {
      throw new Error('it went well, and should not have');
    },
    (error) => error as DrayageError,
  );

describe('a command over ssh', () => {
  it('carries arguments of any text, and gives back its bytes', async () => {
    const host = box();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\0', '')),
          {
            minLength: 1,
            maxLength: 8,
          },
        ),
        async (words) => {
          const { stdout } = await host.run(['printf', '%s\\0', ...words]);
          expect(stdout.equals(Buffer.from(words.map((word) => `${word}\0`).join('')))).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('carries names of any bytes through stdin and stdout', async () => {
    const names = Buffer.concat([
      Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1)),
      Buffer.from('\0a\n b\0'),
    ]);
    const { stdout } = await box().run(['xargs', '-0', 'printf', '%s\\0'], { stdin: names });
    expect(stdout.equals(names)).toBe(true);
  });

  it.each([0, 1, 42, 126, 127, 254, 255])('reports the exit code %i as a result', async (code) => {
    const result = await box().run(['sh', '-c', `echo out; echo err >&2; exit ${code}`]);
    expect(result).toEqual({ exitCode: code, stdout: Buffer.from('out\n'), stderr: Buffer.from('err\n') });
  });

  it('reports a program that is not there as 127', async () => {
    const result = await box().run(['no-such-program-anywhere']);
    expect(result.exitCode).toBe(127);
    expect(result.stderr.toString()).toContain("env: 'no-such-program-anywhere'");
  });

  it('runs in the C locale, so that tools speak their documented words', async () => {
    expect((await box().run(['sh', '-c', 'echo $LC_ALL'])).stdout.toString()).toBe('C\n');
  });

  it('has an empty stdin when none is given', async () => {
    expect((await box().run(['cat'])).stdout.length).toBe(0);
  });

  it('streams 64 MiB through a slow reader without holding it', async () => {
    const hash = createHash('sha256');
    let bytes = 0;
    let active = 0;
    const result = await box().run(['sh', '-c', 'head -c 67108864 /dev/zero'], {
      timeoutSeconds: 20,
      async onStdout(chunk) {
        expect(++active).toBe(1);
        hash.update(chunk);
        bytes += chunk.length;
        if (bytes % 16 === 0) await sleep(1);
        active--;
      },
    });
    expect(bytes).toBe(64 * 1024 * 1024);
    expect(result.stdout.length).toBe(0);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(bytes)).digest('hex'));
  });

  it('takes 32 MiB of stdin from a stream', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 7);
    const stdin = Readable.from(Array.from({ length: 32 }, () => chunk));
    expect((await box().run(['wc', '-c'], { stdin })).stdout.toString().trim()).toBe(
      String(32 * chunk.length),
    );
  });

  it('does not mind a command that leaves its stdin unread', async () => {
    const result = await box().run(['true'], { stdin: Buffer.alloc(8 * 1024 * 1024) });
    expect(result.exitCode).toBe(0);
  });

  it('passes on what the reader of stdout throws', async () => {
    const wrong = new Error('reader');
    await expect(
      box().run(['yes'], {
        onStdout() {
          throw wrong;
        },
      }),
    ).rejects.toBe(wrong);
  });

  it('shares one connection between commands that start together', async () => {
    const host = box();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => host.run(['sh', '-c', 'echo $SSH_CONNECTION'])),
    );
    expect(new Set(answers.map((answer) => answer.stdout.toString())).size).toBe(1);
    expect(answers.every((answer) => answer.stderr.length === 0)).toBe(true);
  });
});

describe('a command that does not answer', () => {
  it('is given up after its time limit', async () => {
    const host = box();
    await host.run(['true']);
    const begin = Date.now();
    const error = await failure(host.run(['sleep', '60'], { timeoutSeconds: 0.5 }));
    expect(Date.now() - begin).toBeLessThan(5000);
    expect(error.code).toBe('ssh/no-answer');
    expect(error.seen).toBe(`doc1 (${sshd.destination}): sleep 60: no answer for 0.5 s`);
    expect(error.next[0]).toContain(`ssh -F ${sshd.configFile} ${sshd.destination} ps -e`);
  });

  it('may take long as long as it goes on answering', async () => {
    const result = await box().run(['sh', '-c', 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done'], {
      timeoutSeconds: 1,
    });
    expect(result.stdout.toString()).toBe('1\n2\n3\n4\n5\n6\n');
  });

  it('is given up on request, and the connection stays usable', async () => {
    const host = box();
    const controller = new AbortController();
    const work = failure(host.run(['sleep', '60'], { signal: controller.signal }));
    await sleep(300);
    controller.abort();
    expect((await work).code).toBe('ssh/aborted');
    expect((await work).exit).toBe(130);
    expect((await host.run(['true'])).exitCode).toBe(0);
  });

  it('is not started when it was given up before', async () => {
    const error = await failure(box().run(['true'], { signal: AbortSignal.abort() }));
    expect(error.code).toBe('ssh/aborted');
  });
});

describe('a machine that cannot be reached', () => {
  /** A configuration like the server's, with some keys changed. */
  async function config(changes: Record<string, string>): Promise<string> {
    const file = join(controlFolder, 'ssh_config');
    const keys: Record<string, string> = {
      HostName: '127.0.0.1',
      Port: String(sshd.port),
      IdentityFile: sshd.identity,
      IdentitiesOnly: 'yes',
      IdentityAgent: 'none',
      UserKnownHostsFile: join(sshd.folder, 'known_hosts'),
      GlobalKnownHostsFile: 'none',
      ...changes,
    };
    await writeFile(
      file,
      `Host box\n${Object.entries(keys)
        .map(([k, v]) => `  ${k} ${v}\n`)
        .join('')}`,
    );
    return file;
  }
  const refusal = async (changes: Record<string, string>) => {
    const host = box({ destination: 'box', configFile: await config(changes) });
    return failure(host.run(['true']));
  };

  it('because nothing listens on its port', async () => {
    const error = await refusal({ Port: String(await freePort()) });
    expect(error.code).toBe('ssh/refused');
    expect(error.next[0]).toContain('systemctl status ssh.socket');
  });

  it('because its name has no address', async () => {
    const error = await refusal({ HostName: 'doc1.invalid' });
    expect(error.code).toBe('ssh/unknown-address');
    expect(error.next[0]).toContain('`ssh` of doc1 in drayage.yaml');
  });

  it('because it refuses the key', async () => {
    const key = join(controlFolder, 'other');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const error = await refusal({ IdentityFile: key });
    expect(error.code).toBe('ssh/permission-denied');
    expect(error.seen).toContain('Permission denied (publickey');
    expect(error.next.join('\n')).toContain('ssh-copy-id');
  });

  it.each(['yes', 'ask'])('because its host key is unknown (StrictHostKeyChecking %s)', async (strict) => {
    const knownHosts = join(controlFolder, 'known_hosts');
    const error = await refusal({ UserKnownHostsFile: knownHosts, StrictHostKeyChecking: strict });
    expect(error.code).toBe('ssh/host-key-unknown');
    expect(error.next[0]).toContain('compare it on that machine');
    expect(await readdir(controlFolder)).not.toContain('known_hosts');
  });

  it('because it takes the connection and says nothing', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const error = await refusal({ Port: String(port) });
    for (const socket of sockets) socket.destroy();
    silent.close();
    expect(error.code).toBe('ssh/timeout');
  }, 30_000);

  it('because its jump host cannot be reached', async () => {
    const error = await refusal({ ProxyJump: `127.0.0.1:${await freePort()}` });
    expect(error.code).toBe('ssh/closed');
    expect(error.next[0]).toMatch(/^ssh -v -F .* box true$/);
  });

  it('because its ssh configuration has a mistake, which is shown', async () => {
    const error = await refusal({ NoSuchOption: 'yes' });
    expect(error.code).toBe('ssh/failed');
    expect(error.seen).toContain('Bad configuration option');
  });
});

describe('a host key that changed', () => {
  it('stops everything, shows both places, and never just says to remove the key', async () => {
    const own = await startSshd();
    try {
      await own.changeHostKey();
      const host = box({ destination: own.destination, configFile: own.configFile });
      const error = await failure(host.run(['true']));
      expect(error.code).toBe('ssh/host-key-changed');
      expect(error.seen).toMatch(
        /sent the ED25519 key SHA256:\S+\. Offending ED25519 key in .*known_hosts:1/,
      );
      expect(error.meaning).toContain('somebody sits between');
      expect(error.next[0]).toContain(
        'console, not over ssh: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
      );
      expect(error.next[1]).toMatch(
        /^only when it does: ssh-keygen -f .*known_hosts.* -R "?\[127\.0\.0\.1\]:\d+/,
      );
    } finally {
      await own.stop();
    }
  });
});

describe('a connection that breaks', () => {
  it('is told apart from a command that ended with 255', async () => {
    const own = await startSshd();
    const host = box({ destination: own.destination, configFile: own.configFile });
    await host.run(['true']);
    const work = failure(host.run(['sleep', '60']));
    await sleep(300);
    await own.stop();
    const error = await work;
    expect(['ssh/connection-lost', 'ssh/failed']).toContain(error.code);
    expect(error.next[0]).toMatch(/^ssh -F /);
  });

  it('is opened again for the next command', async () => {
    const host = box();
    const before = (await host.run(['sh', '-c', 'echo $PPID'])).stdout.toString();
    for (const socket of await readdir(controlFolder)) {
      execFileSync(
        'ssh',
        ['-F', sshd.configFile, '-S', join(controlFolder, socket), '-O', 'exit', sshd.destination],
        {
          stdio: 'ignore',
        },
      );
    }
    const after = (await host.run(['sh', '-c', 'echo $PPID'])).stdout.toString();
    expect(after).not.toBe(before);
  });
});

describe('close', () => {
  it('ends the shared connection and leaves no socket and no log behind', async () => {
    const host = box();
    await host.run(['true']);
    expect(await readdir(controlFolder)).toHaveLength(1);
    await host.close();
    await sleep(200);
    expect(await readdir(controlFolder)).toEqual([]);
  });
});

describe('sudo', () => {
  /** A stand-in for sudo that says what sudo(8) says, since no unprivileged account is made for a test. */
  async function withSudo(script: string): Promise<SshHost> {
    const folder = join(controlFolder, 'bin');
    await mkdir(folder);
    await writeFile(join(folder, 'sudo'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'sudo'), 0o755);
    const own = await startSshd({ path: `${folder}:/usr/bin:/bin` });
    servers.push(own);
    return box({ destination: own.destination, configFile: own.configFile, sudo: true });
  }
  const servers: TestSshd[] = [];
  afterEach(() => Promise.all(servers.splice(0).map((own) => own.stop())));

  it('is asked without a password and with a separator', async () => {
    const host = await withSudo('printf "%s\\n" "$@"');
    expect((await host.run(['ls', '-l', 'a b'])).stdout.toString()).toBe('-n\n--\nls\n-l\na b\n');
  });

  it('that wants a password is named, with the line for sudoers', async () => {
    const host = await withSudo('echo "sudo: a password is required" >&2; exit 1');
    const error = await failure(host.run(['id']));
    expect(error.code).toBe('ssh/sudo-password');
    expect(error.next[0]).toContain('NOPASSWD');
  });

  it('that forbids the command is named', async () => {
    const host = await withSudo(
      'echo "Sorry, user ops is not allowed to execute \'/usr/bin/id\' as root on doc1." >&2; exit 1',
    );
    expect((await failure(host.run(['id']))).code).toBe('ssh/sudo-refused');
  });

  it('does not hide an exit code of the command itself', async () => {
    const host = await withSudo('echo "grep: nothing" >&2; exit 1');
    expect((await host.run(['grep', 'x'])).exitCode).toBe(1);
  });
});

describe('a control folder with a long name', () => {
  it('is refused before ssh says "too long for Unix domain socket"', () => {
    expect(() => box({ controlFolder: `/tmp/${'x'.repeat(90)}` })).toThrow(/at most 86 are usable/);
  });
});
