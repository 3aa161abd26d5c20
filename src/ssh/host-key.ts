import { createHash } from 'node:crypto';
import { sshError } from './errors.ts';
import type { Host } from './host.ts';

/** A host key as it stands in known_hosts(5), without the name. */
export interface HostKey {
  /** `ssh-ed25519`. */
  readonly type: string;
  /** Base64. */
  readonly key: string;
}

const keyPattern = /^(ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+) ([A-Za-z0-9+/]+=*)(?: .*)?$/;

/** The line of a `.pub` file; undefined for anything else. */
export function parseHostKey(text: string): HostKey | undefined {
  const [, type, key] = keyPattern.exec(text.trim()) ?? [];
  return type === undefined || key === undefined ? undefined : { type, key };
}

/** `SHA256:...`, as `ssh-keygen -lf` shows it on the console. */
export function fingerprintOf({ key }: HostKey): string {
  return `SHA256:${createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '')}`;
}

/** The keys that an address shows to whomever asks. They prove nothing by themselves. */
export async function scanHostKeys(controller: Host, address: string, port: number): Promise<HostKey[]> {
  const argv = ['ssh-keyscan', '-T', '5', '-p', String(port), '--', address];
  const { stdout } = await controller.run(argv, { timeoutSeconds: 30 });
  return stdout
    .toString('utf8')
    .split('\n')
    .flatMap((line) => parseHostKey(line.replace(/^\S+ /, '')) ?? []);
}

/** What ssh makes of a destination, by the operator's own configuration. */
export interface Destination {
  readonly user: string;
  readonly hostname: string;
  readonly port: number;
  /** The name under which known_hosts has it. */
  readonly knownAs: string;
  /** The file to which ssh itself would add a key. */
  readonly knownHosts: string;
}

/** @throws ssh/failed where this machine's ssh does not accept the destination */
export async function resolveDestination(
  controller: Host,
  destination: string,
  configFile: string | undefined,
): Promise<Destination> {
  const config = configFile === undefined ? [] : ['-F', configFile];
  const answer = await controller.run(['ssh', '-G', ...config, '--', destination], { timeoutSeconds: 30 });
  const values = new Map(
    answer.stdout
      .toString('utf8')
      .split('\n')
      .map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)] as const),
  );
  const hostname = values.get('hostname');
  const knownHosts = values.get('userknownhostsfile')?.split(' ')[0];
  if (answer.exitCode !== 0 || hostname === undefined || knownHosts === undefined)
    throw sshError('ssh/failed', {
      seen: `ssh -G ${destination}: ${answer.stderr.toString('utf8').trim()}`,
      next: [`ssh -G ${destination}`],
    });
  const port = Number(values.get('port') ?? 22);
  const alias = values.get('hostkeyalias');
  const named = alias ?? hostname;
  return {
    user: values.get('user') ?? 'root',
    hostname,
    port,
    knownAs: alias === undefined && port !== 22 ? `[${named}]:${port}` : named,
    knownHosts: knownHosts.replace(/^~(?=\/)/, process.env.HOME ?? '~'),
  };
}
