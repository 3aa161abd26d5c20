import { createHash } from 'node:crypto';
import type { Check, Operation } from '../operation.ts';

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

/** The same for a file of any name: sha256sum escapes nothing of a path that it is not given. */
export function hasDigest(host: string, path: string, sha256: string, what: string): Check {
  return {
    kind: 'run',
    host,
    argv: ['sh', '-c', 'sha256sum <"$1"', 'sh', path],
    expect: { exitCode: 0, stdout: `${sha256}  -` },
    what,
  };
}

/** Takes a file away that is still as drayage wrote it; one that was changed since stays. */
export function removeOwn(
  host: string,
  path: string,
  content: { text: string } | { sha256: string },
): Operation {
  const sha256 =
    'sha256' in content ? content.sha256 : createHash('sha256').update(content.text).digest('hex');
  const script =
    'if printf "%s  %s\\n" "$1" "$2" | sha256sum --check --status 2>/dev/null; then rm -f -- "$2"; fi';
  return {
    kind: 'run',
    host,
    argv: ['sh', '-c', script, 'sh', sha256, path],
    what: `remove ${path}, if it is as drayage wrote it`,
  };
}
