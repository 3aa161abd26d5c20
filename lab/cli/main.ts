/** The lab at the keyboard: `npm run lab -- up|ssh|exec|status|down`. */
import { spawn } from 'node:child_process';
import { Command } from 'commander';
import { DrayageError } from '../../src/errors/error.ts';
import { exitCode } from '../../src/errors/exit-code.ts';
import { quoteArgv } from '../../src/ssh/quote.ts';
import { labPaths, startLab } from '../index.ts';
import { defaultLabFolder } from '../room/layout.ts';
import { removeState } from '../room/prepare.ts';
import { progressLine } from '../room/progress.ts';
import { findRoom, inRoomNetwork, needRoom, stopRoom } from '../room/room.ts';
import { labStatus } from './status.ts';

const paths = labPaths(defaultLabFolder());
const talk = (line: string) => process.stderr.write(`${line}\n`);

const program = new Command('lab')
  .description(
    `A Proxmox VE node and two guests on this machine, in namespaces of their own: the node 'prom' with its API, sshd and
storage, doc1 (VM 104) with containers and their data, doc2 (VM 114) without. Needs root. Its state lies in .lab/,
or in the folder that DRAYAGE_LAB_DIR names.`,
  )
  .showHelpAfterError()
  .enablePositionalOptions();

program
  .command('up')
  .description('boot the lab and leave it running in the background')
  .option('--keep', 'go on with the disks and the storage of the last lab in this folder', false)
  .option('--second-node', "a second node, 'maint', with storage of its own", false)
  .option('--without-services', 'leave doc1 without containers and data')
  .option('--guest <name...>', 'boot only these guests', ['doc1', 'doc2'])
  .option('--without-guests', 'boot no guest: the node alone')
  .addHelpText(
    'after',
    `
Ready means: the API answers at https://10.77.0.1:8006 and the guests answer ssh. Then try
  npm run lab -- ssh doc1 podman ps
  npm run lab -- exec node src/cli/main.ts --file .lab/drayage.yaml inspect`,
  )
  .action(up);

program
  .command('ssh')
  .description('a shell, or a command, on prom, doc1 or doc2, as root')
  .argument('<host>', 'prom, doc1 or doc2')
  .argument('[command...]', 'a command and its arguments, or one word that the remote shell reads')
  .passThroughOptions()
  .action((host: string, command: string[]) =>
    become(['ssh', '-F', paths.sshConfig, host, ...remoteCommand(command)]),
  );

program
  .command('exec')
  .description("run a command of this machine in the lab's network, where the API and the guests are")
  .argument('<command...>')
  .passThroughOptions()
  .action((command: string[]) => become(command));

program
  .command('status')
  .description('what runs')
  .action(() => {
    process.stdout.write(labStatus(paths));
  });

program
  .command('down')
  .description('end the lab: its guests, processes, mounts and network')
  .option('--purge', 'also remove disks, storage, records and keys from its folder', false)
  .action(async ({ purge }: { purge: boolean }) => {
    const ran = findRoom(paths) !== undefined;
    await stopRoom(paths);
    if (purge) removeState(paths, 'all');
    talk(ran ? 'The lab is down.' : 'No lab was running.');
  });

interface UpOptions {
  keep: boolean;
  secondNode: boolean;
  withoutServices?: boolean;
  withoutGuests?: boolean;
  guest: string[];
}

/** Several words arrive as they are; a single one is a line for the remote shell, as with ssh itself. */
const remoteCommand = (words: string[]) => (words.length > 1 ? [quoteArgv(words)] : words);

async function up(options: UpOptions): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  const start = performance.now();
  try {
    await startLab({
      guests: options.withoutGuests ? [] : options.guest,
      services: !options.withoutServices,
      keep: options.keep,
      secondNode: options.secondNode,
      tied: false,
      signal: stop.signal,
      say: (event) => {
        const line = progressLine(event);
        if (line) talk(line);
      },
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    talk('Interrupted: the lab is ended.');
    // At once: a half-done image build or ssh ends with this process.
    process.exit(exitCode.interrupted);
  }
  talk(`The lab is up after ${((performance.now() - start) / 1000).toFixed(0)} s.`);
  process.stdout.write(labStatus(paths));
}

/** Runs a command in the lab's network with this process's own terminal, and ends as it ends. */
async function become(argv: readonly string[]): Promise<void> {
  const [command, ...args] = inRoomNetwork(needRoom(paths), argv) as [string, ...string[]];
  const child = spawn(command, args, { stdio: 'inherit' });
  // Ctrl-C goes to the whole foreground group: the command decides what it means.
  process.on('SIGINT', () => undefined);
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? exitCode.interrupted));
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof DrayageError)) throw error;
  talk(`${error.seen}\n${error.meaning}`);
  for (const next of error.next) talk(`  ${next}`);
  process.exitCode = error.exit;
}
