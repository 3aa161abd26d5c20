/** `drayage guest share` as a user types it, on real files, with the real Nix. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drayage } from './world.ts';

const config = `
cluster: { endpoint: "https://192.0.2.1:8006" }
nodes: { prom: { ssh: root@prom } }
guests:
  doc1: { vmid: 104, ssh: root@doc1 }
  doc2: { vmid: 114, ssh: root@doc2 }
shares:
  containers: { node: prom, dataset: nvmeprom/containers, owner: "1000:100", cache: always }
  mirrors: { node: prom, dataset: nvmeprom/mirrors, owner: "0:0" }
moves:
  docker: { from: { guest: doc1, path: /mnt/docker }, to: { share: containers, guest: doc2 } }
hosts: { file: fleet/hosts.nix }
`;
const hosts = `{
  doc2 = {
    hostname = "doc2"; # the new one
    proxmox = {
      vmid = 114;
      cores = 4;
      memory = 8192;
      disk = "32G"; # all of it
    };
  };
}
`;
const withShare = hosts.replace(
  '# all of it\n',
  '# all of it\n      virtiofs = {\n        mapping = "containers";\n        cache = "always";\n      };\n',
);

describe('drayage guest share', () => {
  let cwd = '';
  const file = () => join(cwd, 'fleet', 'hosts.nix');
  const share = (...args: string[]) => drayage(['guest', 'share', ...args], { cwd });
  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), 'drayage-fleet-')));
    mkdirSync(join(cwd, 'fleet'));
    writeFileSync(join(cwd, 'drayage.yaml'), config);
    writeFileSync(file(), hosts);
    chmodSync(file(), 0o640);
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  it('writes what it shows, keeps the mode, and does nothing a second time', async () => {
    const shown = await share('doc2', '--yes');
    expect(shown.exitCode, shown.stderr).toBe(0);
    expect(shown.stdout).toContain('+      virtiofs = {\n+        mapping = "containers";');
    expect(shown.stdout).toContain('Nix evaluated the file');
    expect(readFileSync(file(), 'utf8')).toBe(withShare);
    expect(statSync(file()).mode & 0o7777).toBe(0o640);
    expect(readdirSync(join(cwd, 'fleet'))).toEqual(['hosts.nix']);
    const again = await share('doc2', '--yes');
    expect([again.exitCode, again.stdout]).toEqual([0, '']);
    expect(again.stderr).toContain('is already so');
  }, 60_000);

  it('journals the very operation that the plan names, apart from the runs of moves', async () => {
    const { stdout } = await share('doc2', '--yes', '--json');
    const { plan } = JSON.parse(stdout.split('\n')[0] as string);
    const runs = join(cwd, '.drayage', 'fleet-runs');
    const [run] = readdirSync(runs);
    const journal = readFileSync(join(runs, run as string, 'journal.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const intents = journal.map((line) => JSON.parse(line)).flatMap(({ operation }) => operation ?? []);
    expect(intents).toEqual(plan.steps[0].operations);
    expect(readdirSync(join(cwd, '.drayage'))).not.toContain('runs');
  }, 60_000);

  it('takes the share away again, to the byte', async () => {
    writeFileSync(file(), withShare);
    expect((await share('doc2', '--remove', '--yes')).exitCode).toBe(0);
    expect(readFileSync(file(), 'utf8')).toBe(hosts);
  }, 60_000);

  it('writes through a symbolic link, which stays', async () => {
    mkdirSync(join(cwd, 'elsewhere'));
    const real = join(cwd, 'elsewhere', 'machines.nix');
    writeFileSync(real, hosts);
    rmSync(file());
    symlinkSync('../elsewhere/machines.nix', file());
    const { exitCode, stderr } = await share('doc2', '--yes');
    expect(exitCode, stderr).toBe(0);
    expect(readFileSync(real, 'utf8')).toBe(withShare);
    expect(realpathSync(file())).toBe(real);
  }, 60_000);

  it.each<[string, () => void, string[], number, string, string]>([
    ['there is nobody to ask', () => {}, ['doc2'], 2, 'usage/no-terminal', 'drayage guest share doc2 --yes'],
    [
      'no move goes there',
      () => {},
      ['doc1', '--yes'],
      2,
      'usage/no-share',
      'drayage guest share doc1 --share containers',
    ],
    [
      'it does not know where the file is',
      () => writeFileSync(join(cwd, 'drayage.yaml'), config.replace(/^hosts.*$/m, '')),
      ['doc2', '--yes'],
      2,
      'usage/no-hosts',
      'hosts: { file: hosts.nix }',
    ],
    [
      'the number is another',
      () => writeFileSync(file(), hosts.replace('114', '115')),
      ['doc2', '--yes'],
      2,
      'nix/another-machine',
      'correct the number',
    ],
    [
      'the machine is computed',
      () => writeFileSync(file(), hosts.replace('proxmox = {', 'proxmox = { } // {')),
      ['doc2', '--yes'],
      2,
      'nix/not-editable',
      'virtiofs = {',
    ],
    [
      'the file is no Nix',
      () => writeFileSync(file(), hosts.replace('114;', '114')),
      ['doc2', '--yes'],
      2,
      'nix/syntax',
      'nix-instantiate --parse',
    ],
    [
      'the file begins with a byte-order mark',
      () => writeFileSync(file(), `\ufeff${hosts}`),
      ['doc2', '--yes'],
      2,
      'byte-order mark, which Nix does not read',
      'nix-instantiate --parse',
    ],
  ])(
    'changes nothing when %s',
    async (_when, prepare, args, code, error, advice) => {
      prepare();
      const before = readFileSync(file());
      const { exitCode, stderr } = await share(...args);
      expect(exitCode).toBe(code);
      expect(stderr).toContain(error);
      expect(stderr).toContain(advice);
      expect(readFileSync(file())).toEqual(before);
    },
    60_000,
  );
});

describe('drayage tofu bump', () => {
  const pinned = `{ ... }: {
  terraform.required_providers.proxmox = {
    source = "bpg/proxmox";
    version = "~> 0.70.0"; # too old
  };
}
`;
  let cwd = '';
  const file = () => readFileSync(join(cwd, 'provider.nix'), 'utf8');
  const bump = (...args: string[]) => drayage(['tofu', 'bump', 'provider.nix', ...args], { cwd });
  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), 'drayage-bump-')));
    writeFileSync(join(cwd, 'drayage.yaml'), config);
    writeFileSync(join(cwd, 'provider.nix'), pinned);
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  it('shows the change, writes one string, and the second time nothing', async () => {
    const shown = await bump();
    expect(shown).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('tofu bump provider.nix --yes'),
    });
    expect(shown.stdout).toContain(
      '-    version = "~> 0.70.0"; # too old\n+    version = "0.111.1"; # too old\n',
    );
    expect(file()).toBe(pinned);
    expect((await bump('--yes', '--to', '~> 0.93.0')).exitCode).toBe(0);
    expect(file()).toBe(pinned.replace('~> 0.70.0', '~> 0.93.0'));
    expect((await bump('--yes', '--to', '~> 0.93.0')).stderr).toContain('is already so');
  });

  it('refuses a version that knows no virtiofs, and a file in which the pin is not plain', async () => {
    expect(await bump('--to', '0.75.0', '--yes')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('does not know virtiofs'),
    });
    const computed = pinned.replace('"~> 0.70.0"', 'lib.version');
    writeFileSync(join(cwd, 'provider.nix'), computed);
    const refused = await bump('--yes');
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('version = "0.111.1";') });
    expect(refused.stderr).toMatch(/provider\.nix:2:\d+/);
    expect(file()).toBe(computed);
  });
});
