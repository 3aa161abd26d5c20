/**
 * A whole migration on this machine, with a word before each act: `npm run demo`, `make demo`.
 * Exit code 0 only when every file arrived, every container runs and no line of the writer is lost.
 */
import { parseArgs } from 'node:util';
import { DrayageError } from '../../src/errors/error.ts';
import { exitCode } from '../../src/errors/exit-code.ts';
import { runDemo } from './demo.ts';
import { openScreen } from './screen.ts';

const usage = `Usage: npm run demo [-- --keep]

Boots a lab of one node and two guests on this machine and moves the containers of one guest to the other.
Needs root. Leaves .lab/report.json, .lab/demo/ and drayage's own evidence; the lab itself is ended.

  --keep   leave the lab running, to look around in it (npm run lab -- down --purge ends it)`;

function options(): { keep: boolean; help: boolean } {
  try {
    const known = {
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    } as const;
    return parseArgs({ options: known }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
    process.exit(exitCode.usage);
  }
}

const { keep, help } = options();
if (help) {
  process.stdout.write(`${usage}\n`);
  process.exit(exitCode.done);
}

const screen = openScreen(process.stdout, process.env);
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    if (stop.signal.aborted) return;
    screen.wait('interrupted: ending the lab');
    stop.abort(new Error('interrupted'));
  });

try {
  process.exitCode = (await runDemo(screen, { keep, signal: stop.signal })) ? exitCode.done : exitCode.failed;
} catch (error) {
  screen.rest();
  if (stop.signal.aborted) {
    screen.print('Interrupted. The lab is ended.');
    process.exitCode = exitCode.interrupted;
  } else if (error instanceof DrayageError) {
    screen.print(screen.palette.bad(error.seen));
    screen.print([error.meaning, ...error.next.map((next) => `  ${next}`)].join('\n'));
    process.exitCode = error.exit;
  } else throw error;
}
// What was being waited for when the lab ended may never answer.
process.exit();
