import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Runs a command as root on a guest, with the bytes of `stdin`; resolves also when the command fails. */
export type GuestRun = (
  argv: string[],
  stdin?: string | Buffer,
) => Promise<{ exitCode: number; stdout: Buffer; stderr: Buffer }>;

/** The containers that run on doc1 after `installServices`, by the user whose podman has them. */
export const doc1Containers = { root: ['app', 'web', 'writer'], notes: ['notes'] } as const;

/** A value that only the writer's environment holds: it must appear in nothing that drayage writes. */
export const planted = { secret: 'lab-secret-do-not-leak', writerLog: '/mnt/docker/writer/log.txt' } as const;

/**
 * Makes the data below /mnt/docker on doc1: some 6500 files of every kind that a copy can get wrong.
 * Does nothing where it has been done.
 */
export async function populate(doc1: GuestRun, log: (line: string) => void): Promise<void> {
  log('doc1: filling /mnt/docker');
  await must(doc1, ['python3', '-'], await readFile(guestFile('populate.py')));
}

/**
 * Fills doc1 with data and with the services that work on it: containers by hand with and without a restart
 * policy, a quadlet, a rootless quadlet, and a timer. Can be run again; what is there already is started only.
 * @throws Error with the guest's own output when a step fails
 */
export async function installServices(doc1: GuestRun, log: (line: string) => void): Promise<void> {
  await populate(doc1, log);
  await installDatabase(doc1);
  log('doc1: units and quadlets');
  const options = ['--no-same-owner', '--no-overwrite-dir', '--extract', '--file', '-'];
  await must(doc1, ['tar', '--directory', '/', ...options], await unitsArchive());
  const [script, writer, app] = await Promise.all(
    ['services.sh', 'writer.sh', 'app.sh'].map((name) => readFile(guestFile(name), 'utf8')),
  );
  const parts: [title: string, ...string[]][] = [
    ['a tiny container image', 'image'],
    ['the same for the rootless user', 'image-of-notes'],
    ['container writer: by hand, with a restart policy', 'writer', writer ?? ''],
    ['container app: by hand, without one', 'app', app ?? ''],
    ['container web: a quadlet; housekeeping: a timer', 'units'],
    ['container notes: a rootless quadlet', 'notes'],
  ];
  for (const [title, ...part] of parts) {
    log(`doc1: ${title}`);
    await must(doc1, ['bash', '-s', ...part], script ?? '');
  }
}

/** A database that an inspection must recognise and ask about. */
async function installDatabase(doc1: GuestRun): Promise<void> {
  const sql = [
    'create table if not exists item (id integer primary key, name text);',
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) insert or ignore into item select i, 'item ' || i from n;",
  ].join('\n');
  await must(doc1, ['sqlite3', '/mnt/docker/app/app.sqlite'], sql);
}

async function must(guest: GuestRun, argv: string[], stdin: string | Buffer): Promise<void> {
  const { exitCode, stderr } = await guest(argv, stdin);
  if (exitCode !== 0) {
    throw new Error(`On doc1, ${argv[0]} ended with ${exitCode}:\n${stderr.toString().trim()}`);
  }
}

/** The files of doc1/, as they lie below the guest's root. */
function unitsArchive(): Promise<Buffer> {
  const tar = ['--directory', join(import.meta.dirname, 'doc1'), '--mode', 'u=rwX,go=rX', '--create', '.'];
  return new Promise((resolve, reject) => {
    execFile('tar', tar, { encoding: 'buffer' }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
}

function guestFile(name: string): string {
  return join(import.meta.dirname, 'guest', name);
}
