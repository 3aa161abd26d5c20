import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watcherMark } from '../../lab/fault/watch.ts';
import type { Lab } from '../../lab/index.ts';
import { nodeName } from '../../lab/room/layout.ts';
import { type Received, receivedReader, together } from './lab-record.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** What the machines received meanwhile. */
  readonly received: Received;
}

/** Marks commands of the test itself, so that they are not taken for drayage's. */
const own = ': lab-test;';

/** drayage and its operator in a lab: runs commands, keeps all that was said and received, and how long it took. */
export function evening(lab: Lab) {
  const reader = receivedReader(
    lab.paths,
    (command) => command.includes(own) || command.includes(watcherMark),
  );
  const said: string[] = [];
  const all: Received[] = [];
  const times: { what: string; seconds: number }[] = [];
  const program = resolve(import.meta.dirname, '../../src/cli/main.ts');

  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const begun = Date.now();
    try {
      return await work();
    } finally {
      times.push({ what, seconds: Math.round((Date.now() - begun) / 100) / 10 });
    }
  };

  const forget = () => reader();

  async function drayage(...args: string[]): Promise<Ran> {
    forget();
    const begun = Date.now();
    const argv = [process.execPath, program, '--file', lab.paths.drayageConfig, ...args];
    const ran = await timed(`drayage ${args.join(' ')}`, () => lab.exec(argv, { cwd: lab.paths.root }));
    const stdout = ran.stdout.toString();
    const stderr = ran.stderr.toString();
    said.push(stdout, stderr);
    const received = reader();
    all.push(received);
    return { exitCode: ran.exitCode, stdout, stderr, seconds: (Date.now() - begun) / 1000, received };
  }

  /** One line of shell as root of a host; throws when it fails. */
  async function on(host: string, line: string): Promise<string> {
    const ran = await lab.ssh(host, ['sh', '-c', `${own} ${line}`], { timeoutMs: 180_000 });
    if (ran.exitCode !== 0) throw new Error(`${host}: ${line}: exit code ${ran.exitCode}: ${ran.stderr}`);
    return ran.stdout.toString();
  }

  /** One call to the node's API, as the operator would make it. */
  async function api(method: string, path: string, form: Record<string, string> = {}): Promise<unknown> {
    const call = `fetch('https://10.77.0.1:8006/api2/json${path}', {
      method: '${method}', headers: { Authorization: 'PVEAPIToken=' + process.env.TOKEN },
      ${method === 'GET' ? '' : `body: new URLSearchParams(${JSON.stringify(form)}),`}
    }).then((answer) => answer.text()).then(console.log)`;
    const answer = await lab.exec([process.execPath, '-e', call], {
      env: { NODE_EXTRA_CA_CERTS: lab.paths.tls.cert, TOKEN: readFileSync(lab.paths.token, 'utf8').trim() },
    });
    const { data, message } = JSON.parse(answer.stdout.toString());
    if (message) throw new Error(`${method} ${path}: ${message}`);
    return data;
  }

  /** A changing call whose task must end well. */
  async function task(path: string, form: Record<string, string> = {}): Promise<void> {
    const upid = encodeURIComponent(String(await api('POST', path, form)));
    for (;;) {
      const state = (await api('GET', `/nodes/${nodeName}/tasks/${upid}/status`)) as Record<string, string>;
      if (state.status !== 'running') {
        if (state.exitstatus !== 'OK') throw new Error(`${path}: ${state.exitstatus}`);
        return;
      }
      await sleep(500);
    }
  }

  /** Waits until systemd says that the boot has ended; what failed on the way is for the test to judge. */
  async function booted(host: string, before: string): Promise<void> {
    const end = Date.now() + 300_000;
    for (;;) {
      const answer = await lab
        .ssh(host, ['sh', '-c', `${own} cat /proc/sys/kernel/random/boot_id`], { timeoutMs: 30_000 })
        .catch(() => undefined);
      if (answer?.exitCode === 0 && answer.stdout.toString() !== before) break;
      if (Date.now() > end) throw new Error(`${host} did not come back`);
      await sleep(1_000);
    }
    // ssh may answer before systemd's bus does: then nothing is on stdout, and it is asked again.
    const ask = ['sh', '-c', `${own} systemctl is-system-running --wait`];
    while ((await lab.ssh(host, ask, { timeoutMs: 240_000 })).stdout.length === 0) {
      if (Date.now() > end) throw new Error(`the boot of ${host} does not end`);
      await sleep(1_000);
    }
  }

  const bootId = (host: string) => on(host, 'cat /proc/sys/kernel/random/boot_id');

  return {
    drayage,
    on,
    api,
    task,
    timed,
    times,
    said,
    /** All that the machines received from drayage in this evening. */
    received: () => together(all),
    async reboot(host: string): Promise<void> {
      await timed(`reboot of ${host}`, async () => {
        const before = await bootId(host);
        await on(host, 'systemctl reboot --no-block');
        await booted(host, before);
      });
    },
    async stopVm(vmid: number): Promise<void> {
      await task(`/nodes/${nodeName}/qemu/${vmid}/status/shutdown`, { timeout: '180' });
    },
    async startVm(host: string, vmid: number): Promise<void> {
      await timed(`start of ${host}`, async () => {
        await task(`/nodes/${nodeName}/qemu/${vmid}/status/start`);
        await booted(host, '');
      });
    },
  };
}
