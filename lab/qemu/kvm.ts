import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

/** What QEMU's guest prints when its kernel hands over to user space: the proof that a guest really boots. */
const bootedMark = 'as init process';

const verdictSchema = z.object({ bootId: z.string(), works: z.boolean() });

/**
 * Chooses the accelerator: KVM only where a trial boot reaches user space in time (some hosts offer /dev/kvm and
 * hang), TCG otherwise. The verdict holds until the host boots again.
 */
export async function chooseAccelerator(
  boot: { kernel: string; initrd: string },
  verdictFile: string,
  log: (line: string) => void,
  limitMs = 10_000,
): Promise<'kvm' | 'tcg'> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg';
  }
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const known = readVerdict(verdictFile);
  if (known?.bootId === bootId) return known.works ? 'kvm' : 'tcg';
  log(`trying whether KVM boots a guest (once per boot of this host, at most ${limitMs / 1000} s)`);
  const works = await kvmBoots(boot, limitMs);
  log(works ? 'KVM works' : 'KVM does not boot a guest here: emulating the processor (TCG)');
  mkdirSync(dirname(verdictFile), { recursive: true });
  writeFileSync(`${verdictFile}.new`, `${JSON.stringify({ bootId, works })}\n`);
  renameSync(`${verdictFile}.new`, verdictFile);
  return works ? 'kvm' : 'tcg';
}

function readVerdict(file: string): z.infer<typeof verdictSchema> | undefined {
  try {
    return verdictSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function kvmBoots(boot: { kernel: string; initrd: string }, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(
      'qemu-system-x86_64',
      [
        ...['-accel', 'kvm', '-cpu', 'host', '-machine', 'q35', '-m', '512', '-smp', '1'],
        ...['-display', 'none', '-nodefaults', '-no-user-config', '-no-reboot'],
        ...['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', 'console=ttyS0 panic=-1'],
        ...['-serial', 'stdio'],
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let seen = '';
    const end = (works: boolean) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve(works);
    };
    const timer = setTimeout(() => end(false), limitMs);
    child.stdout.on('data', (chunk: Buffer) => {
      seen = (seen + chunk.toString('latin1')).slice(-10_000);
      if (seen.includes(bootedMark)) end(true);
    });
    child.on('error', () => end(false));
    child.on('exit', () => end(seen.includes(bootedMark)));
  });
}
