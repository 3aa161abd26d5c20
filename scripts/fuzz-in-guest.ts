import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bootZfsGuest } from '../lab/zfs-guest/boot.ts';
import { ensureZfsGuest } from '../lab/zfs-guest/build.ts';

const checkout = join(import.meta.dirname, '..');
const log = (line: string) => process.stderr.write(`${line}\n`);

/** Libraries that Node.js needs and a guest without a compiler does not have. */
function libraries(): string[] {
  const lines = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => /^\s*lib(?:stdc\+\+|gcc_s|atomic)\.so\S* => (\/\S+)/.exec(line)?.[1] ?? []);
}

/** Packages that drayage itself needs, relative to the checkout. */
function packages(): string[] {
  const argv = ['ls', '--all', '--omit=dev', '--parseable'];
  const [, ...found] = execFileSync('npm', argv, { cwd: checkout, encoding: 'utf8' }).trim().split('\n');
  return found.map((path) => relative(checkout, path));
}

/**
 * Runs `scripts/fuzz-copy.ts` in a guest that has OpenZFS, with this Node.js and these sources. Nothing of it is kept.
 * @returns its exit code
 */
export async function fuzzInGuest(argv: readonly string[], stop: AbortSignal): Promise<number> {
  const guest = await bootZfsGuest(await ensureZfsGuest(log), log);
  const stopped = () => void guest.stop();
  stop.addEventListener('abort', stopped);
  const ssh = (command: string) => ['-F', guest.sshConfig, '-o', 'BatchMode=yes', guest.destination, command];
  try {
    // Node.js and its libraries come with their paths, below a folder of their own.
    const binaries = [realpathSync(process.execPath), ...libraries()];
    const sources = ['package.json', 'src', 'lab', 'scripts', 'test/support', ...packages()];
    const tar = spawn(
      'tar',
      ['-c', '-h', '-P', '--transform=s,^/,,', '-C', checkout, ...sources, ...binaries],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const unpack = spawn('ssh', ssh('mkdir -p /root/fuzz && tar -x -C /root/fuzz'), {
      stdio: [tar.stdout, 'inherit', 'inherit'],
    });
    const [code] = await once(unpack, 'exit');
    if (code !== 0) return 1;
    const paths = [...new Set(binaries.slice(1).map((path) => `/root/fuzz${dirname(path)}`))].join(':');
    const command = `cd /root/fuzz && LD_LIBRARY_PATH=${paths} .${binaries[0]} scripts/fuzz-copy.ts ${argv.join(' ')}`;
    const fuzz = spawn('ssh', ssh(command), { stdio: ['ignore', 'inherit', 'inherit'] });
    const [exitCode] = await once(fuzz, 'exit');
    return typeof exitCode === 'number' ? exitCode : 1;
  } finally {
    stop.removeEventListener('abort', stopped);
    await guest.stop();
  }
}
