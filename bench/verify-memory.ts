/**
 * Compares two trees that are not there, and prints what it took of this process's memory:
 * `node bench/verify-memory.ts ENTRIES`. One JSON object on stdout: { entries, differences, seconds, cpuSeconds, residentBytes }.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Host, RunOptions } from '../src/ssh/host.ts';
import { compareTrees } from '../src/verify/compare-trees.ts';

const entries = Number(process.argv[2] ?? '1000000');
if (!(entries > 0)) throw new Error('node bench/verify-memory.ts ENTRIES');
/** So many entries lie in one directory, and every tenth of them is one of two names of a file. */
const perDirectory = 50;
const empty = Buffer.alloc(0);
const times = '1700000000.1234567890 1700000000.1234567890';

/** What `find` prints for such a tree. */
function* records(): Generator<string> {
  yield `//0d 755 0 0 4096 ${times} 9 2 64768//\0`;
  for (let entry = 0; entry < entries; entry += 1) {
    const folder = `photos-of-${Math.floor(entry / perDirectory)}`;
    if (entry % perDirectory === 0)
      yield `${folder}//0d 755 1000 100 4096 ${times} 2 ${entry + 12} 64768//\0`;
    else if (entry % 20 < 2)
      yield `${folder}/linked-${entry}//0f 644 1000 100 9 ${times} 2 ${Math.floor(entry / 20) * 20 + 12} 64768//\0`;
    else yield `${folder}/file-${entry}.jpg//0f 644 1000 100 2345 ${times} 1 ${entry + 12} 64768//\0`;
  }
}

/** In pieces as a pipe brings them. */
function* pieces(): Generator<Buffer> {
  let text = '';
  for (const record of records()) {
    text += record;
    if (text.length < 65_536) continue;
    yield Buffer.from(text, 'latin1');
    text = '';
  }
  yield Buffer.from(text, 'latin1');
}

/** A machine with such a tree: its find lists it, its digest tool answers for whatever it is given. */
function host(name: string): Host {
  const answer = async (options: RunOptions, chunks: Iterable<Buffer> | AsyncIterable<Buffer>) => {
    await pipeline(Readable.from(chunks), async (output) => {
      for await (const chunk of output) await options.onStdout?.(chunk as Buffer);
    });
  };
  async function* digests(stdin: Readable): AsyncGenerator<Buffer> {
    let rest = '';
    for await (const chunk of stdin) {
      const names = (rest + (chunk as Buffer).toString('latin1')).split('\0');
      rest = names.pop() as string;
      yield Buffer.from(names.map((file) => `${'0123456789abcdef'.repeat(2)}  ${file}\n`).join(''), 'latin1');
    }
  }
  return {
    name,
    async run(argv, options = {}) {
      const command = argv.join(' ');
      if (command.includes('date'))
        return { exitCode: 0, stdout: Buffer.from('1800000000.5\n'), stderr: empty };
      if (command.includes('-printf')) await answer(options, pieces());
      else if (command.includes('xxhsum')) await answer(options, digests(options.stdin as Readable));
      else throw new Error(`no such command here: ${command}`);
      return { exitCode: 0, stdout: empty, stderr: empty };
    },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'drayage-verify-memory-'));
try {
  const start = performance.now();
  const tree = (name: string) => ({ host: host(name), path: '/nowhere', exclude: [] });
  const { differences } = await compareTrees(
    { source: tree('doc1'), target: tree('prom') },
    {
      topIsShare: false,
      folder,
      names: { source: 'source.gz', target: 'target.gz' },
      scratch: folder,
      algorithm: 'xxh128',
    },
  );
  const { user, system } = process.cpuUsage();
  const seconds = (performance.now() - start) / 1000;
  const residentBytes = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(
    `${JSON.stringify({ entries, differences, seconds, cpuSeconds: (user + system) / 1e6, residentBytes })}\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
