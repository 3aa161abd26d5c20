/** How much memory the census takes, of trees of one and of five million entries. docs/performance.md says how to read the numbers. */
import { execFile } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { describeMachine } from './machine.ts';
import { makeResult, print } from './result.ts';

const program = fileURLToPath(new URL('./census-memory.ts', import.meta.url));
const megabytesAllowed = 200;

/** What `census-memory.ts` prints. */
interface CensusMemory {
  readonly entries: number;
  readonly seconds: number;
  readonly residentBytes: number;
}

const usage = `npm run bench:census -- [--json] [--entries 1000000,5000000]

Each tree's list is made up, printed by a process of its own, and read by a census in another, whose largest resident
memory is what is measured: Node.js itself, about 60 MB, is in it.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      entries: { type: 'string', default: '1000000,5000000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const load = loadavg()[0] as number;
  const all: CensusMemory[] = [];
  for (const entries of values.entries.split(',')) {
    const { stdout } = await promisify(execFile)(process.execPath, [program, entries]);
    const measured = JSON.parse(stdout) as CensusMemory;
    process.stderr.write(`${entries} entries: ${JSON.stringify(measured)}\n`);
    all.push(measured);
  }
  const megabytes = all.map(
    ({ entries, residentBytes }) => [`census/${entries}`, residentBytes / 1e6] as const,
  );
  print(
    makeResult({
      bench: 'census',
      ratios: Object.fromEntries(megabytes.map(([key, value]) => [key, value / megabytesAllowed])),
      targets: megabytes.map(([ratio]) => ({ ratio, limit: 1, better: 'below' })),
      measured: Object.fromEntries(
        all.map(({ entries, seconds }) => [
          `census${entries}`,
          { what: `census of ${entries} entries`, seconds: [seconds] },
        ]),
      ),
      residentBytes: Object.fromEntries(all.map(({ entries, residentBytes }) => [entries, residentBytes])),
      cache: 'warm',
      tree: {},
      fileSystems: '',
      machine: describeMachine(load),
      checks: {},
      notes: [
        ...megabytes.map(
          ([key, value]) => `${key}: ${value.toFixed(0)} MB resident at most, Node.js included.`,
        ),
        `The ratios are shares of ${megabytesAllowed} MB.`,
      ],
    }),
    values.json,
  );
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
