import type { Host } from '../ssh/host.ts';
import { type DatabaseMarks, headerBytes } from './databases.ts';
import { look } from './look.ts';

/** Reads the first bytes of the files that may be databases, in one call, and tells `marks`. */
export async function readHeaders(host: Host, path: string, marks: DatabaseMarks): Promise<void> {
  const candidates = [...marks.takeCandidates()].sort(([a], [b]) => (a < b ? -1 : 1));
  if (candidates.length === 0) return;
  const argv = [
    'env',
    // From inside: a name may be as long as the kernel takes.
    `--chdir=${path}`,
    'LC_ALL=C',
    'xargs',
    '-0',
    '-r',
    'head',
    '-v',
    '-c',
    String(headerBytes),
    '--',
  ];
  const stdin = Buffer.from(candidates.map(([file]) => `./${file}\0`).join(''), 'latin1');
  const printed = (await look(host, argv, { stdin })).stdout.toString('latin1');
  // `head -v` writes `==> NAME <==`, a line break, and the bytes. Names and order are known, so names cannot deceive; a
  // file that could not be read is left out.
  let from = 0;
  for (const [file, journal] of candidates) {
    const title = `==> ./${file} <==\n`;
    const at = printed.indexOf(title, from);
    if (at === -1) continue;
    from = at + title.length;
    marks.header(file, journal, printed.slice(from, from + headerBytes));
  }
}
