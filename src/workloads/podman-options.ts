/**
 * Options of `podman run` and `podman create` that take no value: the only way to tell an option's value from the image.
 * podman 4.3 to 5.6; a platform test holds the list against `podman run --help`.
 */
export const booleanOptions: ReadonlySet<string> = new Set(
  `detach disable-content-trust env-host help http-proxy init interactive no-healthcheck no-hostname no-hosts
  oom-kill-disable passwd privileged publish-all quiet read-only read-only-tmpfs replace rm rmi rootfs sig-proxy
  tls-verify tty unsetenv-all`.split(/\s+/),
);

/** Options that take a value, in the next argument or after `=`. */
export const valueOptions: ReadonlySet<string> = new Set(
  `add-host annotation arch attach authfile blkio-weight blkio-weight-device cap-add cap-drop cert-dir cgroup-conf
  cgroup-parent cgroupns cgroups chrootdirs cidfile conmon-pidfile cpu-period cpu-quota cpu-rt-period cpu-rt-runtime
  cpu-shares cpus cpuset-cpus cpuset-mems creds decryption-key detach-keys device device-cgroup-rule device-read-bps
  device-read-iops device-write-bps device-write-iops dns dns-opt dns-option dns-search entrypoint env env-file
  env-merge expose gidmap gpus group-add group-entry health-cmd health-interval health-log-destination
  health-max-log-count health-max-log-size health-on-failure health-retries health-start-period health-startup-cmd
  health-startup-interval health-startup-retries health-startup-success health-startup-timeout health-timeout
  healthcheck-command healthcheck-interval healthcheck-retries healthcheck-start-period healthcheck-timeout hostname
  hosts-file hostuser image-volume init-ctr init-path intel-rdt-l3-cbm ip ip6 ipc kernel-memory label label-file
  link-local-ip log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name net
  network network-alias oom-score-adj os passwd-entry personality pid pidfile pids-limit platform pod pod-id-file
  preserve-fd preserve-fds publish pull requires restart retry retry-delay sdnotify seccomp-policy secret security-opt
  shm-size shm-size-systemd stop-signal stop-timeout subgidname subuidname sysctl systemd timeout tmpfs tz uidmap ulimit
  umask unsetenv user userns uts variant volume volumes-from workdir`.split(/\s+/),
);

/** One-letter forms. */
export const shortOptions: Readonly<Record<string, string>> = {
  a: 'attach',
  c: 'cpu-shares',
  d: 'detach',
  e: 'env',
  h: 'hostname',
  i: 'interactive',
  l: 'label',
  m: 'memory',
  p: 'publish',
  P: 'publish-all',
  q: 'quiet',
  t: 'tty',
  u: 'user',
  v: 'volume',
  w: 'workdir',
};

/** One option as it was typed, and what it means. */
export interface TypedOption {
  /** Long name; `undefined` when podman's list does not have it. */
  readonly name: string | undefined;
  readonly value: string | undefined;
  /** The arguments it was typed as; one letter of a cluster stands alone: `-dit` gives `-d`, `-i`, `-t`. */
  readonly typed: readonly string[];
}

/**
 * Splits `options IMAGE command...` where the image is the first argument that is neither an option nor a value, as
 * podman's own parser (Go's pflag, interspersed arguments off) does. Stops at an option that is not known, because
 * whether the next argument belongs to it cannot be told.
 */
export function splitArguments(args: readonly string[]): {
  readonly options: readonly TypedOption[];
  /** Image and command; empty when an unknown option, or the end, came first. */
  readonly rest: readonly string[];
} {
  const options: TypedOption[] = [];
  let index = 0;
  const next = (): string | undefined => args[index++];
  while (index < args.length) {
    const argument = args[index] as string;
    if (!argument.startsWith('-') || argument === '-') return { options, rest: args.slice(index) };
    index += 1;
    if (argument === '--') return { options, rest: args.slice(index) };
    const read = argument.startsWith('--') ? readLong(argument, next) : readCluster(argument, next);
    options.push(...read);
    if (read.some((option) => option.name === undefined)) return { options, rest: [] };
  }
  return { options, rest: [] };
}

function readLong(argument: string, next: () => string | undefined): TypedOption[] {
  const equals = argument.indexOf('=');
  const name = argument.slice(2, equals === -1 ? undefined : equals);
  const value = equals === -1 ? undefined : argument.slice(equals + 1);
  if (booleanOptions.has(name) || (valueOptions.has(name) && value !== undefined)) {
    return [{ name, value, typed: [argument] }];
  }
  if (!valueOptions.has(name)) return [{ name: undefined, value, typed: [argument] }];
  const following = next();
  return [{ name, value: following, typed: following === undefined ? [argument] : [argument, following] }];
}

function readCluster(argument: string, next: () => string | undefined): TypedOption[] {
  const options: TypedOption[] = [];
  let letters = argument.slice(1);
  while (letters.length > 0) {
    const letter = letters[0] as string;
    const rest = letters.slice(1);
    const name = shortOptions[letter];
    if (name === undefined) return [...options, { name, value: undefined, typed: [`-${letters}`] }];
    if (rest.startsWith('=')) {
      return [...options, { name, value: rest.slice(1), typed: [`-${letters}`] }];
    }
    if (booleanOptions.has(name)) {
      options.push({ name, value: undefined, typed: [`-${letter}`] });
      letters = rest;
      continue;
    }
    if (rest !== '') return [...options, { name, value: rest, typed: [`-${letters}`] }];
    const following = next();
    const typed = following === undefined ? [`-${letter}`] : [`-${letter}`, following];
    return [...options, { name, value: following, typed }];
  }
  return options;
}
