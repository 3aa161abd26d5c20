import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '../../lab/index.ts';
import { readNode } from '../../src/inspect/node.ts';

/**
 * In place of the 1,000,000 that virtiofsd has on a node: what operators meet there after months comes in seconds. Other
 * labs on this machine have another one, or none: by it this lab's virtiofsd is known.
 */
const limit = 3000 + (process.pid % 1000);
const files = limit + 1000;

let folder: string;
let lab: Lab;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lab-fd-'));
  lab = await startLab({ folder, guests: [], services: false });
  await on('prom', 'zfs create -o acltype=posixacl -o xattr=sa nvmeprom/containers');
  await on('prom', `cd /nvmeprom/containers && mkdir many && cd many && seq ${files} | xargs touch`);
  await api('POST', '/cluster/mapping/dir', { id: 'containers', map: 'node=prom,path=/nvmeprom/containers' });
  await api('PUT', `${vm}/config`, { virtiofs0: 'containers' });
});
afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true });
});

const vm = '/nodes/prom/qemu/114';

/** One call to the node's API, from inside the lab's network. */
async function api(method: string, path: string, form: Record<string, string> = {}): Promise<unknown> {
  const program = `fetch('https://10.77.0.1:8006/api2/json${path}', {
    method: '${method}', headers: { Authorization: 'PVEAPIToken=' + process.env.TOKEN },
    ${method === 'GET' ? '' : `body: new URLSearchParams(${JSON.stringify(form)}),`}
  }).then((answer) => answer.text()).then(console.log)`;
  const answer = await lab.exec([process.execPath, '-e', program], {
    env: { NODE_EXTRA_CA_CERTS: lab.paths.tls.cert, TOKEN: readFileSync(lab.paths.token, 'utf8').trim() },
  });
  const { data, message } = JSON.parse(answer.stdout.toString());
  if (message) throw new Error(message);
  return data;
}

const say = async (host: string, line: string) => {
  const { exitCode, stdout, stderr } = await lab.ssh(host, ['sh', '-c', line], { timeoutMs: 120_000 });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
};
const on = async (host: string, line: string) => {
  const { exitCode, stdout, stderr } = await say(host, line);
  if (exitCode !== 0) throw new Error(`${host}: ${line}: ${stderr}`);
  return stdout;
};

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 240_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited too long until ${what}`);
    await sleep(500);
  }
}

const status = async () => ((await api('GET', `${vm}/status/current`)) as { status: string }).status;

/** Starts doc2 anew, and so its virtiofsd, and mounts the share. */
async function startAnew(): Promise<void> {
  if ((await status()) === 'running') {
    await api('POST', `${vm}/status/stop`);
    await until('doc2 is off', async () => (await status()) === 'stopped');
  }
  await api('POST', `${vm}/status/start`);
  await until('doc2 answers', async () => (await lab.ssh('doc2', ['true'])).exitCode === 0);
  await on('doc2', 'mkdir -p /mnt/share && mount -t virtiofs containers /mnt/share');
}

const walk = () => say('doc2', 'find /mnt/share/many -type f -size -1 | wc -l');

/** Open files of this lab's virtiofsd, by the process that holds most: one waits, in a namespace of its own works the other. */
function openFiles(): number {
  const own = readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('virtiofsd') &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(`--rlimit-nofile=${limit}`)
      );
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
  return Math.max(...own.map((pid) => readdirSync(`/proc/${pid}/fd`).length));
}

/** The commands of docs/recovery.md, as an operator would paste them, with more arguments for virtiofsd. */
const wrapperCommands = (begins: string, argument?: string): string => {
  const blocks = readFileSync('docs/recovery.md', 'utf8').match(/```sh\n[\s\S]*?```/g) ?? [];
  const block = blocks.find((candidate) => candidate.startsWith(`\`\`\`sh\n${begins}`));
  if (block === undefined) throw new Error(`docs/recovery.md has no commands that begin with ${begins}`);
  const commands = block.slice('```sh\n'.length, -'```'.length);
  return `set -e\n${argument === undefined ? commands : commands.replace('--inode-file-handles=prefer', argument)}`;
};

const handles = async () => {
  const run = async (argv: readonly string[]) => lab.ssh('prom', argv);
  return (await readNode({ name: 'prom', run })).node.virtiofsdFileHandles;
};

test('a guest that has looked at more inodes than virtiofsd may hold open gets an error, again and again', async () => {
  await on('prom', wrapperCommands('dpkg-divert', `--rlimit-nofile=${limit}`));
  expect(await handles()).toBeUndefined();
  await startAnew();
  const { stderr, stdout } = await walk();
  expect(stderr).toContain('Too many open files in system');
  expect(Number(stdout)).toBeLessThan(limit);
  // Trying again does not help: what is known is kept.
  expect((await walk()).stderr).toContain('Too many open files in system');
  expect(openFiles()).toBeGreaterThan(limit / 2);
});

test('what docs/recovery.md says for the moment gives the descriptors back', async () => {
  await on('doc2', 'sync; echo 2 > /proc/sys/vm/drop_caches');
  expect(openFiles()).toBeLessThan(limit / 2);
  await on('doc2', 'touch /mnt/share/new');
});

test('the wrapper of docs/recovery.md cures it: the same walk ends, with few files held open', async () => {
  await on('prom', wrapperCommands('dpkg-divert', `--rlimit-nofile=${limit} --inode-file-handles=prefer`));
  expect(await handles()).toBe(true);
  await startAnew();
  const { stderr, stdout } = await walk();
  expect(stderr).toBe('');
  expect(Number(stdout)).toBe(files);
  expect(openFiles()).toBeGreaterThan(0);
  expect(openFiles()).toBeLessThan(500);
});

test('the wrapper is undone as docs/recovery.md says', async () => {
  await on('prom', wrapperCommands('rm /usr/libexec/virtiofsd'));
  expect(await handles()).toBeUndefined();
  expect(await on('prom', '/usr/libexec/virtiofsd --version')).toContain('virtiofsd');
  expect(await on('prom', 'dpkg-divert --list /usr/libexec/virtiofsd')).toBe('');
});
