import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Lab, type LabOptions, openLab, startLab } from '../../lab/index.ts';
import { namespaceOf, processesIn } from '../../lab/room/process.ts';
import { findRoom } from '../../lab/room/room.ts';

const cli = resolve('lab/cli/main.ts');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lab-room-'));
});
afterEach(async () => {
  await execa(process.execPath, [cli, 'down'], { env: { DRAYAGE_LAB_DIR: folder }, reject: false });
  rmSync(folder, { recursive: true });
});

const startNodeOnly = (options: LabOptions = {}) =>
  startLab({ folder, guests: [], services: false, ...options });

/** What a running room consists of, for looking whether it is gone. */
function partsOf(lab: Lab) {
  const init = findRoom(lab.paths)?.init.pid as number;
  const loops = readFileSync(`/proc/${init}/mountinfo`, 'utf8').match(/\/dev\/loop\d+/g) ?? [];
  return { pidNamespace: namespaceOf(init, 'pid') as string, loops: [...new Set(loops)].map(backingFile) };
}

/** Such as `loop3 /path/pool.img`; a loop device without a file is free. */
function backingFile(device: string): string {
  const name = device.slice('/dev/'.length);
  const file = `/sys/block/${name}/loop/backing_file`;
  return existsSync(file) ? `${name} ${readFileSync(file, 'utf8').trim()}` : '';
}

/** Pids of processes that see a mount whose line in their mount table contains the text. */
const whoseMountsName = (text: string) =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(text);
      } catch {
        return false;
      }
    });

/** Everything on this machine that still belongs to the lab. */
function traces(parts: ReturnType<typeof partsOf>): string[] {
  return [
    ...processesIn(parts.pidNamespace, 'pid').map((pid) => `process ${pid}`),
    // Labs that run at the same time share the loop device of the read-only image.
    ...parts.loops.filter((loop) => {
      const device = `/dev/${loop.split(' ')[0]}`;
      return backingFile(device) === loop && whoseMountsName(`${device} `).length === 0;
    }),
    ...whoseMountsName(folder).map((pid) => `a mount seen by process ${pid}`),
  ];
}

/** The kernel takes loop devices and mounts down shortly after the last process. */
async function expectNothingLeft(parts: ReturnType<typeof partsOf>): Promise<void> {
  for (let waited = 0; traces(parts).length > 0 && waited < 5_000; waited += 100) await sleep(100);
  expect(traces(parts)).toEqual([]);
}

const apiVersion = async (lab: Lab) => {
  const program =
    "fetch('https://10.77.0.1:8006/api2/json/version', { headers: { Authorization: 'PVEAPIToken=' + process.env.TOKEN } }).then((answer) => answer.text()).then(console.log)";
  const answer = await lab.exec([process.execPath, '-e', program], {
    env: { NODE_EXTRA_CA_CERTS: lab.paths.tls.cert, TOKEN: readFileSync(lab.paths.token, 'utf8').trim() },
  });
  return JSON.parse(answer.stdout.toString());
};

test('the node answers over ssh and its API, keeps datasets, and leaves nothing when it goes', async () => {
  const lab = await startNodeOnly();
  const parts = partsOf(lab);
  expect(traces(parts)).not.toEqual([]);
  expect(parts.loops).toHaveLength(2);

  const said = await lab.ssh('prom', ['sh', '-c', 'hostname; pveversion; command -v rsync; command -v zfs']);
  expect(said.stdout.toString()).toMatch(
    /^prom\npve-manager\/9\.1\.4\/.*\n\/usr\/bin\/rsync\n\/usr\/sbin\/zfs\n$/,
  );
  expect(await apiVersion(lab)).toMatchObject({ data: { version: '9.1.4' } });

  const created = await lab.ssh('prom', ['zfs', 'create', 'nvmeprom/containers']);
  expect(created).toMatchObject({ exitCode: 0 });
  writeFileSync(join(lab.nodeRoot, 'nvmeprom/containers/hello'), 'from outside');
  const read = await lab.ssh('prom', ['cat', '/nvmeprom/containers/hello']);
  expect(read.stdout.toString()).toBe('from outside');

  await lab.down();
  await expectNothingLeft(parts);
});

test('what ssh was asked on the node is recorded byte for byte, beginning with the first request after the start', async () => {
  const lab = await startNodeOnly();
  const argument = "it's \u00e4 \n $(name)";
  expect((await lab.ssh('prom', ['printf', '%s', argument])).stdout.toString()).toBe(argument);
  const lines = readFileSync(join(lab.paths.record, 'ssh-prom.jsonl'), 'utf8').trim().split('\n');
  expect(lines).toHaveLength(1);
  const command = Buffer.from(JSON.parse(lines[0] as string).command, 'base64').toString();
  expect(command).toMatch(/^printf %s /);
  await lab.down();
});

test('a second lab in the same folder is refused, and the first one stays', async () => {
  const lab = await startNodeOnly();
  await expect(startNodeOnly()).rejects.toMatchObject({
    code: 'lab/already-running',
    next: ['npm run lab -- status', 'npm run lab -- down'],
  });
  expect((await lab.ssh('prom', ['true'])).exitCode).toBe(0);
  await lab.down();
});

test('a guest that the lab does not have is refused before anything is made', async () => {
  await expect(startNodeOnly({ guests: ['doc3'] })).rejects.toMatchObject({ code: 'lab/unknown-guest' });
  expect(readdirSync(folder)).toEqual([]);
});

test('a starter killed in full flight takes the whole lab with it, and the next start cleans up', async () => {
  const program = `import { startLab } from ${JSON.stringify(resolve('lab/index.ts'))};
    await startLab({ folder: ${JSON.stringify(folder)}, guests: [], services: false });
    console.log('ready');
    setInterval(() => {}, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(starter.stdout, 'data');
  const parts = partsOf(openLab(folder));
  starter.kill('SIGKILL');
  await once(starter, 'exit');
  await expectNothingLeft(parts);

  const again = await startNodeOnly();
  expect((await again.ssh('prom', ['hostname'])).stdout.toString()).toBe('prom\n');
  await again.down();
});

test('`up` leaves the lab running on its own, and `down` ends it', async () => {
  const env = { DRAYAGE_LAB_DIR: folder };
  const up = await execa(process.execPath, [cli, 'up', '--without-services', '--without-guests'], { env });
  expect(up.stdout).toContain('token in');
  const parts = partsOf(openLab(folder));
  const shell = await execa(process.execPath, [cli, 'ssh', 'prom', 'echo', 'a  b'], { env });
  expect(shell.stdout).toBe('a  b');
  const down = await execa(process.execPath, [cli, 'down', '--purge'], { env });
  expect(down.stderr).toContain('The lab is down.');
  await expectNothingLeft(parts);
  expect(readdirSync(folder)).toEqual([]);
});

test('Ctrl-C while the lab comes up leaves nothing', async () => {
  const up = spawn(process.execPath, [cli, 'up', '--without-services'], {
    env: { ...process.env, DRAYAGE_LAB_DIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  up.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  while (!said.includes('doc1: booting')) await sleep(50);
  const parts = partsOf(openLab(folder));
  up.kill('SIGINT');
  const [code] = await once(up, 'exit');
  expect(code).toBe(130);
  await expectNothingLeft(parts);
});
