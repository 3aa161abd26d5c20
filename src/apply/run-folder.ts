import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Findings } from '../inspect/findings.ts';
import type { MaintenanceFacts } from '../plan/golden-path/facts.ts';
import type { Plan } from '../plan/plan.ts';
import { type Report, reportMarkdown } from '../verify/report.ts';
import { writeWhole } from './file.ts';
import { type JournalFile, openJournal } from './journal.ts';
import { type Lock, takeLock } from './lock.ts';
import { type MarksStore, openMarks } from './marks.ts';

/** `.drayage` beside drayage.yaml. */
export function stateFolder(configFile: string): string {
  return join(dirname(configFile), '.drayage');
}

/** What one run leaves behind: plan.json, findings.json, journal.jsonl, manifests, report.json, report.md. */
export interface RunFolder {
  /** `<UTC time>-<plan id>`. */
  readonly name: string;
  readonly path: string;
  /** What the copies of all moves keep between runs. */
  readonly copies: string;
  readonly journal: JournalFile;
  readonly marks: MarksStore;
  writeReport(report: Report): Promise<void>;
  /** Gives the lock back. */
  close(): Promise<void>;
}

/**
 * Takes the lock and opens a new run.
 * @param folder runs that are no part of a move have one of their own: a rollback looks at all runs of `runs`
 * @throws apply/locked
 */
export async function openRun(
  configFile: string,
  plan: Plan,
  findings: Findings | MaintenanceFacts,
  now = new Date(),
  folder = 'runs',
): Promise<RunFolder> {
  const state = stateFolder(configFile);
  const base = `${now.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '')}-${plan.id}`;
  await mkdir(join(state, folder), { recursive: true, mode: 0o700 });
  const taken = (await readdir(join(state, folder))).filter((other) => other.startsWith(base)).length;
  const name = taken === 0 ? base : `${base}-${taken + 1}`;
  const path = join(state, folder, name);
  const lock: Lock = await takeLock(join(state, 'lock'), name);
  try {
    await mkdir(path, { mode: 0o700 });
    await writeWhole(join(path, 'plan.json'), `${JSON.stringify(plan, undefined, 2)}\n`);
    await writeWhole(join(path, 'findings.json'), `${JSON.stringify(findings, undefined, 2)}\n`);
    const marks = await openMarks(join(state, 'marks.json'));
    const journal = await openJournal(join(path, 'journal.jsonl'));
    return {
      name,
      path,
      copies: join(state, 'copies'),
      journal,
      marks,
      async writeReport(report) {
        await writeWhole(join(path, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
        await writeWhole(join(path, 'report.md'), reportMarkdown(report));
      },
      async close() {
        await journal.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Names of the runs, oldest first. */
export async function listRuns(configFile: string): Promise<string[]> {
  try {
    return (await readdir(join(stateFolder(configFile), 'runs'))).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
