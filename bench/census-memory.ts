/**
 * Takes the census of a tree that is not there, and prints what it took of this process's memory:
 * `node bench/census-memory.ts ENTRIES`, or of a real tree of this machine: `node bench/census-memory.ts PATH`.
 * One JSON object on stdout: { entries, inodes, hardLinkGroups, seconds, residentBytes }.
 */
import { statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { takeCensus } from '../src/inspect/source.ts';
import type { Host } from '../src/ssh/host.ts';
import { controllerHost } from '../src/ssh/local.ts';

/** So many entries lie in one directory, and every tenth of them is one of two names of a file. */
const perDirectory = 50;
const linkedEvery = 10;

/** What `find` prints for such a tree, in pieces of 64 KiB as a pipe brings them. */
function* findRecords(entries: number): Generator<Buffer> {
  let text = '';
  for (let entry = 0; entry < entries; entry += 1) {
    const directory = Math.floor(entry / perDirectory);
    const folder = `photos/${directory % 100}/${directory}`;
    const owner = `${1000 + (directory % 5)} 100`;
    if (entry % perDirectory === 0) text += `d 4096 8 2 ${entry + 12} 64768 ${owner} ${folder}\0`;
    else if (entry % linkedEvery === 1) {
      const inode = entry + 12 - (entry % (2 * linkedEvery) === 1 ? 0 : linkedEvery);
      text += `f 2345 8 2 ${inode} 64768 ${owner} ${folder}/linked-${entry}\0`;
    } else text += `f 2345 8 1 ${entry + 12} 64768 ${owner} ${folder}/file-${entry}.jpg\0`;
    if (text.length >= 65_536) {
      yield Buffer.from(text, 'latin1');
      text = '';
    }
  }
  yield Buffer.from(text, 'latin1');
}

/** A machine that has such a tree, whatever it is asked: a process of its own prints it, as ssh or find would. */
function hostOfRecords(entries: number): Host {
  const here = controllerHost();
  return {
    name: here.name,
    run: (_argv, options) =>
      here.run([process.execPath, import.meta.filename, '--print', String(entries)], options),
  };
}

if (import.meta.main) {
  const [asked = '1000000', printed] = process.argv.slice(2);
  if (asked === '--print') await pipeline(findRecords(Number(printed)), process.stdout);
  else await measure(asked);
}

async function measure(asked: string): Promise<void> {
  const real = asked.startsWith('/');
  const host = real ? controllerHost() : hostOfRecords(Number(asked));
  const device = real ? String(statSync(asked).dev) : '64768';
  const began = performance.now();
  const { census, tally } = await takeCensus({ host, path: real ? asked : '/tree' }, device, [], []);
  const seconds = Math.round(performance.now() - began) / 1000;
  const { entries, inodes } = tally;
  const residentBytes = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(
    `${JSON.stringify({ entries, inodes, hardLinkGroups: census.hardLinkGroups, seconds, residentBytes })}\n`,
  );
}
