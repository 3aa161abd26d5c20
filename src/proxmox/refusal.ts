import type { DrayageError } from '../errors/error.ts';
import type { Answer } from './connection.ts';
import { proxmoxError } from './errors.ts';

/** What an error answer says: Proxmox answers most with 500 and only its text tells them apart. */
export interface Refusal {
  readonly method: string;
  readonly path: string;
  /** `message` of the body, else the reason phrase (before libpve-http-server-perl 5.2.0 there was no message). */
  readonly text: string;
  /** `errors` of a 400: parameter -> what is wrong with it. */
  readonly errors: Readonly<Record<string, string>>;
  /** `USER@REALM!NAME`, for the advice. */
  readonly tokenId: string;
}

/** Texts of pve-guest-common, qemu-server, pve-manager, pve-ha-manager and pve-cluster. */
const notFound = [
  /^mapping '[^']*' not found$/,
  /^(create|update|delete) directory mapping failed: dir ID '[^']*' does not exist$/,
  /^Configuration file '[^']*' does not exist$/,
  /^no such (resource|task|storage|node|user|pool)\b/,
  /^storage '[^']*' does not exist$/,
];
const exists = [/dir ID '[^']*' already defined$/, /^(unable to create )?VM \d+:? .*already exists\b/];
const conflict = [
  /detected modified configuration - file changed by other user\?/,
  /^checksum mismatch \(file change by other user\?\)/,
];
const locked = [
  /^VM is locked \([^)]*\)/,
  /^can't lock file '[^']*' - got timeout/,
  // With what failed before it, such as `update directory mapping failed: `.
  /\bcfs-lock '[^']*' error: got lock request timeout/,
];
const noQuorum = [/^cluster not ready - no quorum\?/];

/** Turns an error answer into an error with a name. Unknown texts stay as they are: proxmox/unexpected. */
export function refusalError(answer: Pick<Answer, 'status'>, refusal: Refusal): DrayageError {
  const { method, path, text, errors, tokenId } = refusal;
  const { status } = answer;
  const fields = Object.entries(errors).map(([name, what]) => `${name}: ${what.trim()}`);
  const seen = [`${method} ${path}: ${status} ${text}`, ...fields].join('\n');
  const says = (patterns: readonly RegExp[]) => patterns.some((pattern) => pattern.test(text));

  if (status === 401) {
    const [user = 'USER@REALM', name = 'NAME'] = tokenId.split('!');
    return proxmoxError('proxmox/unauthorized', {
      seen: `${seen} (token ${tokenId})`,
      next: [
        `on the node: pveum user token list ${user}   # is ${name} there, and not expired?`,
        'compare the secret in PROXMOX_VE_API_TOKEN or cluster.tokenFile; a lost one is made anew with: pveum user token remove, then add',
      ],
    });
  }
  if (status === 403) return proxmoxError('proxmox/permission', { seen, next: grants(text, tokenId) });
  if (status === 400) {
    if (fields.length > 0 && fields.every((field) => /: no such task$/.test(field)))
      return proxmoxError('proxmox/not-found', {
        seen,
        next: [`pvesh get ${parentOf(path)}   # what there is`],
      });
    if (fields.some((field) => /already exists$/.test(field)))
      return proxmoxError('proxmox/exists', { seen, next: ['drayage plan   # looks again'] });
    return proxmoxError('proxmox/parameter', {
      seen,
      next: [`on the node: pvesh usage ${path.split('?')[0]} --command ${verbs[method] ?? 'get'} --verbose`],
    });
  }
  if (says(conflict))
    return proxmoxError('proxmox/conflict', {
      seen,
      next: ['drayage plan   # reads it again', 'drayage apply'],
    });
  if (says(notFound))
    return proxmoxError('proxmox/not-found', {
      seen,
      next: [`pvesh get ${parentOf(path)}   # what there is`],
    });
  if (says(exists)) return proxmoxError('proxmox/exists', { seen, next: ['drayage plan   # looks again'] });
  if (says(locked))
    return proxmoxError('proxmox/locked', {
      seen,
      next: ['wait until the task that holds it has ended: pvesh get /cluster/tasks', 'drayage apply'],
    });
  if (says(noQuorum)) return proxmoxError('proxmox/no-quorum', { seen, next: ['on a node: pvecm status'] });
  // AnyEvent::HTTP's own codes, passed on by pveproxy: 595 connect, 596 TLS, headers or 30 s over, 597 body, 599 other.
  if (status >= 595 && status <= 599) {
    return method === 'GET'
      ? proxmoxError('proxmox/unreachable', {
          seen,
          meaning:
            'pveproxy could not get an answer from the node or daemon behind it (595 to 599, AnyEvent::HTTP).',
          next: ['on a node: pvecm status', 'on that node: systemctl status pvedaemon pveproxy'],
        })
      : proxmoxError('proxmox/outcome-unknown', {
          seen,
          next: ['drayage status', 'drayage apply   # looks first, and goes on'],
        });
  }
  if (status === 501)
    return proxmoxError('proxmox/unexpected', {
      seen,
      meaning: 'This Proxmox VE does not have that call. Directory mappings came with 8.4.',
      next: ['on the node: pveversion'],
    });
  return proxmoxError('proxmox/unexpected', {
    seen,
    next: ['on the node: journalctl --unit pvedaemon --unit pveproxy --since -5min'],
  });
}

const verbs: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'set', DELETE: 'delete' };

/** The collection that an object is in, for `pvesh get`. */
function parentOf(path: string): string {
  const plain = path.split('?')[0] ?? path;
  return plain.startsWith('/nodes/') && plain.includes('/qemu/')
    ? '/cluster/resources --type vm'
    : plain.replace(/\/[^/]+(\/(status|log))?$/, '');
}

/**
 * The commands that grant what a 403 names: `Permission check failed (/vms/101, VM.Config.Disk)`. Several privileges
 * with `|` between them: one is enough. ACLs carry roles, so the privilege goes into a role of drayage's own. A token
 * with privilege separation never has more than its user.
 */
function grants(text: string, tokenId = 'USER@REALM!NAME'): string[] {
  const [user, name = 'NAME'] = tokenId.split('!');
  const found = /Permission check failed \((\/[^,()]*), ([A-Za-z.|, ]+)\)/.exec(text);
  if (found?.[1] === undefined || found[2] === undefined) {
    return [
      `on the node: pveum user token permissions ${user} ${name}`,
      'this call may be for root@pam alone, which no token is',
    ];
  }
  return grantOf(found[1], found[2].split(/[|,]/)[0]?.trim() ?? '', tokenId);
}

/** The commands that give a token one privilege on one path. */
export function grantOf(path: string, privilege: string, tokenId: string): string[] {
  const [user] = tokenId.split('!');
  return [
    `on the node: pveum acl modify ${path} --tokens '${tokenId}' --roles Drayage   # and --users '${user}' when the token has privilege separation`,
    `first, if the role lacks it: pveum role modify Drayage --append 1 --privs ${privilege}   # or: pveum role add Drayage --privs ${privilege}`,
  ];
}
