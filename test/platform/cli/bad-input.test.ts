/** What the issue calls bad input, through the real command line: one clear message, the way out, and nothing changed. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { narrowSecret } from '../../lab-kit/proxmox/bench.ts';
import { freePort } from '../../support/sshd.ts';
import { type CliWorld, drayage, type Ended, filesBelow, startWorld } from './world.ts';

/** `Error:`, `Blocked:`, and the first line of each problem of drayage.yaml. */
const messages = ({ stdout, stderr }: Ended): string[] =>
  `${stdout}\n${stderr}`.split('\n').filter((line) => /^(Error:|Blocked:|\S+\.yaml:\d+:\d+: )/.test(line));

/** The lines after the message: what it means and what to do. */
const advice = ({ stdout, stderr }: Ended): string[] =>
  `${stdout}\n${stderr}`
    .split('\n')
    .filter((line) => /^ {4}-> |^ {2}write: /.test(line))
    .map((line) => line.replace(/^ {4}-> |^ {2}write: /, ''));

const whole = `
cluster: { endpoint: "https://192.0.2.1:8006" }
nodes: { prom: { ssh: root@prom } }
guests:
  doc1: { vmid: 104, ssh: root@doc1 }
  doc2: { vmid: 114, ssh: root@doc2 }
shares:
  containers: { node: prom, dataset: nvmeprom/containers, owner: "1000:100" }
moves:
  docker: { from: { guest: doc1, path: /mnt/docker }, to: { share: containers, guest: doc2 } }
`;
const change = (from: string, to: string) => {
  if (!whole.includes(from)) throw new Error(`the file has no ${from}`);
  return whole.replace(from, to);
};

describe('a drayage.yaml that is not one', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'drayage-bad-'));
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  it.each<[string, string | Buffer, string, string]>([
    ['is empty', '', '1:1: the file is empty', '`drayage init` writes a file to start from'],
    [
      'is huge',
      Buffer.alloc(3_000_000, 'a'),
      'larger than 1 MiB',
      'the path of your drayage.yaml after --file',
    ],
    [
      'is binary',
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]),
      'binary: it holds a NUL byte',
      'plain text in UTF-8',
    ],
    ['is indented with a tab', 'nodes:\n\tprom: 1\n', '2:1: not valid YAML', 'spaces instead of tabs'],
    [
      'has a key twice',
      change('  doc2: { vmid', '  doc1: { vmid'),
      '6:3: guests.doc1 stands twice',
      '"doc1" once, with the keys of both below it',
    ],
    ['has an unknown key', change('dataset:', 'datset:'), 'datset is not a key', 'dataset'],
    [
      'has two moves into one place',
      `${whole}  more: { from: { guest: doc1, path: /srv/more }, to: { share: containers, guest: doc2 } }\n`,
      'the moves docker and more go into one place, "doc1"',
      'a place of its own, such as `as: more`',
    ],
    [
      'has a mapping id that begins with a digit',
      change('owner:', 'mapping: 1abc, owner:'),
      'shares.containers.mapping',
      'a Proxmox configuration id: a letter, then letters, digits, "_" or "-"',
    ],
    [
      'has a mapping id of 37 bytes',
      change('owner:', `mapping: ${'a'.repeat(37)}, owner:`),
      'shares.containers.mapping',
      'at most 36 bytes: QEMU refuses a longer virtiofs tag',
    ],
    ['has a comma in a path', change('owner:', 'path: "/srv/a,b", owner:'), '"/srv/a,b"', 'without ; , = ('],
    ['has a = in a path', change('owner:', 'path: /srv/a=b, owner:'), '"/srv/a=b"', 'without ; , = ('],
    [
      'mounts the share inside the place of its own move',
      `${change('owner:', 'mount: /mnt/docker/share, owner:')}`,
      'lie in each other ("/mnt/docker", "/mnt/docker/share")',
      'a `mount:` of its own for the share',
    ],
  ])('%s', async (_, text, seen, write) => {
    writeFileSync(join(cwd, 'drayage.yaml'), text);
    const before = filesBelow(cwd);
    const ended = await drayage(['plan'], { cwd });
    expect(ended.exitCode).toBe(2);
    expect(ended.stdout).toBe('');
    expect(messages(ended).join('\n')).toContain(seen);
    expect(advice(ended).join('\n')).toContain(write);
    // An unknown key leaves the one that was meant missing: the two belong together.
    expect(messages(ended).length).toBeLessThanOrEqual(text.includes('datset') ? 2 : 1);
    expect(filesBelow(cwd)).toEqual(before);
  });

  it('is not there', async () => {
    const ended = await drayage(['plan'], { cwd });
    expect(ended.exitCode).toBe(2);
    expect(messages(ended)).toHaveLength(1);
    expect(advice(ended)).toEqual(['drayage init', 'drayage --file FILE ...']);
    expect(filesBelow(cwd)).toEqual({});
  });

  it('is told of as one JSON object with --json', async () => {
    writeFileSync(join(cwd, 'drayage.yaml'), '');
    const ended = await drayage(['plan', '--json'], { cwd });
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toBe('');
    expect(JSON.parse(ended.stdout)).toMatchObject({ type: 'error', exitCode: 2, problems: [{ line: 1 }] });
  });

  it('asks for a token, with the commands that make one', async () => {
    writeFileSync(join(cwd, 'drayage.yaml'), whole);
    const ended = await drayage(['plan'], { cwd });
    expect(ended.exitCode).toBe(2);
    expect(messages(ended)).toHaveLength(1);
    expect(advice(ended)[0]).toContain('pveum user token add drayage@pve migration --privsep 0');
    expect(filesBelow(cwd)).toHaveProperty([join(cwd, 'drayage.yaml')]);
  });
});

