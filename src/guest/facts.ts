import { z } from 'zod';
import type { MountFindings, UserFindings } from '../inspect/findings.ts';
import { guestError } from './errors.ts';

/** `KEY=value` lines of /etc/os-release, quotes removed (os-release(5)). */
export function parseOsRelease(text: string): { os: string; osName: string } {
  const values = new Map(
    text.split('\n').flatMap((line) => {
      const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
      return match === null ? [] : [[match[1] as string, match[2] ?? match[3] ?? match[4] ?? ''] as const];
    }),
  );
  return {
    os: values.get('ID') ?? 'linux',
    osName: values.get('PRETTY_NAME') ?? values.get('NAME') ?? 'Linux',
  };
}

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** `getent passwd` (passwd(5)). Lines of another shape are passed over, as the C library does. */
export function parsePasswd(text: string): PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid, , home] = line.split(':');
    if (name === undefined || home === undefined || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? ''))
      return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home }];
  });
}

/** /etc/subuid or /etc/subgid: ranges of one user, by name or by number (subuid(5)). */
export function parseSubids(text: string, user: { name: string; uid: number }): UserFindings['subuid'] {
  return text.split('\n').flatMap((line) => {
    const [who, first, count] = line.trim().split(':');
    if (who !== user.name && who !== String(user.uid)) return [];
    if (!/^\d+$/.test(first ?? '') || !/^\d+$/.test(count ?? '')) return [];
    return [{ first: Number(first), count: Number(count) }];
  });
}

const findmntSchema = z.object({
  filesystems: z.array(
    z.object({ target: z.string(), source: z.string().nullable(), fstype: z.string().nullable() }),
  ),
});

/** Kernel interfaces: never data, never in the way. */
const kernelFileSystems = new Set(
  `autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs proc
  pstore ramfs rpc_pipefs securityfs selinuxfs sysfs tracefs`.split(/\s+/),
);

/**
 * `findmnt --json --list --output TARGET,SOURCE,FSTYPE`, without the kernel's own file systems.
 * @throws `guest/unexpected-output`
 */
export function parseFindmnt(text: string): MountFindings[] {
  let parsed: z.ZodSafeParseResult<z.infer<typeof findmntSchema>> | undefined;
  try {
    parsed = findmntSchema.safeParse(JSON.parse(text));
  } catch {
    parsed = undefined;
  }
  if (parsed?.success !== true) {
    throw guestError('guest/unexpected-output', {
      seen: `findmnt --json: ${text.trim().slice(0, 200) || 'printed nothing'}`,
      next: ['findmnt --version   # util-linux 2.27 or later prints JSON'],
    });
  }
  return parsed.data.filesystems
    .filter((mount) => !kernelFileSystems.has(mount.fstype ?? ''))
    .map((mount) => ({ target: mount.target, source: mount.source ?? '', fsType: mount.fstype ?? '' }));
}

/** A path setting of storage.conf(5), TOML: `graphroot = "/srv/containers"`; commented lines do not count. */
export function storageSetting(text: string, key: 'graphroot' | 'rootless_storage_path'): string | undefined {
  return new RegExp(`^\\s*${key}\\s*=\\s*["']([^"']+)["']`, 'm').exec(text)?.[1];
}
