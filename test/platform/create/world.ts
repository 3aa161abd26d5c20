/** A cluster with a template and nothing else, and an operator's folder with a drayage.yaml. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, narrowSecret, secret, startBench } from '../../lab-kit/proxmox/bench.ts';
import { drayage, type Ended } from '../cli/world.ts';

const template = [
  'agent: 1',
  'boot: order=virtio0',
  'cores: 1',
  'hotplug: network,disk,memory',
  'memory: current=1024',
  'name: trixie',
  'net0: virtio=BC:24:11:00:00:FE,bridge=vmbr0',
  'template: 1',
  'virtio0: local:9000/base-9000-disk-0.qcow2,size=1M',
  'virtiofs0: dirid=leftover',
  '',
].join('\n');

export interface CreateWorld {
  readonly bench: Bench;
  readonly cwd: string;
  /** Writes drayage.yaml with a `guests` section, and runs drayage there. */
  run(args: readonly string[], options?: { as?: 'narrow'; env?: Record<string, string> }): Promise<Ended>;
  write(guests: string): void;
  yaml(): string;
  /** What the API was asked that was not a question. */
  writes(): string[];
  /** Names of the virtual machines that are no template. */
  machines(): Promise<string[]>;
  close(): Promise<void>;
}

export async function startCreateWorld(narrow: Record<string, string[]> = {}): Promise<CreateWorld> {
  const bench = await startBench({}, narrow);
  const cwd = join(bench.folder, 'work');
  mkdirSync(cwd);
  const disk = join(bench.folder, 'images/9000/base-9000-disk-0.qcow2');
  mkdirSync(join(disk, '..'), { recursive: true });
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '1M']);
  bench.writeConf(9000, template);
  bench.machines.agentAnswers = { 'guest-ping': {}, 'guest-info': { version: '9.2.0' } };
  const file = join(cwd, 'drayage.yaml');
  const write = (guests: string) =>
    writeFileSync(
      file,
      [
        '# The fleet.',
        'cluster:',
        `  endpoint: ${bench.api.url}`,
        `  fingerprint: "${bench.api.fingerprint}"`,
        'nodes:',
        '  prom: { ssh: root@prom }',
        `guests:${guests}`,
        '# The share.',
        'shares: {}',
        'moves: {}',
        '',
      ].join('\n'),
    );
  write(' {}');
  return {
    bench,
    cwd,
    write,
    yaml: () => readFileSync(file, 'utf8'),
    run: (args, options = {}) =>
      drayage(args, {
        cwd,
        env: {
          PROXMOX_VE_API_TOKEN:
            options.as === 'narrow' ? `mover@pve!narrow=${narrowSecret}` : `root@pam!drayage=${secret}`,
          ...options.env,
        },
      }),
    writes: () =>
      (existsSync(join(bench.folder, 'record/api.jsonl')) ? bench.records() : [])
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path }) => `${method} ${path}`),
    machines: async () => {
      const { json } = await bench.call('GET', '/cluster/resources?type=vm');
      const rows = json.data as { name: string; template: number }[];
      return rows.filter((row) => row.template === 0).map(({ name }) => name);
    },
    close: () => bench.close(),
  };
}
