import { mountUnitName } from './unit-name.ts';

/**
 * Where a drop-in of a unit goes: for a user's unit the folder that root owns for every user manager (systemd.unit(5)).
 *
 * On NixOS /etc/systemd/system and /etc/systemd/user are links into the store. `system.control` beside them, where
 * `systemctl set-property` writes, is a folder of the machine's own and is read before all others; for a user the same is
 * `user.control` in the user's configuration. There is none for all users.
 * @param unit `home` of its user
 */
export function dropInFolder(unit: { name: string; user?: string; home?: string }, os: string): string {
  if (unit.user === undefined)
    return `/etc/systemd/${os === 'nixos' ? 'system.control' : 'system'}/${unit.name}.d`;
  if (os !== 'nixos' || unit.home === undefined) return `/etc/systemd/user/${unit.name}.d`;
  return `${userControl(unit.home)}/${unit.name}.d`;
}

/** Where `systemctl --user set-property` writes. */
export function userControl(home: string): string {
  return `${home}/.config/systemd/user.control`;
}

/** What a workload asks for. */
export interface Conditions {
  readonly user?: string;
  /** The path that the workload uses; a mount point on the target. */
  readonly path: string;
  readonly marker: string;
  readonly released: string;
}

/** Directives of `[Unit]`, in order: keep a workload from starting without the mount, the marker and the release. */
export function conditionLines(unit: Conditions): (readonly [key: string, value: string])[] {
  const mount = mountUnitName(unit.path);
  return [
    // A user manager does not know the system's mount units: only the assertions hold there.
    ...(unit.user === undefined
      ? ([
          ['RequiresMountsFor', unit.path],
          ['BindsTo', mount],
          ['After', mount],
        ] as const)
      : []),
    ['AssertPathIsMountPoint', unit.path],
    ['AssertPathExists', unit.marker],
    ['AssertPathExists', unit.released],
  ];
}

/** Text of the drop-in with them. */
export function conditionsDropIn(unit: Conditions): string {
  return [
    '# Made by drayage: start only on the mounted, marked and released share.',
    '[Unit]',
    ...conditionLines(unit).map(([key, value]) => `${key}=${value}`),
    '',
  ].join('\n');
}

/**
 * Text of the drop-in that fences a workload on its old guest: its start job fails, whoever asks for it (a timer, a
 * dependency, a reboot, an operator), and the journal says why. For a user's unit only that user is meant.
 */
export function fenceDropIn(unit: { user?: string; move: string; target: string }): string {
  const never = unit.user === undefined ? 'AssertPathExists=!/' : `AssertUser=!${unit.user}`;
  return [
    `# Made by drayage: moved to ${unit.target} (move ${unit.move}). docs/recovery.md says when to remove this.`,
    '[Unit]',
    never,
    '',
  ].join('\n');
}
