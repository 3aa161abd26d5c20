/** Everything that can go wrong in a migration, in the lab: `npm run fault`. Exit code 0 only when every row is good. */
import { parseArgs } from 'node:util';
import { DrayageError } from '../../src/errors/error.ts';
import { exitCode } from '../../src/errors/exit-code.ts';
import { defaultLabFolder } from '../room/layout.ts';
import { runFaults } from './migrations.ts';
import { count, isGood, table } from './row.ts';

const usage = `Usage: npm run fault [-- --list] [--only PATTERN] [--json]

Boots labs of one node and two guests, one after the other, and in each carries out a migration that something goes wrong
in, again and again. Prints a table: operation, fault, resumed, end state equal, laws held. Needs root.

  --only PATTERN  only rows that match this regular expression, such as 'killed after', 'power-cycle' or 'API: 596'
  --quick         kill drayage once at each operation, before, during and after in turn, not three times
  --minutes N     in each migration: after so many minutes nothing more is disturbed, and it comes to its end
  --list          the rows, and nothing is done
  --json          the rows as JSON`;

function options() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', default: '' },
        minutes: { type: 'string', default: '600' },
        quick: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
    process.exit(exitCode.usage);
  }
}

const { only, minutes, quick, list, json, help } = options();
if (!/^\d+$/.test(minutes)) {
  process.stderr.write(`--minutes ${minutes}: not a number\n\n${usage}\n`);
  process.exit(exitCode.usage);
}
if (help) {
  process.stdout.write(`${usage}\n`);
  process.exit(exitCode.done);
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => stop.abort(new Error('interrupted')));
const begun = Date.now();
const say = (text: string) => {
  process.stderr.write(`${String(Math.round((Date.now() - begun) / 1000)).padStart(5)} s  ${text}\n`);
};

try {
  const rows = await runFaults({
    folder: defaultLabFolder(),
    only: new RegExp(only),
    quick,
    time: Number(minutes) * 60_000,
    list,
    say,
    signal: stop.signal,
  });
  if (json) process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  else if (list) process.stdout.write(`${rows.map((row) => `${row.operation}: ${row.fault}`).join('\n')}\n`);
  else process.stdout.write(`${table(rows)}\n\n${count(rows)}\n`);
  process.exitCode = list || rows.every(isGood) ? exitCode.done : exitCode.failed;
} catch (error) {
  if (stop.signal.aborted) {
    say('interrupted; the lab is ended');
    process.exitCode = exitCode.interrupted;
  } else if (error instanceof DrayageError) {
    say([error.seen, error.meaning, ...error.next.map((next) => `  ${next}`)].join('\n'));
    process.exitCode = error.exit;
  } else throw error;
}
// What was being waited for when a lab ended may never answer.
process.exit();
