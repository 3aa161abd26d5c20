import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../index.ts';
import { apiPort, network, nodeName } from '../room/layout.ts';

/** One call to the node's API, as the operator would make it. */
export async function call(
  lab: Lab,
  method: string,
  path: string,
  form: Record<string, string> = {},
): Promise<unknown> {
  const program = `fetch('https://${network.hosts.prom}:${apiPort}/api2/json${path}', {
    method: '${method}', headers: { Authorization: 'PVEAPIToken=' + process.env.TOKEN },
    ${method === 'GET' ? '' : `body: new URLSearchParams(${JSON.stringify(form)}),`}
  }).then((answer) => answer.text()).then(console.log)`;
  const answer = await lab.exec([process.execPath, '-e', program], {
    env: { NODE_EXTRA_CA_CERTS: lab.paths.tls.cert, TOKEN: readFileSync(lab.paths.token, 'utf8').trim() },
  });
  const { data, message } = JSON.parse(answer.stdout.toString());
  if (message) throw new Error(`${method} ${path}: ${message}`);
  return data;
}

/** A changing call whose task must end well. */
export async function task(lab: Lab, path: string, form: Record<string, string> = {}): Promise<void> {
  const upid = encodeURIComponent(String(await call(lab, 'POST', path, form)));
  for (;;) {
    const state = (await call(lab, 'GET', `/nodes/${nodeName}/tasks/${upid}/status`)) as Record<
      string,
      string
    >;
    if (state.status === 'stopped') {
      if (state.exitstatus !== 'OK') throw new Error(`${path}: ${state.exitstatus}`);
      return;
    }
    await sleep(300);
  }
}

/** Waits until a guest answers and its boot has ended. */
export async function booted(lab: Lab, host: string): Promise<void> {
  for (const end = Date.now() + 240_000; ; await sleep(1_000)) {
    const answer = await lab
      .ssh(host, ['systemctl', 'is-system-running', '--wait'], { timeoutMs: 200_000 })
      .catch(() => undefined);
    // ssh may answer before systemd's bus does: then nothing is on stdout.
    if (answer !== undefined && answer.exitCode !== 255 && answer.stdout.length > 0) return;
    if (Date.now() > end) throw new Error(`${host} did not come back`);
  }
}
