/** An emulator over real HTTPS with machines that live in memory, for tests. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineStart, Machines, ProxmoxOptions } from '../../../lab/contracts.ts';
import { selfSignedCertificate } from '../../../lab/proxmox/certificate.ts';
import type { ProxmoxTuning } from '../../../lab/proxmox/endpoint.ts';
import { startProxmox } from '../../../lab/proxmox/index.ts';
import type { RequestRecord } from '../../../lab/proxmox/record.ts';

/** Machines without QEMU. A guest powers off when asked, unless it is deaf. */
export class MemoryMachines implements Machines {
  readonly started: MachineStart[] = [];
  readonly resets: number[] = [];
  /** VMs whose power button was pressed. */
  readonly powerdowns: number[] = [];
  readonly up = new Set<number>();
  deaf = false;
  agentAnswers: Record<string, unknown> = {};
  readonly agentCalls: { command: string; args: unknown }[] = [];

  async start(machine: MachineStart): Promise<void> {
    this.started.push(machine);
    this.up.add(machine.vmid);
  }
  async stop(vmid: number): Promise<void> {
    this.up.delete(vmid);
  }
  async powerdown(vmid: number): Promise<void> {
    this.powerdowns.push(vmid);
    this.#powerOff(vmid);
  }
  #powerOff(vmid: number): void {
    if (!this.deaf) setTimeout(() => this.up.delete(vmid), 10);
  }
  async reset(vmid: number): Promise<void> {
    this.resets.push(vmid);
  }
  running(vmid: number): { pid: number; uptimeSeconds: number } | undefined {
    return this.up.has(vmid) ? { pid: 4242, uptimeSeconds: 7 } : undefined;
  }
  onExit(): void {}
  async agent(vmid: number, command: string, args?: unknown): Promise<unknown> {
    this.agentCalls.push({ command, args });
    const answer = this.agentAnswers[command];
    if (answer === undefined) {
      const error = new Error('no agent');
      error.name = 'AgentNotRunning';
      throw error;
    }
    if (answer instanceof Error) throw answer;
    if (command === 'guest-shutdown') this.#powerOff(vmid);
    return answer;
  }
}

export interface Reply {
  status: number;
  reason: string;
  text: string;
  json: { data: unknown; errors?: Record<string, string>; message?: string; total?: number };
  headers: Record<string, string | string[] | undefined>;
}

export interface Ask {
  form?: string | Record<string, string | string[]>;
  json?: unknown;
  body?: string;
  /** Sends the body without Content-Length. */
  chunked?: boolean;
  headers?: Record<string, string>;
  /** Which token: `drayage` (all privileges), `narrow`, or none. */
  as?: 'drayage' | 'narrow' | 'nobody';
}

export const secret = '11111111-2222-3333-4444-555555555555';
export const narrowSecret = '66666666-7777-8888-9999-000000000000';

const certificate = selfSignedCertificate('prom', ['127.0.0.1']);

export async function startBench(
  more: Partial<ProxmoxOptions & ProxmoxTuning> = {},
  narrow: Record<string, string[]> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-pve-'));
  const machines = new MemoryMachines();
  const state = join(folder, 'state');
  const conf = (vmid: number, node = 'prom') => join(state, `nodes/${node}/qemu-server/${vmid}.conf`);
  for (const path of ['root/nvmeprom/containers', 'root/etc', 'images/104'])
    mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, 'root/etc/passwd'), '');
  writeFileSync(join(folder, 'images/104/vm-104-disk-0.qcow2'), 'disk of doc1');
  const writeConf = (vmid: number, text: string, node = 'prom') => {
    mkdirSync(dirname(conf(vmid, node)), { recursive: true });
    writeFileSync(conf(vmid, node), text);
  };
  writeConf(
    104,
    'agent: 1\ncores: 1\nmemory: 1024\nname: doc1\nnet0: virtio=BC:24:11:00:01:04,bridge=vmbr0\nonboot: 1\nvirtio0: local:104/vm-104-disk-0.qcow2,size=4G\n',
  );
  const api = await startProxmox({
    node: 'prom',
    otherNodes: [
      { name: 'maint', online: true },
      { name: 'spare', online: false },
    ],
    listen: { host: '127.0.0.1', port: 0 },
    tls: certificate,
    stateFolder: state,
    recordFile: join(folder, 'record/api.jsonl'),
    nodeRoot: join(folder, 'root'),
    imagesFolder: join(folder, 'images'),
    tokens: [
      { id: 'root@pam!drayage', secret, privileges: 'root' },
      { id: 'mover@pve!narrow', secret: narrowSecret, privileges: narrow },
    ],
    machines,
    unauthorizedDelayMs: 0,
    pollMs: 5,
    lockTimeoutMs: 300,
    ...more,
  });

  const call = async (method: string, path: string, ask: Ask = {}): Promise<Reply> =>
    send(`${api.url}/api2/json${path}`, method, ask);
  /** Calls what gives a task, waits for its end, and returns its result and log. */
  const task = async (method: string, path: string, ask: Ask = {}) => {
    const { json, status } = await call(method, path, ask);
    if (status !== 200) throw new Error(`${status} ${json.message}`);
    const upid = String(json.data);
    return { upid, ...(await taskEnd(upid)) };
  };
  const taskEnd = async (upid: string) => {
    const node = upid.split(':')[1];
    const at = `/nodes/${node}/tasks/${encodeURIComponent(upid)}`;
    for (let turn = 0; turn < 400; turn += 1) {
      const status = (await call('GET', `${at}/status`)).json.data as { status: string; exitstatus: string };
      if (status.status === 'stopped') {
        const log = (await call('GET', `${at}/log?limit=0`)).json.data as { t: string }[];
        return { exitstatus: status.exitstatus, log: log.map(({ t }) => t) };
      }
      await sleep(5);
    }
    throw new Error(`task ${upid} does not end`);
  };
  return {
    api,
    machines,
    folder,
    state,
    call,
    task,
    taskEnd,
    writeConf,
    readConf: (vmid: number, node = 'prom') => readFileSync(conf(vmid, node), 'utf8'),
    mappings: () => readFileSync(join(state, 'mapping/directory.cfg'), 'utf8'),
    records: () =>
      readFileSync(join(folder, 'record/api.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as RequestRecord),
    close: async () => {
      await api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Bench = Awaited<ReturnType<typeof startBench>>;

function encode(form: NonNullable<Ask['form']>): string {
  if (typeof form === 'string') return form;
  const pairs = Object.entries(form).flatMap(([key, value]) =>
    [value].flat().map((one) => [key, one] as [string, string]),
  );
  return new URLSearchParams(pairs).toString();
}

function send(url: string, method: string, ask: Ask): Promise<Reply> {
  const body =
    ask.json !== undefined ? JSON.stringify(ask.json) : ask.form !== undefined ? encode(ask.form) : ask.body;
  const type = ask.json !== undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  const token =
    ask.as === 'nobody'
      ? {}
      : {
          authorization:
            ask.as === 'narrow'
              ? `PVEAPIToken=mover@pve!narrow=${narrowSecret}`
              : `PVEAPIToken=root@pam!drayage=${secret}`,
        };
  const headers = {
    ...token,
    ...(body === undefined
      ? {}
      : {
          'content-type': type,
          ...(ask.chunked
            ? { 'transfer-encoding': 'chunked' }
            : { 'content-length': String(Buffer.byteLength(body)) }),
        }),
    ...ask.headers,
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, ca: certificate.cert, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          text,
          json: text === '' ? { data: null } : JSON.parse(text),
          headers: response.headers,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
