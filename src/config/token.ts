import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { inspect } from 'node:util';
import type { Config } from './config.ts';
import { configError } from './errors.ts';

/** The parts of a token: `pve-userid`, `pve-configid`-like name, and a secret of printable characters. */
const format = /^([^\s:/!=]+@[A-Za-z][\w.-]*![A-Za-z][\w.-]*)=([\x21-\x7e]+)$/;

/** An API token. Its secret shows neither in JSON nor in logs nor in error messages; only `header()` tells it. */
export class ApiToken {
  /** `drayage@pve!migration`: may be shown. */
  readonly id: string;
  readonly #secret: string;

  constructor(id: string, secret: string) {
    this.id = id;
    this.#secret = secret;
  }

  /** Value of the `Authorization` header. */
  header(): string {
    return `PVEAPIToken=${this.id}=${this.#secret}`;
  }

  toString(): string {
    return this.id;
  }

  [inspect.custom](): string {
    return `ApiToken(${this.id})`;
  }
}

/**
 * The API token: from PROXMOX_VE_API_TOKEN when it is set (as OpenTofu's provider does), otherwise from `tokenFile`.
 * The environment's token is not used when the environment names another cluster than the configuration.
 * @throws DrayageError `token/*`; none holds a character of the token.
 */
export function readToken(config: Config, env: NodeJS.ProcessEnv): ApiToken {
  const { endpoint, tokenFile } = config.cluster;
  const fromEnv = env.PROXMOX_VE_API_TOKEN;
  if (fromEnv) {
    const elsewhere = env.PROXMOX_VE_ENDPOINT;
    if (!elsewhere || originOf(elsewhere) === endpoint)
      return parseToken(fromEnv, 'the environment variable PROXMOX_VE_API_TOKEN');
    if (tokenFile === undefined)
      throw configError('token/other-cluster', {
        seen: `PROXMOX_VE_ENDPOINT is ${originOf(elsewhere) ?? 'not an address'}, and ${config.file} names ${endpoint}`,
        next: ['unset PROXMOX_VE_ENDPOINT PROXMOX_VE_API_TOKEN', `write cluster.tokenFile in ${config.file}`],
      });
  }
  if (tokenFile === undefined)
    throw configError('token/missing', {
      seen: `neither PROXMOX_VE_API_TOKEN nor cluster.tokenFile in ${config.file} is set`,
      next: [
        'on a node: pveum user token add drayage@pve migration --privsep 0   # its user and roles: README.md, "API token"',
        "export PROXMOX_VE_API_TOKEN='drayage@pve!migration=...'",
      ],
    });
  return parseToken(readSecretFile(tokenFile), tokenFile);
}

/** `source` is named in the error instead of the text. */
export function parseToken(text: string, source: string): ApiToken {
  const match = format.exec(text.trim());
  if (match?.[1] === undefined || match[2] === undefined)
    throw configError('token/malformed', {
      seen: `${source} does not hold an API token: ${shapeOf(text.trim())}`,
      next: ['on a node: pveum user token list drayage@pve', `put USER@REALM!NAME=SECRET into ${source}`],
    });
  return new ApiToken(match[1], match[2]);
}

/** What is missing, without showing anything of the text. */
function shapeOf(text: string): string {
  if (text === '') return 'it is empty';
  if (/\s/.test(text)) return 'it has white space in it';
  if (/^(PVEAPIToken|PVE:)/i.test(text))
    return 'it begins with the name of a header; the token alone belongs here';
  if (!text.includes('=')) return 'there is no "=" before the secret';
  if (!text.includes('!')) return 'there is no "!" before the name of the token';
  if (!text.includes('@')) return 'there is no "@" before the realm';
  return 'its parts do not have the form of a user, a realm, a name and a secret';
}

const largestToken = 4096;

/**
 * The text of a file that holds a secret.
 * @throws token/unreadable, token/exposed: it must be ours or root's, and readable by its owner alone
 */
export function readSecretFile(file: string): string {
  let handle: number;
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw configError('token/unreadable', {
      seen: (error as Error).message,
      next: [`ls -l ${file}`],
      cause: error,
    });
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile())
      throw configError('token/unreadable', {
        seen: `${file} is not a regular file`,
        next: [`ls -ld ${file}`],
      });
    const own = process.getuid?.() ?? 0;
    if (stat.uid !== own && stat.uid !== 0)
      throw configError('token/exposed', {
        seen: `${file} belongs to uid ${stat.uid}, and drayage runs as uid ${own}`,
        next: [`chown ${own} ${file}`],
      });
    if ((stat.mode & 0o077) !== 0)
      throw configError('token/exposed', {
        seen: `${file} has mode ${(stat.mode & 0o7777).toString(8).padStart(4, '0')}`,
        next: [`chmod 0600 ${file}`],
      });
    const buffer = Buffer.alloc(largestToken);
    const text = buffer.subarray(0, readSync(handle, buffer, 0, largestToken, 0)).toString();
    buffer.fill(0);
    return text;
  } finally {
    closeSync(handle);
  }
}

function originOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).origin : undefined;
}
