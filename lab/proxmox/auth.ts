/** API tokens and their privileges. Tickets are known to nobody here: each is refused. */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ProxmoxOptions } from '../contracts.ts';
import { ApiError, forbidden } from './api-error.ts';

type Token = ProxmoxOptions['tokens'][number];

/** Who asks. `tokenid` is `user@realm!name`. */
export interface Caller {
  tokenid: string;
  /** Privileges on an ACL path, inherited from the longest path above it that has an entry. */
  privileges(path: string): readonly string[];
  /** ACL paths that GET /access/permissions lists. */
  paths: readonly string[];
}

/** A permission that an endpoint asks for; `{name}` stands for a path parameter. */
export type Permission =
  | 'world'
  | 'user'
  | { path: string; privileges: readonly string[]; any?: boolean }
  | { or: readonly { path: string; privileges: readonly string[] }[] };

/** All privileges of Proxmox VE 9. */
export const allPrivileges: readonly string[] = [
  ...names('Datastore', 'Allocate AllocateSpace AllocateTemplate Audit'),
  ...names('Group', 'Allocate'),
  ...names('Mapping', 'Audit Modify Use'),
  ...names('Permissions', 'Modify'),
  ...names('Pool', 'Allocate Audit'),
  ...names('Realm', 'Allocate AllocateUser'),
  ...names('SDN', 'Allocate Audit Use'),
  ...names('Sys', 'AccessNetwork Audit Console Incoming Modify PowerMgmt Syslog'),
  ...names('User', 'Modify'),
  ...names(
    'VM',
    'Allocate Audit Backup Clone Console Migrate PowerMgmt Replicate Snapshot Snapshot.Rollback',
  ),
  ...names('VM.Config', 'CDROM CPU Cloudinit Disk HWType Memory Network Options'),
  ...names('VM.GuestAgent', 'Audit FileRead FileSystemMgmt FileWrite Unrestricted'),
];

function names(area: string, rest: string): string[] {
  return rest.split(' ').map((name) => `${area}.${name}`);
}

const rootPaths = [
  '/',
  '/access',
  '/access/groups',
  '/mapping',
  '/nodes',
  '/pool',
  '/sdn',
  '/storage',
  '/vms',
];

/**
 * Finds the caller by the request's headers.
 * @throws ApiError 401
 */
export function authenticate(headers: IncomingHttpHeaders, tokens: readonly Token[]): Caller {
  // A cookie takes precedence over a token.
  if (/(^|;\s*)PVEAuthCookie=/.test(headers.cookie ?? ''))
    throw new ApiError(401, 'permission denied - invalid PVE ticket');
  if (headers.authorization === undefined) throw new ApiError(401, 'No ticket');
  const given = /^PVEAPIToken[= ]([^\s=]+@[^\s=]+![^\s=]+)=(\S+)$/.exec(headers.authorization);
  const token = tokens.find(({ id }) => id === given?.[1]);
  if (!given?.[2] || !token || !same(given[2], token.secret))
    throw new ApiError(401, 'Authentication failed!');
  return callerOf(token);
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

export function callerOf({ id, privileges }: Token): Caller {
  if (privileges === 'root') return { tokenid: id, paths: rootPaths, privileges: () => allPrivileges };
  return {
    tokenid: id,
    paths: Object.keys(privileges),
    privileges: (path) => {
      for (let at = path; ; at = at.slice(0, at.lastIndexOf('/')) || '/') {
        const found = Object.hasOwn(privileges, at) ? privileges[at] : undefined;
        if (found) return found;
        if (at === '/') return [];
      }
    },
  };
}

export function may(caller: Caller, path: string, privileges: readonly string[], any = false): boolean {
  const has = (privilege: string) => caller.privileges(path).includes(privilege);
  return any ? privileges.some(has) : privileges.every(has);
}

/** @throws ApiError 403 */
export function demand(caller: Caller, path: string, privileges: readonly string[], any = false): void {
  if (!may(caller, path, privileges, any)) throw forbidden(`${path}, ${privileges.join(any ? '|' : ',')}`);
}

/**
 * Checks what an endpoint asks for, before its parameters are looked at.
 * @throws ApiError 403
 */
export function checkPermission(
  caller: Caller,
  permission: Permission,
  uri: Readonly<Record<string, string>>,
): void {
  if (permission === 'world' || permission === 'user') return;
  const fill = (path: string) => path.replace(/\{([a-z]+)\}/g, (_, name: string) => uri[name] ?? '');
  if (!('or' in permission)) {
    demand(caller, fill(permission.path), permission.privileges, permission.any);
    return;
  }
  if (!permission.or.some(({ path, privileges }) => may(caller, fill(path), privileges))) throw forbidden();
}
