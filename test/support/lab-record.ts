import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestRecord } from '../../lab/proxmox/record.ts';
import type { LabPaths } from '../../lab/room/layout.ts';

/** A command that sshd of a host was asked to run. */
interface HostCommand {
  readonly host: string;
  /** Seconds since the epoch, by the host's own clock. */
  readonly time: number;
  readonly user: string;
  readonly command: string;
}

/** What hosts and API received, in the order of each. */
export interface Received {
  readonly ssh: Readonly<Record<string, readonly HostCommand[]>>;
  readonly api: readonly RequestRecord[];
}

const hosts = ['prom', 'doc1', 'doc2'] as const;

/** What the lab's machines have received since the last call. `own`: commands of the test itself, which are left out. */
export function receivedReader(paths: LabPaths, own: (command: string) => boolean): () => Received {
  const read = new Map<string, number>();
  const news = (file: string): string[] => {
    const lines = readFileSync(join(paths.record, file), 'utf8').split('\n');
    if (lines.pop() !== '') throw new Error(`${file} ends in the middle of a line`);
    const fresh = lines.slice(read.get(file) ?? 0);
    read.set(file, lines.length);
    return fresh;
  };
  const commands = (host: string): HostCommand[] =>
    news(`ssh-${host}.jsonl`)
      .map((line) => {
        const { time, user, command } = JSON.parse(line);
        return { host, time, user, command: Buffer.from(command, 'base64').toString('utf8') };
      })
      .filter(({ command }) => !own(command));
  return () => ({
    ssh: Object.fromEntries(hosts.map((host) => [host, commands(host)])),
    api: news('api.jsonl').map((line) => JSON.parse(line) as RequestRecord),
  });
}

/** Everything of several readings, as if it had been read at once. */
export function together(parts: readonly Received[]): Received {
  return {
    ssh: Object.fromEntries(hosts.map((host) => [host, parts.flatMap((part) => part.ssh[host] ?? [])])),
    api: parts.flatMap((part) => part.api),
  };
}
