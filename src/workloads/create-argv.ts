import type { CreateCommand } from '../inspect/findings.ts';

/**
 * argv that makes a container again, as it was made, with restart policy `no`: nothing may start it before the release.
 * @param label `key=value`, by which the container is known again. Values of environment variables arrive on stdin as an env file (podman-create(1), `--env-file`).
 */
export function createArgv(name: string, create: CreateCommand, label: string): string[] {
  const withEnvironment = create.environment.length > 0;
  const argv = [
    'podman',
    'create',
    '--name',
    name,
    '--restart',
    'no',
    '--label',
    label,
    ...create.options,
    // Last, because a later env file wins and `-e` won over all of them.
    ...(withEnvironment ? ['--env-file', '/dev/stdin'] : []),
    create.image,
    ...create.command,
  ];
  // sshd hands over a socket, which cannot be opened by name as /dev/stdin; a pipe of the same user can.
  return withEnvironment ? ['sh', '-c', 'cat | "$@"', 'sh', ...argv] : argv;
}

/**
 * argv that prints the named variables of a container, `NAME=value` a line. Read-only; its output is secret.
 * @param names variable names; names with a line break in their value are refused at inspection
 */
export function environmentReader(container: string, names: readonly string[]): string[] {
  const pattern = `^(${names.map((name) => name.replace(/[^A-Za-z0-9_]/g, '\\$&')).join('|')})=`;
  const format = '{{range .Config.Env}}{{println .}}{{end}}';
  return [
    'sh',
    '-c',
    'podman container inspect --format "$1" -- "$2" | grep -E -- "$3"',
    'sh',
    format,
    container,
    pattern,
  ];
}
