import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { Host } from '../../ssh/host.ts';
import { nulList, nulRecords } from '../../verify/records.ts';
import { copyError } from '../errors.ts';
import type { Part } from './parts.ts';

const nul = (name: string) => Buffer.from(`${name}\0`, 'latin1');

/** What lies directly in each directory named on stdin and is no directory: `./a/b/file`, ended by NUL. */
export const looseScript =
  'cd -- "$1" && exec xargs -0 -r sh -c \'exec find "$@" -mindepth 1 -maxdepth 1 ! -type d -printf "%p\\0"\' sh';

/** xargs(1): any invocation of the command exited with 1 to 125. A directory went away since the scan. */
const someFailed = 123;

/**
 * The names of a part for rsync's stdin: its directories, and the loose names as the source lists them now; these
 * stream from the source to the reader. One that was a directory when the tree was looked at belongs to another part: as a
 * link that has taken its place, it would lead what is carried below it out of the target. `listed` rejects when the source could not list them.
 */
export function partNames(
  part: Part,
  directories: ReadonlySet<string>,
  source: Host,
  path: string,
  signal: AbortSignal,
): { names: Readable; listed: Promise<void> } {
  const names = new PassThrough();
  const write = async (chunk: Buffer) => {
    if (!names.write(chunk)) await once(names, 'drain', { signal });
  };
  const list = async () => {
    const loose: Buffer[] = [];
    for (const unit of part.units) {
      if (unit.kind === 'whole') await write(nul(unit.path));
      else loose.push(nul(unit.path));
    }
    if (loose.length > 0) {
      let kept: string[] = [];
      const parser = nulRecords((name) => {
        if (!directories.has(name)) kept.push(name);
      });
      const pass = async (chunk: Buffer) => {
        parser.push(chunk);
        const some = kept;
        kept = [];
        for (const batch of nulList(some)) await write(batch);
      };
      const result = await source.run(['sh', '-c', looseScript, 'sh', path], {
        stdin: Buffer.concat(loose),
        onStdout: pass,
        signal,
      });
      await pass(result.stdout);
      if (result.exitCode !== 0 && result.exitCode !== someFailed) {
        throw copyError('copy/source-not-as-expected', {
          seen: `listing ${path} on ${source.name} ended with ${result.exitCode}: ${result.stderr}`.trim(),
          next: [`ssh ${source.name} ls -la ${path}`],
        });
      }
    }
    names.end();
  };
  return { names, listed: list() };
}
