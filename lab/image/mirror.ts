import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { labError } from './errors.ts';

const run = promisify(execFile);

/** Where Debian's packages come from: the archive and its security updates, both as apt's `URIs:` has them. */
export interface DebianMirror {
  main: string;
  security: string;
}

/** The `--format` of `apt-get indextargets` that `parseIndexTargets` reads. */
export const indexTargetsFormat = '$(SITE)\t$(ORIGIN)\t$(LABEL)';

/**
 * Finds Debian's archive among the index targets of apt.
 *
 * A source that apt has not fetched yet has no origin and no label: it then counts by the last part of its address,
 * which is `debian` or `debian-security` on every mirror of Debian.
 * @param output lines of `apt-get indextargets --format indexTargetsFormat`
 * @returns what was found; a missing half is undefined
 */
export function parseIndexTargets(output: string): Partial<DebianMirror> {
  const mirror: Partial<DebianMirror> = {};
  for (const line of output.split('\n')) {
    const [site = '', origin = '', label = ''] = line.split('\t');
    const address = site.replace(/\/+$/, '');
    if (address === '') continue;
    const known = origin === 'Debian' || origin === '';
    const security = label === 'Debian-Security' || (label === '' && /[/-]security$/.test(address));
    const main = label === 'Debian' || (label === '' && /\/debian$/.test(address));
    if (known && security) mirror.security ??= address;
    else if (known && main) mirror.main ??= address;
  }
  return mirror;
}

/**
 * The Debian mirror of this machine: from its own apt sources, so that no host is named by us.
 * `DRAYAGE_LAB_MIRROR` and `DRAYAGE_LAB_MIRROR_SECURITY` overrule, and serve machines that are not Debian.
 * @throws lab/no-mirror when neither names one
 */
export async function readDebianMirror(env: NodeJS.ProcessEnv = process.env): Promise<DebianMirror> {
  const { stdout } = await run('apt-get', [
    'indextargets',
    '--format',
    indexTargetsFormat,
    'Created-By: Packages',
  ]);
  const found = parseIndexTargets(stdout);
  const main = env.DRAYAGE_LAB_MIRROR ?? found.main;
  const security = env.DRAYAGE_LAB_MIRROR_SECURITY ?? found.security;
  if (main === undefined || security === undefined) {
    throw labError('lab/no-mirror', {
      seen: `The apt sources of this machine name ${main === undefined ? 'no Debian archive' : 'no Debian security archive'}.`,
      next: [
        'apt-get indextargets',
        'export DRAYAGE_LAB_MIRROR=<address of a Debian archive> DRAYAGE_LAB_MIRROR_SECURITY=<address of its security archive>',
      ],
    });
  }
  return { main, security };
}

/** Settings of the host's apt that decide whether a mirror can be reached and is believed: the guest's apt gets the same. */
const inheritedSettings =
  /^Acquire::(https?::(Proxy|Timeout)|Check-Valid-Until|Check-Date|Retries)(::[^ ]+)? "[^"]*";$/;

/** The lines of `apt-config dump Acquire` that the build passes on to mmdebstrap as `--aptopt`. */
export function inheritedAptSettings(dump: string): string[] {
  return dump
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => inheritedSettings.test(line));
}

/** `inheritedAptSettings` of this machine. */
export async function readAptSettings(): Promise<string[]> {
  const { stdout } = await run('apt-config', ['dump', 'Acquire']);
  return inheritedAptSettings(stdout);
}
