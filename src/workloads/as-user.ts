/**
 * The command as that user would run it, for a caller who is root: rootless podman and `systemctl --user` find the
 * user's manager by XDG_RUNTIME_DIR (systemctl talks to `$XDG_RUNTIME_DIR/systemd/private`: no D-Bus broker is needed).
 * `runuser -u` sets HOME and USER by itself; root's working directory is not the user's to enter, so it is left.
 */
export function asUser(
  user: { readonly name: string; readonly uid: number },
  argv: readonly string[],
): string[] {
  return [
    'runuser',
    '-u',
    user.name,
    '--',
    'env',
    '--chdir=/',
    `XDG_RUNTIME_DIR=/run/user/${user.uid}`,
    ...argv,
  ];
}
