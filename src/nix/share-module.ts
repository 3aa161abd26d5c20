import type { ShareConfig } from '../config/config.ts';

/**
 * The NixOS module of a guest that mounts a share before anything moves to it. The mount and the mapping id hold no
 * quotes and no backslashes (config/schema.ts); `${` would begin what Nix fills in.
 */
export function nixosShareModule(share: Pick<ShareConfig, 'mount' | 'mapping'>): string {
  const quoted = (text: string) => `"${text.replaceAll('$' + '{', '\\$' + '{')}"`;
  return [
    '{ ... }:',
    '{',
    `  fileSystems.${quoted(share.mount)} = {`,
    `    device = ${quoted(share.mapping)};`,
    '    fsType = "virtiofs";',
    '    options = [ "rw" "relatime" "nofail" "x-systemd.mount-timeout=30s" ];',
    '    noCheck = true;',
    '  };',
    '}',
    '',
  ].join('\n');
}
