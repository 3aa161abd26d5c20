import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Host } from '../ssh/host.ts';
import { nixError } from './errors.ts';
import type { NixSource } from './source.ts';

/**
 * What Nix makes of a file, as JSON. `projection` is a function of the Nix language, on one line, that takes the value of
 * the file; paths in its result must be made strings with `toString`, or they would be copied to a store.
 *
 * Nothing is built, fetched or written: the store is `dummy://`, and `restrict-eval` lets only the repository of the file
 * be read. The text comes on stdin, so that an edited one is evaluated in the folder of the file before it is written.
 * @returns undefined when this machine has no Nix
 * @throws nix/evaluation, nix/unexpected-output
 */
export async function evaluate(
  controller: Host,
  source: Pick<NixSource, 'file' | 'folder' | 'text'>,
  projection: string,
): Promise<unknown> {
  const command = [
    'cd -- "$1" && exec env -u NIX_PATH "NIX_CONFIG=build-users-group =" nix-instantiate',
    '--store dummy:// --eval --json --strict --option restrict-eval true --option allowed-uris ""',
    '-I "drayage=$2" -',
  ].join(' ');
  const result = await controller.run(
    ['sh', '-c', command, 'sh', source.folder, repositoryOf(source.folder)],
    {
      stdin: `(${projection}) (\n${source.text}\n)`,
      timeoutSeconds: 60,
    },
  );
  const stderr = result.stderr.toString('utf8').trim();
  if (result.exitCode === 127) return undefined;
  if (result.exitCode !== 0) {
    throw nixError('nix/evaluation', {
      seen: messageOf(stderr, result.exitCode),
      where: placeIn(source.file, stderr),
      next: [`nix-instantiate --eval --strict ${source.file}`],
    });
  }
  try {
    return JSON.parse(result.stdout.toString('utf8'));
  } catch (error) {
    throw nixError('nix/unexpected-output', {
      seen: `not JSON: ${result.stdout.subarray(0, 200).toString('utf8')}`,
      next: ['nix-instantiate --version'],
      cause: error,
    });
  }
}

/** The folder that may be read: the git repository around the file, or else the file's own folder. */
function repositoryOf(folder: string): string {
  for (let here = folder; ; here = dirname(here)) {
    if (existsSync(join(here, '.git'))) return here;
    if (here === dirname(here)) return folder;
  }
}

/** The first line that begins with `error:`; the rest is a trace. */
function messageOf(stderr: string, exitCode: number): string {
  const line = stderr.split('\n').find((each) => each.startsWith('error:'));
  const text = line?.slice('error:'.length).trim();
  return text ? text : `exit code ${exitCode}: ${stderr.slice(-300)}`;
}

/** Nix counts in what came on stdin, where one line of ours stands before the file. */
function placeIn(file: string, stderr: string): string {
  const [, line, column] = /(?:«stdin»|\(stdin\)):(\d+):(\d+)/.exec(stderr) ?? [];
  return line === undefined ? file : `${file}:${Math.max(Number(line) - 1, 1)}:${column}`;
}

const plain = (inner: string): string =>
  `let plain = depth: v: if depth > 20 then "<deeper>" else if builtins.isPath v then toString v else if builtins.isFunction v then "<function>" else if builtins.isList v then map (each (depth + 1)) v else if builtins.isAttrs v then (if (v.type or null) == "derivation" then "<derivation>" else builtins.mapAttrs (_: each (depth + 1)) v) else v; each = ${inner}; in each 0`;

/** A value as JSON can carry it: paths as text, functions and derivations by name, and an end to what has none. */
export const plainValue = plain('plain');

/** The same; a part that throws is no reason not to compare the others. */
export const comparableValue = plain(
  'depth: v: let tried = builtins.tryEval v; in if tried.success then plain depth tried.value else "<throws>"',
);
