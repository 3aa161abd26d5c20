import type { MountFindings, RsyncRefusal, UserFindings } from '../inspect/findings.ts';
import type { Host } from '../ssh/host.ts';
import { guestError } from './errors.ts';
import {
  type PasswdEntry,
  parseFindmnt,
  parseOsRelease,
  parsePasswd,
  parseSubids,
  storageSetting,
} from './facts.ts';
import { type Answer, probe } from './probe.ts';
import { otherTrials, rsyncRefusal } from './rsync-trial.ts';
import { guestTools } from './tools.ts';

/** A user of the guest, and what there is of his. */
export interface GuestUser extends UserFindings {
  /** His manager runs: `systemctl --user` and podman can be asked. */
  readonly managerRuns: boolean;
  /** His image store, where it exists. */
  readonly storePath?: string;
}

/** The guest itself, before its workloads are looked at. */
export interface SystemFacts {
  readonly hostname: string;
  readonly os: string;
  readonly osName: string;
  readonly kernel: string;
  readonly bootId: string;
  readonly podmanVersion?: string;
  readonly rsyncVersion?: string;
  readonly rsyncRefuses?: RsyncRefusal;
  readonly dockerVersion?: string;
  readonly composeVersion?: string;
  readonly mounts: readonly MountFindings[];
  readonly users: readonly GuestUser[];
  /** Root's image store, where it exists. */
  readonly rootStore?: string;
  readonly missingTools: readonly string[];
}

/** First and last uid of people's accounts; above lie containers' and nobody's (login.defs(5), systemd's uid ranges). */
const people = { first: 1000, last: 59_999 };

/**
 * Reads what the guest is, in two calls. Looks only; in particular podman is not asked where it was never used, because
 * it makes its store when it is asked.
 * @throws `guest/unexpected-output`
 */
export async function readSystem(host: Host): Promise<SystemFacts> {
  const general = await probe(host, {
    hostname: ['cat', '/proc/sys/kernel/hostname'],
    kernel: ['uname', '-r'],
    bootId: ['cat', '/proc/sys/kernel/random/boot_id'],
    osRelease: ['cat', '/etc/os-release'],
    mounts: ['findmnt', '--json', '--list', '--output', 'TARGET,SOURCE,FSTYPE'],
    passwd: ['getent', 'passwd'],
    subuid: ['cat', '/etc/subuid'],
    subgid: ['cat', '/etc/subgid'],
    linger: ['find', '/var/lib/systemd/linger', '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\n'],
    storageConf: ['cat', '/etc/containers/storage.conf'],
    vendorStorageConf: ['cat', '/usr/share/containers/storage.conf'],
    rsync: ['rsync', '--version'],
    ...otherTrials,
    podman: ['podman', '--version'],
    docker: ['docker', '--version'],
    compose: ['docker', 'compose', 'version', '--short'],
    ...Object.fromEntries(guestTools.map((tool) => [`tool:${tool}`, ['command', '-v', tool]])),
  });
  if (general.passwd.exitCode !== 0) {
    throw guestError('guest/unexpected-output', {
      seen: `${host.name}: getent passwd ended with exit code ${general.passwd.exitCode}: ${general.passwd.stderr}`,
      next: ['getent passwd   # without it, users and their containers are not seen'],
    });
  }
  const users = parsePasswd(general.passwd.stdout).filter(
    (user) => user.uid >= people.first && user.uid <= people.last,
  );
  const lingering = new Set(general.linger.stdout.split('\n').filter(Boolean));
  const storage = [general.storageConf, general.vendorStorageConf].map((answer) => answer.stdout);
  const graphRoot = firstSetting(storage, 'graphroot') ?? '/var/lib/containers/storage';
  const rootlessPattern = firstSetting(storage, 'rootless_storage_path');
  const own = await probe(host, {
    rootStore: ['test', '-d', graphRoot],
    ...Object.fromEntries(
      users.flatMap((user) => [
        [`manager:${user.name}`, ['test', '-S', `/run/user/${user.uid}/systemd/private`]],
        [`conf:${user.name}`, ['cat', `${user.home}/.config/containers/storage.conf`]],
        [`store:${user.name}`, ['test', '-d', defaultStore(user, rootlessPattern)]],
      ]),
    ),
  });
  const answers = own as Readonly<Record<string, Answer>>;
  const podmanVersion = versionOf(general.podman);
  const rsyncVersion = versionOf(general.rsync);
  const refused = rsyncRefusal(general);
  // podman-docker's `docker` is podman itself, and says `podman version`.
  const dockerVersion = /^Docker/i.test(general.docker.stdout) ? versionOf(general.docker) : undefined;
  const composeVersion = general.compose.exitCode === 0 ? general.compose.stdout.trim() : '';
  return {
    hostname: general.hostname.stdout.trim(),
    ...parseOsRelease(general.osRelease.stdout),
    kernel: general.kernel.stdout.trim(),
    bootId: general.bootId.stdout.trim(),
    ...(podmanVersion === undefined ? {} : { podmanVersion }),
    ...(rsyncVersion === undefined ? {} : { rsyncVersion }),
    ...(refused === undefined ? {} : { rsyncRefuses: refused }),
    ...(dockerVersion === undefined ? {} : { dockerVersion }),
    ...(dockerVersion !== undefined && composeVersion !== '' ? { composeVersion } : {}),
    mounts: parseFindmnt(general.mounts.stdout),
    users: users.map((user) => {
      const configured = storageSetting(answers[`conf:${user.name}`]?.stdout ?? '', 'graphroot');
      const there = answers[`store:${user.name}`]?.exitCode === 0;
      const storePath = configured ?? (there ? defaultStore(user, rootlessPattern) : undefined);
      return {
        ...user,
        linger: lingering.has(user.name),
        subuid: parseSubids(general.subuid.stdout, user),
        subgid: parseSubids(general.subgid.stdout, user),
        managerRuns: answers[`manager:${user.name}`]?.exitCode === 0,
        ...(storePath === undefined ? {} : { storePath }),
      };
    }),
    ...(own.rootStore.exitCode === 0 ? { rootStore: graphRoot } : {}),
    missingTools: guestTools.filter(
      (tool) => (general as Record<string, Answer>)[`tool:${tool}`]?.exitCode !== 0,
    ),
  };
}

function firstSetting(
  files: readonly string[],
  key: 'graphroot' | 'rootless_storage_path',
): string | undefined {
  for (const file of files) {
    const value = storageSetting(file, key);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** storage.conf(5): `rootless_storage_path` may hold $HOME, $UID and $USER. */
function defaultStore(user: PasswdEntry, pattern: string | undefined): string {
  return (pattern ?? '$HOME/.local/share/containers/storage')
    .replaceAll('$HOME', user.home)
    .replaceAll('$UID', String(user.uid))
    .replaceAll('$USER', user.name);
}

/** `podman version 5.4.2` -> `5.4.2`; `Docker version 27.5.1, build 9f9e405` -> `27.5.1`. */
function versionOf(answer: Answer): string | undefined {
  return answer.exitCode === 0 ? /version (\d[^\s,]*)/i.exec(answer.stdout)?.[1] : undefined;
}
