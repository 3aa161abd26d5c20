import type { MoveConfig, ShareConfig } from '../config/config.ts';
import { mountUnitName } from '../guest/unit-name.ts';
import { nixString } from './write-value.ts';

/**
 * The NixOS module for a target guest, to import: the share, the move's place at the old path, and for every system
 * unit of the move the conditions without which it does not start. `nofail` keeps a missing share from ending the boot
 * in emergency mode; no tmpfiles rule, because one would make an empty local directory and own it anew at each boot.
 */
export function nixosMountModule(target: {
  share: ShareConfig;
  move: MoveConfig;
  workloads: readonly { name: string; user?: string }[];
}): string {
  const { share, move, workloads } = target;
  const marker = `${share.mount}/.drayage/share.json`;
  const released = `${share.mount}/.drayage/moves/${move.name}/released`;
  const mount = mountUnitName(move.from.path);
  const bind =
    move.to.as === '.'
      ? []
      : [
          `  fileSystems.${nixString(move.from.path)} = {`,
          `    device = ${nixString(`${share.mount}/${move.to.as}`)};`,
          '    fsType = "none";',
          `    options = [ "bind" "nofail" ${nixString(`x-systemd.requires-mounts-for=${share.mount}`)} ];`,
          '  };',
        ];
  const conditions = (user: boolean) => [
    '      unitConfig = {',
    ...(user
      ? []
      : [
          `        RequiresMountsFor = [ ${nixString(move.from.path)} ];`,
          `        BindsTo = [ ${nixString(mount)} ];`,
          `        After = [ ${nixString(mount)} ];`,
        ]),
    `        AssertPathIsMountPoint = ${nixString(move.from.path)};`,
    `        AssertPathExists = [ ${nixString(marker)} ${nixString(released)} ];`,
    '      };',
  ];
  const services = workloads.flatMap((workload) => {
    const attribute = nixString(workload.name.replace(/\.service$/, ''));
    const manager = workload.user === undefined ? 'systemd.services' : 'systemd.user.services';
    return [
      `  ${manager}.${attribute} = {`,
      '      overrideStrategy = "asDropin";',
      ...conditions(workload.user !== undefined),
      '  };',
    ];
  });
  return [
    '{ ... }:',
    '{',
    `  fileSystems.${nixString(share.mount)} = {`,
    `    device = ${nixString(share.mapping)};`,
    '    fsType = "virtiofs";',
    '    options = [ "rw" "relatime" "nofail" "x-systemd.mount-timeout=30s" ];',
    '    noCheck = true;',
    '  };',
    ...bind,
    ...services,
    '}',
    '',
  ].join('\n');
}
