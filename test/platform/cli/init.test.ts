import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { type Bench, narrowSecret, secret, startBench } from '../../lab-kit/proxmox/bench.ts';
import { drayage, type Ended, filesBelow } from './world.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'drayage-init-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const written = () => readFileSync(join(cwd, 'drayage.yaml'), 'utf8');

describe('drayage init --from-cluster', () => {
  let bench: Bench;
  let bin: string;
  beforeAll(async () => {
    bin = mkdtempSync(join(tmpdir(), 'drayage-zpool-'));
    const zpool = join(bin, 'zpool');
    const row = 'nvmeprom\\t2000000000000\\t1000000000000\\t1000000000000\\t3\\t1.00\\tONLINE\\n';
    writeFileSync(
      zpool,
      `#!/bin/sh\n[ "$*" = "list -Hpo name,size,alloc,free,frag,dedup,health" ] && printf '${row}'\n`,
    );
    chmodSync(zpool, 0o755);
    bench = await startBench({ zpool: [zpool] }, { '/': ['VM.Audit'] });
    bench.writeConf(114, 'memory: 1024\nname: doc2.lan\n');
    await bench.call('POST', '/cluster/mapping/dir', {
      form: { id: 'old-share', map: `node=prom,path=/nvmeprom/containers` },
    });
  });
  afterAll(async () => {
    await bench?.close();
    rmSync(bin, { recursive: true, force: true });
  });

  const init = (args: readonly string[] = [], env: Record<string, string> = {}) =>
    drayage(['init', '--from-cluster', '--fingerprint', bench.api.fingerprint, ...args], {
      cwd,
      env: {
        PROXMOX_VE_ENDPOINT: bench.api.url,
        PROXMOX_VE_API_TOKEN: `root@pam!drayage=${secret}`,
        ...env,
      },
    });

  it('writes a file with the nodes, machines, pools and mappings that the cluster shows', async () => {
    const { exitCode, stderr } = await init();
    expect(stderr).toBe(
      'Wrote drayage.yaml and drayage.schema.json. Next: fill in `shares` and `moves`, then drayage inspect\n',
    );
    expect(exitCode).toBe(0);
    const text = written();
    expect(text).toContain(`endpoint: ${bench.api.url}`);
    expect(text).toContain('  prom:\n    ssh: root@prom');
    expect(text).toContain('  maint:\n');
    expect(text).toContain('  doc2-lan:\n    vmid: 114');
    expect(text).toContain('dataset: nvmeprom/containers');
    expect(text).toContain('Mapping ids that the cluster has already: old-share');
    expect(text).not.toContain(secret);
    expect(parseConfig(text, 'drayage.yaml', {})).toHaveProperty('config');
    expect(JSON.parse(readFileSync(join(cwd, 'drayage.schema.json'), 'utf8'))).toHaveProperty('properties');
  });

  it('asks the API and changes nothing in it', async () => {
    const before = bench.records().length;
    await init();
    const asked = bench.records().slice(before);
    expect(asked.map(({ path }) => path)).toContain('/nodes/prom/disks/zfs');
    expect(asked.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('does not write over a file, unless it is told to', async () => {
    writeFileSync(join(cwd, 'drayage.yaml'), 'mine\n');
    const before = filesBelow(cwd);
    const refused = await init();
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('drayage.yaml exists');
    expect(refused.stderr).toContain('-> drayage init --force, to write over it');
    expect(filesBelow(cwd)).toEqual(before);
    expect((await init(['--force'])).exitCode).toBe(0);
    expect(written()).toContain('nodes:');
  });

  it('drafts without pools when the token may not see them', async () => {
    const { exitCode } = await init([], { PROXMOX_VE_API_TOKEN: `mover@pve!narrow=${narrowSecret}` });
    expect(exitCode).toBe(0);
    expect(written()).toContain('    vmid: 104');
  });

  it('says what is missing when no address is given', async () => {
    const { exitCode, stderr } = await init([], { PROXMOX_VE_ENDPOINT: '' });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('neither --endpoint nor PROXMOX_VE_ENDPOINT is given');
    expect(filesBelow(cwd)).toEqual({});
  });
});

/** drayage on a terminal of its own, made by script(1). Each answer is typed when its question stands there. */
function onTerminal(answers: readonly (readonly [question: string, answer: string])[]): Promise<Ended> {
  const cli = join(import.meta.dirname, '../../../src/cli/main.ts');
  const child = spawn('script', ['-qec', `'${process.execPath}' '${cli}' init`, '/dev/null'], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, TERM: 'dumb', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A question that no answer is for must not outlive the test.
    signal: AbortSignal.timeout(40_000),
  });
  let stdout = '';
  let seen = 0;
  let next = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    for (;;) {
      const [question, answer] = answers[next] ?? [];
      const at = question === undefined ? -1 : stdout.indexOf(question, seen);
      if (question === undefined || answer === undefined || at < 0 || !/: $/.test(stdout)) return;
      seen = at + question.length;
      next += 1;
      child.stdin.write(answer);
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, stdout: stdout.replaceAll('\r', ''), stderr: '' }));
  });
}

describe('drayage init on a terminal', () => {
  it('asks for one move and writes a file that loads', async () => {
    const { exitCode, stdout } = await onTerminal([
      ['Address of the Proxmox VE API', 'https://192.0.2.1:8006\r'],
      ['Node that shall own the data', 'prom\r'],
      ['Its ssh destination [root@prom]', '\r'],
      ['Source guest', 'doc1\r'],
      ['Its vmid', 'a hundred\r'],
      ['Its vmid', '104\r'],
      ['Its ssh destination [root@doc1]', '\r'],
      ['Source path', '\r'],
      ['Target guest', 'doc2\r'],
      ['Its vmid', '114\r'],
      ['Its ssh destination [root@doc2]', '\r'],
      ['ZFS dataset', 'nvmeprom/containers\r'],
      ['Owner and group of its top', '1000:100\r'],
    ]);
    expect(stdout).toContain('not accepted; write a number from 100 to 999999999');
    expect(stdout).toContain('Wrote drayage.yaml and drayage.schema.json. Next: drayage inspect');
    expect(exitCode).toBe(0);
    const result = parseConfig(written(), 'drayage.yaml', {});
    expect(result).toMatchObject({
      config: { guests: { doc1: { vmid: 104 }, doc2: { vmid: 114 } }, nodes: { prom: { ssh: 'root@prom' } } },
    });
  });

  it('writes nothing when the input ends', async () => {
    const { exitCode, stdout } = await onTerminal([['Address of the Proxmox VE API', '\x04']]);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('no answer to "Address of the Proxmox VE API');
    expect(filesBelow(cwd)).toEqual({});
  });

  it('ends as an interrupted program does on Ctrl-C', async () => {
    const { exitCode } = await onTerminal([['Address of the Proxmox VE API', '\x03']]);
    expect(exitCode).toBe(130);
    expect(filesBelow(cwd)).toEqual({});
  });

  it('is told where it cannot ask', async () => {
    const { exitCode, stderr } = await drayage(['init'], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('drayage init was started without a terminal');
    expect(stderr).toContain('-> drayage init --from-cluster');
  });
});