describe('a world that is not as it must be', () => {
  let world: CliWorld;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.close());

  /** Both commands: `plan` tells it, `apply --yes` does nothing. */
  async function refused(
    exitCode: number,
    how: Parameters<CliWorld['run']>[1] = {},
  ): Promise<{ told: string[]; next: string[]; text: string }> {
    const planned = await world.run(['plan'], how);
    const before = { ...filesBelow(world.cwd), ...filesBelow(world.source) };
    const applied = await world.run(['apply', '--yes', '--window', '600'], how);
    expect({ ...filesBelow(world.cwd), ...filesBelow(world.source) }).toEqual(before);
    expect(Object.keys(before).filter((path) => path.startsWith(world.cwd))).toEqual([
      join(world.cwd, 'drayage.yaml'),
    ]);
    expect(world.writes()).toEqual([]);
    expect([planned.exitCode, applied.exitCode]).toEqual([exitCode, exitCode]);
    return {
      told: messages(planned),
      next: advice(planned).filter((line) => !line.startsWith('then ')),
      text: planned.stdout + planned.stderr,
    };
  }

  it('is planned without a message when all is well, and nothing is changed by planning', async () => {
    const ended = await world.run(['plan']);
    expect(messages(ended)).toEqual([]);
    expect(ended.stderr).toBe('');
    expect(ended.exitCode).toBe(0);
    expect(ended.stdout).toMatch(/^drayage plan [0-9a-f]{12}$/m);
    expect(world.writes()).toEqual([]);
    expect(Object.keys(filesBelow(world.cwd))).toEqual([join(world.cwd, 'drayage.yaml')]);
  });

  it('says 3 for changes with --detailed-exitcode', async () => {
    expect((await world.run(['plan', '--detailed-exitcode'])).exitCode).toBe(3);
  });

  it('does not mind a reader that goes away', async () => {
    await world.run(['version']);
    const cli = join(import.meta.dirname, '../../../src/cli/main.ts');
    const pipe = '"$0" "$1" plan | head -1; echo $PIPESTATUS';
    // Not the synchronous form: the API answers from this process.
    const { stdout: piped } = await promisify(execFile)('bash', ['-c', pipe, process.execPath, cli], {
      cwd: world.cwd,
      env: { PATH: process.env.PATH, HOME: world.cwd, ...world.env },
    });
    expect(piped).toMatch(/^drayage plan \S+\n0\n$/);
  });

  it('a wrong token', async () => {
    const env = { PROXMOX_VE_API_TOKEN: 'root@pam!drayage=very-wrong' };
    const { told, next, text } = await refused(5, { env });
    expect(told).toEqual([expect.stringContaining('401 Authentication failed! (token root@pam!drayage)')]);
    expect(next[0]).toBe(
      'on the node: pveum user token list root@pam   # is drayage there, and not expired?',
    );
    expect(text).not.toContain('very-wrong');
  });

  it('a token that is none', async () => {
    const { told, next, text } = await refused(2, { env: { PROXMOX_VE_API_TOKEN: 'root@pam!secretive' } });
    expect(told).toEqual([expect.stringContaining('there is no "=" before the secret')]);
    expect(next).toContain('put USER@REALM!NAME=SECRET into the environment variable PROXMOX_VE_API_TOKEN');
    expect(text).not.toContain('secretive');
  });

  it('a token without privileges: each that is missing, with the command that grants it', async () => {
    const env = { PROXMOX_VE_API_TOKEN: `mover@pve!narrow=${narrowSecret}` };
    const { told, next } = await refused(5, { env });
    for (const missing of [
      'VM.Config.Disk on /vms/114 is missing',
      'VM.PowerMgmt on /vms/114 is missing',
      'Mapping.Modify on /mapping/dir is missing',
      'Mapping.Use on /mapping/dir/containers is missing',
      'no virtual machine 104 among the 0 that this token may see',
    ]) {
      expect(told.filter((line) => line.includes(missing))).toHaveLength(1);
    }
    expect(next.join('\n')).toContain("pveum acl modify /vms/114 --tokens 'mover@pve!narrow'");
  });

  it('a wrong fingerprint: the one that is shown, and how to compare it', async () => {
    const { fingerprint } = world.bench.api;
    const other = fingerprint.replace(/^../, fingerprint.startsWith('00') ? '11' : '00');
    const asked = world.bench.records().length;
    const { told, next } = await refused(5, { replace: [[fingerprint, other]] });
    expect(told).toEqual([
      expect.stringContaining(`shows the fingerprint ${fingerprint}; expected is ${other}`),
    ]);
    expect(next[0]).toContain('openssl x509 -fingerprint -sha256 -noout -in /etc/pve/local/pve-ssl.pem');
    expect(world.bench.records()).toHaveLength(asked);
  });

  it('a closed port', async () => {
    const url = `https://127.0.0.1:${await freePort()}`;
    const { told, next } = await refused(1, { replace: [[world.bench.api.url, url]] });
    expect(told).toEqual([expect.stringContaining('ECONNREFUSED')]);
    expect(next).toEqual([`curl --insecure --head ${url}`, 'on the node: systemctl status pveproxy']);
  });

  it('a guest that is off: the command that starts it', async () => {
    world.bench.machines.up.delete(104);
    try {
      const { told, next } = await refused(5);
      expect(told).toEqual(['Blocked: VM 104 (doc1) is stopped  [plan/guest-off]']);
      expect(next).toEqual(['on prom: qm start 104', 'drayage plan']);
    } finally {
      world.bench.machines.up.add(104);
    }
  });

  it('a target without room: how much is needed and how much there is', async () => {
    world.setAvailable(4096);
    try {
      const { told, next } = await refused(5);
      expect(told).toEqual([
        expect.stringMatching(
          /needs \S+ kB, 5 % and 1 KiB for each inode included; nvmeprom\/containers has 4\.1 kB left/,
        ),
      ]);
      expect(next[0]).toMatch(/^ssh -F \S+ \S+ zfs list -o space nvmeprom$/);
      expect(next[1]).toBe('leave something behind: moves.docker.exclude');
    } finally {
      rmSync(join(world.folder, 'available'));
    }
  });

  describe('the source', () => {
    let at: string;
    beforeEach(() => {
      at = join(world.folder, 'elsewhere');
    });
    afterEach(() => rmSync(at, { recursive: true, force: true }));
    const source = () => ({ replace: [[world.source, at]] as [string, string][] });

    it('does not exist', async () => {
      const { told, next } = await refused(5, source());
      expect(told).toEqual([expect.stringContaining('[plan/source-missing]')]);
      expect(next[0]).toMatch(/^ssh -F \S+ \S+ ls -la /);
      expect(next[1]).toContain('correct moves.docker.from.path in ');
    });

    it('is empty', async () => {
      mkdirSync(at);
      const { told, next } = await refused(5, source());
      expect(told).toEqual([expect.stringContaining(`${at} on doc1 is empty`)]);
      expect(next[0]).toContain(`findmnt --target ${at}`);
    });

    it('is a file', async () => {
      writeFileSync(at, 'not a directory\n');
      const { told, next } = await refused(5, source());
      expect(told).toEqual([expect.stringContaining('[plan/source-not-a-directory]')]);
      expect(next).toEqual([expect.stringContaining('correct moves.docker.from.path in ')]);
    });

    it('is a mount', async () => {
      mkdirSync(at);
      execFileSync('mount', ['--bind', world.source, at]);
      try {
        const { told, next } = await refused(5, source());
        expect(told).toEqual([expect.stringContaining(`${at} on doc1 is a mount point`)]);
        expect(next[0]).toContain('set moves.docker.from.mounted: true in ');
      } finally {
        execFileSync('umount', [at]);
      }
    });

    it('is a share itself', async () => {
      mkdirSync(join(at, '.drayage'), { recursive: true });
      writeFileSync(join(at, '.drayage/share.json'), '{}\n');
      const { told, next } = await refused(5, source());
      expect(told).toHaveLength(1);
      expect(told[0]).toContain('.drayage');
      expect(next.length).toBeGreaterThan(0);
    });
  });

  it('a host key that changed: compare first, then forget the old one', async () => {
    await world.sshd.doc1.changeHostKey();
    const { told, next, text } = await refused(5);
    expect(told).toEqual([expect.stringMatching(/^Blocked: doc1 \(\S+\) sent the ED25519 key SHA256:/)]);
    expect(text).toContain('The machine answered with another host key than the one in known_hosts');
    expect(next[0]).toContain("on that machine's console, not over ssh: ssh-keygen -lf ");
    expect(next[1]).toContain('only when it does: ssh-keygen -f ');
  });
});
