import type { Check } from '../operation.ts';

export function sameFile(host: string, path: string, content: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['cat', path],
    expect: { exitCode: 0, stdout: content.trimEnd() },
    what: `${path} is as planned`,
  };
}

/** Other people's definitions survive: a different file of this name on the target stops the step. */
export function absentOrSame(host: string, definition: { sourcePath: string; sha256: string }): Check {
  const script = '! test -e "$1" || printf "%s  %s\\n" "$2" "$1" | sha256sum --check --status';
  return {
    kind: 'run',
    host,
    argv: ['sh', '-c', script, 'sh', definition.sourcePath, definition.sha256],
    expect: { exitCode: 0 },
    what: `${definition.sourcePath} does not exist on ${host}, or is the same`,
  };
}

export function sameDigest(host: string, path: string, sha256: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['sha256sum', '--', path],
    expect: { exitCode: 0, stdout: `${sha256}  ${path}` },
    what: `${path} is the same on ${host}`,
  };
}
