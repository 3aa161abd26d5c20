import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../../src/ssh/host.ts';
import { openHosts } from '../../../src/ssh/hosts.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { startSshd, type TestSshd } from '../../support/sshd.ts';

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

const text = async (host: Host, argv: readonly string[]) => (await host.run(argv)).stdout.toString();

const config = () => ({
  file: 'drayage.yaml',
  ssh: { config: sshd.configFile },
  nodes: { prom: { name: 'prom', ssh: sshd.destination, sshFromNode: sshd.destination } },
  guests: {
    doc1: { name: 'doc1', vmid: 101, ssh: sshd.destination, sudo: false, sshFromNode: sshd.destination },
  },
});

describe('openHosts', () => {
  it('finds nodes, guests and the controller by name', async () => {
    const { hosts, close } = openHosts(config());
    try {
      expect(await text(hosts('prom'), ['printenv', 'SSH_CONNECTION'])).toContain('127.0.0.1');
      expect(await text(hosts('doc1'), ['printenv', 'SSH_CONNECTION'])).toContain('127.0.0.1');
      expect((await hosts('controller').run(['printenv', 'SSH_CONNECTION'])).exitCode).toBe(1);
      expect(hosts('doc1')).toBe(hosts('doc1'));
    } finally {
      await close();
    }
  });

  it('says which names there are when one is unknown', async () => {
    const { hosts, close } = openHosts(config());
    try {
      expect(() => hosts('doc3')).toThrow('"doc3"; known are prom, doc1, controller');
      expect(() => hosts('constructor')).toThrow('"constructor"');
    } finally {
      await close();
    }
  });
});

describe('the controller as a host', () => {
  const host = controllerHost();

  it('runs commands as they are, without a shell', async () => {
    expect(await text(host, ['printf', '%s', '$HOME; "x"'])).toBe('$HOME; "x"');
  });

  it('reports a program that is not there as 127', async () => {
    expect((await host.run(['no-such-program-anywhere'])).exitCode).toBe(127);
  });

  it('reports the signal that ended a command as 128 and its number', async () => {
    expect((await host.run(['sh', '-c', 'kill -9 $$'])).exitCode).toBe(137);
  });

  it('ends everything a command has started when its time is over', async () => {
    let pid = 0;
    const work = host.run(['sh', '-c', 'sleep 61 & echo $!; wait'], {
      timeoutSeconds: 0.5,
      onStdout(chunk) {
        pid = Number(chunk);
      },
    });
    await expect(work).rejects.toMatchObject({ code: 'ssh/no-answer' });
    await sleep(100);
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone');
    expect(stat).toMatch(/^gone$|\) Z /);
  });
});
