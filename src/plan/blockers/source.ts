import type { Config, MoveConfig } from '../../config/config.ts';
import type { Findings, SourceDirectory } from '../../inspect/findings.ts';
import { isBelow } from '../context.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { count } from '../render/words.ts';
import { sshTo } from './ssh-to.ts';

/** File systems whose content is not this guest's own data. */
const foreign = /^(nfs4?|cifs|smb3|9p|virtiofs|fuse(\..*)?|tmpfs|ramfs|proc|sysfs|overlay|devtmpfs)$/;

/** What is wrong with the source path of a move. */
export function sourceBlockers(config: Config, findings: Findings, move: MoveConfig): Blocker[] {
  const { guest, path } = move.from;
  const ssh = sshTo(config, config.guests[guest]?.ssh ?? guest);
  const source = findings.moves[move.name]?.source;
  if (source === undefined) return [];
  const at = { move: move.name };
  switch (source.state) {
    case 'missing':
      return [
        blocker('plan/source-missing', {
          ...at,
          seen: `${path} on ${guest}: ${source.seen}`,
          next: [`${ssh} ls -la ${parent(path)}`, `correct moves.${move.name}.from.path in ${config.file}`],
        }),
      ];
    case 'unreadable':
      return [
        blocker('plan/source-unreadable', {
          ...at,
          seen: `${path} on ${guest}: ${source.seen}`,
          next: [`${ssh} id`, `let drayage read as root: ssh as root, or set guests.${guest}.sudo`],
        }),
      ];
    case 'not-a-directory':
      return [
        blocker('plan/source-not-a-directory', {
          ...at,
          seen: `${path} on ${guest} is ${source.seen}`,
          next: [`correct moves.${move.name}.from.path in ${config.file}`],
        }),
      ];
    case 'directory':
      return directoryBlockers(config, move, source, ssh);
  }
}

function directoryBlockers(
  config: Config,
  move: MoveConfig,
  source: SourceDirectory,
  ssh: string,
): Blocker[] {
  const { guest, path, mounted } = move.from;
  const at = { move: move.name };
  const found: Blocker[] = [];
  if (source.realPath !== undefined && source.realPath !== path) {
    found.push(
      blocker('plan/source-is-link', {
        ...at,
        seen: `${path} on ${guest} is really ${source.realPath}`,
        next: [`set moves.${move.name}.from.path: ${source.realPath} in ${config.file}`, 'drayage plan'],
      }),
    );
  }
  if (mounted && !source.isMount) {
    found.push(
      blocker('plan/source-not-mounted', {
        ...at,
        seen: `nothing is mounted at ${path} on ${guest}`,
        next: [`${ssh} mount ${path}`, 'drayage plan'],
      }),
    );
  } else if (foreign.test(source.fsType)) {
    found.push(
      blocker('plan/source-file-system', {
        ...at,
        seen: `${path} on ${guest} is ${source.fsType}`,
        next: [`${ssh} findmnt --target ${path}`],
      }),
    );
  } else if (source.isMount && !mounted) {
    found.push(
      blocker('plan/source-is-mount', {
        ...at,
        seen: `${path} on ${guest} is a mount point (${source.fsType})`,
        next: [`set moves.${move.name}.from.mounted: true in ${config.file}`],
      }),
    );
  }
  if (source.imageStores.includes('.')) {
    found.push(
      blocker('plan/source-empty', {
        ...at,
        seen: `${path} on ${guest} is itself an image store: nothing in it is moved`,
        next: [
          `${ssh} podman info --format '{{.Store.GraphRoot}}'`,
          `correct moves.${move.name}.from.path in ${config.file}`,
        ],
      }),
    );
  } else if (source.empty) {
    found.push(
      blocker('plan/source-empty', {
        ...at,
        seen: `${path} on ${guest} is empty`,
        next: [`${ssh} findmnt --target ${path}`, `correct moves.${move.name}.from.path in ${config.file}`],
      }),
    );
  }
  const behind = [...move.exclude, ...source.imageStores].map((left) => `${path}/${left}`);
  const submounts = source.submounts.filter((mount) => !behind.some((folder) => isBelow(mount, folder)));
  if (submounts.length > 0) {
    found.push(
      blocker('plan/source-submounts', {
        ...at,
        seen: `mounted below ${path} on ${guest}: ${submounts.join(', ')}`,
        next: [
          `name them in moves.${move.name}.exclude in ${config.file}`,
          `${ssh} findmnt --submounts --target ${path}   # nothing there: a btrfs subvolume`,
        ],
      }),
    );
  }
  if (source.hasShareFolder === true && !move.exclude.includes('.drayage')) {
    found.push(
      blocker('plan/source-has-marker', {
        ...at,
        seen: `${path}/.drayage on ${guest}`,
        next: [
          `${ssh} ls -la ${path}/.drayage`,
          `leave it behind: moves.${move.name}.exclude: [.drayage] in ${config.file}`,
          `or choose another path: moves.${move.name}.from.path`,
        ],
      }),
    );
  }
  if (source.unreadable.count > 0) {
    found.push(
      blocker('plan/source-unreadable-entries', {
        ...at,
        seen: `${count(source.unreadable.count, 'entry', 'entries')}, first: ${source.unreadable.first.slice(0, 5).join(', ')}`,
        next: [`${ssh} id`, `let drayage read as root: ssh as root, or set guests.${guest}.sudo`],
      }),
    );
  }
  // What lies below something that is left behind is left behind with it.
  const left = Object.keys(move.databases).filter((database) => move.databases[database] === 'leave');
  const undecided = source.databases.filter(
    (database) =>
      move.databases[database.path] === undefined && !left.some((above) => isBelow(database.path, above)),
  );
  for (const database of undecided) {
    found.push(
      blocker('plan/database-undecided', {
        ...at,
        seen: `${database.kind} at ${path}/${database.path} (${database.mark})`,
        next: [
          `moves.${move.name}.databases: { ${JSON.stringify(database.path)}: move }   # copied to the share, stopped and proven like the rest`,
          `moves.${move.name}.databases: { ${JSON.stringify(database.path)}: leave }  # not copied: give it a block device of its own`,
        ],
      }),
    );
  }
  return found;
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
