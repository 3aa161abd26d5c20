import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../index.ts';
import { planted } from '../services/install.ts';
import { checkWriterLog } from '../services/writer-log.ts';
import { dataDifferences, on, sourceListing, writerLog } from './observe.ts';
import { overlaps, type Sample, twoWriters, watchBoth } from './watch.ts';

/** Looks at the laws all the time. */
export interface Laws {
  /** What was broken since the last call; empty: all held. */
  broken(): string[];
  /** Everything that can only be said at the end of a migration that came through. */
  atTheEnd(): Promise<string[]>;
  stop(): Promise<void>;
}

const folder = 'nvmeprom/containers/.drayage';

/** Begins to watch a lab in which everything runs on doc1. */
export async function watchLaws(lab: Lab): Promise<Laws> {
  const before = await sourceListing(lab);
  const watch = watchBoth(lab.paths, { patient: true });
  const at = (path: string) => join(lab.nodeRoot, folder, path);
  let released: number | undefined;
  let marker: string | undefined;
  const found: string[] = [];
  const told = new Set<string>();
  const look = () => {
    const text = existsSync(at('share.json')) ? readFileSync(at('share.json'), 'utf8') : undefined;
    if (marker !== undefined && text !== undefined && text !== marker)
      found.push(`law 4: the marker was ${marker.trim()} and is ${text.trim()}`);
    marker ??= text;
    if (released === undefined && existsSync(at('moves/doc1/released'))) {
      released = Date.now();
      // The drop-ins are what systemd on doc1 asks; looked at in the moment of the release.
      void fenced(lab).then((missing) =>
        found.push(...missing.map((file) => `law 2: released without ${file} on doc1`)),
      );
    }
  };
  const timer = setInterval(look, 50);
  return {
    broken() {
      const all = [
        ...found,
        ...overlaps(watch.samples).map((text) => `law 2: ${text}`),
        ...afterRelease(watch.samples, released).map((text) => `law 2: ${text}`),
      ];
      const fresh = all.filter((text) => !told.has(text));
      for (const text of fresh) told.add(text);
      return fresh;
    },
    async atTheEnd() {
      const samples = await watch.stop();
      const after = new Set(await sourceListing(lab));
      const log = checkWriterLog(await writerLog(lab));
      return [
        ...twoWriters(samples).map((text) => `law 2: ${text}`),
        ...before.filter((line) => !after.has(line)).map((line) => `law 1: changed or gone: ${line}`),
        ...(after.size > before.length
          ? [`law 1: ${after.size - before.length} more entries on the source`]
          : []),
        ...(await dataDifferences(lab)).map((text) => `law 10: ${text}`),
        ...(log.lost + log.doubled + log.bad === 0
          ? []
          : [`law 2: the writer's log: ${JSON.stringify(log)}`]),
        ...secrets(lab).map((file) => `law 7: a secret in ${file}`),
      ];
    },
    async stop() {
      clearInterval(timer);
      await watch.stop();
    },
  };
}

/** Looks on doc1 that began after the release and found a workload running. */
function afterRelease(samples: readonly Sample[], released: number | undefined): string[] {
  if (released === undefined) return [];
  const late = samples.filter(
    ({ host, from, running }) => host === 'doc1' && from > released && running.length > 0,
  );
  return late.length === 0 ? [] : [`${late[0]?.running.join(', ')} ran on doc1 after the release`];
}

async function fenced(lab: Lab): Promise<string[]> {
  const files = [
    '/etc/systemd/system/web.service.d/50-drayage-fence.conf',
    '/etc/systemd/system/housekeeping.service.d/50-drayage-fence.conf',
  ];
  try {
    const list = await on(lab, 'doc1', 'find /etc /home/notes/.config -name 50-drayage-fence.conf');
    return files.filter((file) => !list.includes(file));
  } catch {
    // A guest that is off starts nothing; the fence is looked at again at the end, with everything else.
    return [];
  }
}

/** Files of drayage that hold a value which only the writer's environment, or only the token's file, may hold. */
function secrets(lab: Lab): string[] {
  const token = readFileSync(lab.paths.token, 'utf8').trim().split('=')[1] as string;
  const tops = [lab.paths.drayageState, join(lab.nodeRoot, folder)];
  return tops
    .flatMap((top) =>
      readdirSync(top, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    )
    .filter((file) => {
      const text = readFileSync(file, 'latin1');
      return text.includes(planted.secret) || text.includes(token);
    });
}
