import { mountUnitName } from './unit-name.ts';

/** First line of every unit file that drayage makes: without it, a file is somebody else's and is not written over. */
export const madeByDrayage = '# Made by drayage.';

/** A file that systemd reads. */
export interface UnitFile {
  readonly name: string;
  readonly path: string;
  readonly content: string;
}

/**
 * The mount unit of a virtiofs share. It is only *wanted* by local-fs.target: a share that is missing at boot must not
 * end in emergency mode, where nobody can log in (systemd.special(7)); the workloads assert the mount themselves.
 */
export function virtiofsMountUnit(share: { tag: string; mount: string }): UnitFile {
  return unitFile(share.mount, [
    '[Unit]',
    `Description=Share ${share.tag} of the Proxmox VE node`,
    '',
    '[Mount]',
    `What=${share.tag}`,
    `Where=${share.mount}`,
    'Type=virtiofs',
    'Options=rw,relatime',
    'TimeoutSec=30',
    '',
    '[Install]',
    'WantedBy=local-fs.target',
  ]);
}

/** Path continuity: the move's place in the share appears where the workloads have always looked for it. */
export function bindMountUnit(bind: {
  from: string;
  at: string;
  shareMount: string;
  marker: string;
}): UnitFile {
  const share = mountUnitName(bind.shareMount);
  return unitFile(bind.at, [
    '[Unit]',
    `Description=${bind.at} from the share`,
    `BindsTo=${share}`,
    `After=${share}`,
    `AssertPathIsMountPoint=${bind.shareMount}`,
    `AssertPathExists=${bind.marker}`,
    '',
    '[Mount]',
    `What=${bind.from}`,
    `Where=${bind.at}`,
    'Type=none',
    'Options=bind',
    'TimeoutSec=30',
    '',
    '[Install]',
    'WantedBy=local-fs.target',
  ]);
}

function unitFile(where: string, lines: readonly string[]): UnitFile {
  const name = mountUnitName(where);
  return { name, path: `/etc/systemd/system/${name}`, content: `${[madeByDrayage, ...lines].join('\n')}\n` };
}
